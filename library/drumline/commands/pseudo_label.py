"""`drumline pseudo-label`: training songs and accompaniment out of unlabelled music."""

from pathlib import Path

import click

from drumline.commands.options import explained, handle_errors


@click.command("pseudo-label")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@explained("drumline.transcription.pseudo_labels", "PseudoLabelConfig")
@handle_errors
def pseudo_label(config: Path, overrides: tuple[str, ...]) -> None:
    """Make training songs of unlabelled music, and cut passages without drums out of it.

    The model transcribes an easier recording (a song without its guitars, say); confident hits become labels of the
    whole song and doubtful ones are masked. `build-dataset` reads the songs with `transcriptions: include`.

    \b
    drumline pseudo-label configs/pseudo_label/metal.yaml
    drumline pseudo-label configs/pseudo_label/music.yaml drumless_s=8
    """
    from drumline.core.config import load_config
    from drumline.transcription.pseudo_labels import PseudoLabelConfig
    from drumline.transcription.pseudo_labels import pseudo_label as run

    settings = load_config(PseudoLabelConfig, config, overrides)
    labelled = run(settings)
    for song in labelled:
        click.echo(f"{song.name}: {song.num_hits} hits, {song.num_doubtful} masked, {song.drumless_s:.0f} s drumless")
    click.echo(f"\n{len(labelled)} recordings, {sum(song.drumless_s for song in labelled) / 60:.1f} min without drums")
