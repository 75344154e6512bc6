"""Collections of one-shot samples: `collect add`, `extract`, `import`, `stats`, `export`."""

import click

from drumline.commands.checks import quality_check


@click.group()
def collect() -> None:
    """Manage a collection of one-shot samples. Arguments and exit codes are those of `drumline check`."""


@collect.command("add")
@quality_check("drumline.quality.collect.add", "AddConfig", writes=True)
def collect_add() -> None:
    """Add one hit of a recording.

    \b
    drumline collect add collection=strokes audio=take.wav onset_s=42.18 'components=[snare]'
    """


@collect.command("extract")
@quality_check("drumline.quality.collect.extract", "ExtractConfig", writes=True)
def collect_extract() -> None:
    """Cut every hit of a BeatSight beatmap out of its audio.

    \b
    drumline collect extract collection=strokes beatmap=song/song.bsm
    """


@collect.command("import")
@quality_check("drumline.quality.collect.importing", "ImportConfig", writes=True)
def collect_import() -> None:
    """Import samples of other folders: collections, BeatSight collections, or folders named by label.

    \b
    drumline collect import collection=strokes 'folders=[oneshots, training_data]' 'aliases={bd: kick}'
    """


@collect.command("stats")
@quality_check("drumline.quality.collect.stats", "StatsConfig")
def collect_stats() -> None:
    """Count the samples of a collection and check required numbers.

    \b
    drumline collect stats collection=strokes 'min_counts={kick: 300, crash2: 150}' output=out/strokes
    """


@collect.command("export")
@quality_check("drumline.quality.collect.export", "ExportCollectionConfig", writes=True)
def collect_export() -> None:
    """Export a collection as training folders; every session is in one split.

    \b
    drumline collect export collection=strokes output=out/training validation_share=0.1
    """
