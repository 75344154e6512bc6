"""Commands on event manifests: `merge`, `annotate`, `normalize`, `derive`."""

import click

from drumline.commands.checks import quality_check


@click.group()
def merge() -> None:
    """Merge files. Arguments and exit codes are those of `drumline check`."""


@merge.command("manifests")
@quality_check("drumline.quality.manifests.merge", "MergeConfig", writes=True)
def merge_manifests() -> None:
    """Merge event manifests, recording the origin of every line and all conflicts.

    \b
    drumline merge manifests 'events=[groove.jsonl, enst.jsonl]' output=out/merged
    drumline merge manifests my.yaml keep=last gates.session_conflicts=null --dry-run
    """


@click.group()
def annotate() -> None:
    """Annotate event manifests. Arguments and exit codes are those of `drumline check`."""


@annotate.command("techniques")
@quality_check("drumline.quality.techniques.annotate", "AnnotateConfig", writes=True)
def annotate_techniques() -> None:
    """Infer playing techniques from hits, tempo and metre by documented rules.

    \b
    drumline annotate techniques events=events.jsonl taxonomy=technique_taxonomy.json output=out/annotated
    drumline annotate techniques events=events.jsonl output=out/annotated 'rules=[flam, drag]' --dry-run
    """


@click.group()
def normalize() -> None:
    """Normalise values of different devices. Arguments and exit codes are those of `drumline check`."""


@normalize.command("openness")
@quality_check("drumline.quality.manifests.openness", "OpennessConfig", writes=True)
def normalize_openness() -> None:
    """Convert raw hi-hat controller values to openness, 0 to 1, by device curves.

    \b
    drumline normalize openness events=events.jsonl curves=openness_curves.json output=out/normalized
    drumline normalize openness events=events.jsonl curves=openness_curves.json output=out/normalized --dry-run
    """


@click.group()
def derive() -> None:
    """Compute sampling weights from event manifests. Arguments and exit codes are those of `drumline check`."""


@derive.command("weights")
@quality_check("drumline.quality.manifests.weights", "DeriveWeightsConfig", writes=True)
def derive_weights() -> None:
    """Compute sampling weights of sessions by size, technique and bounds.

    \b
    drumline derive weights events=events.jsonl profiles=sampling_profiles.json profile=prod_combined output=out/weights
    drumline derive weights events=events.jsonl rule.exponent=1 rule.max_weight=0.2 output=out/weights
    """
