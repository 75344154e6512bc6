"""Quality gates: `check`, `compare`, `make`."""

import click

from drumline.commands.checks import quality_check


@click.group()
def check() -> None:
    """Check datasets, recordings and predictions against quality gates.

    Each check takes a YAML file, NAME=VALUE or both, and prints one screen; with output=FOLDER it also writes
    report.json and report.html. Exits 0 if all gates passed, 1 if one failed, 2 if the input cannot be used.

    \b
    A limit is {at_least: 0.9} or {at_most: 0.1}; by: low (or high) compares that end of the interval.
    gates.auroc.at_least=0.85 changes one, gates.auroc=null disables it.
    """


@check.command("bootstrap")
@quality_check("drumline.quality.bootstrap.check", "BootstrapCheckConfig")
def check_bootstrap() -> None:
    """F-measure by label, openness and velocity errors with intervals over songs; compares two systems.

    \b
    drumline check bootstrap truth=truth.jsonl predictions=new.jsonl baseline=old.jsonl output=out/bootstrap
    drumline check bootstrap my.yaml gates.f_macro.at_least=0.8 gates.f_macro.by=low
    """


@check.command("open-set")
@quality_check("drumline.quality.open_set", "OpenSetConfig")
def check_open_set() -> None:
    """Known against unknown percussion: AUROC, AUPRC, and the false positive rate at 95 % recall of the known.

    \b
    drumline check open-set truth=truth.jsonl predictions=scores.jsonl output=out/open_set
    """


@check.command("alignment")
@quality_check("drumline.quality.alignment.check", "AlignmentCheckConfig")
def check_alignment() -> None:
    """Microphones of a session against each other (delay, drift), and a dataset's charts against their audio.

    \b
    drumline check alignment 'sessions=[sessions/001.json, sessions/002]' anchor=overhead_l output=out/alignment
    drumline check alignment dataset=out/dataset charts.residual_limit_ms=10
    """


@check.command("boundaries")
@quality_check("drumline.quality.boundaries.check", "BoundariesConfig")
def check_boundaries() -> None:
    """Recall of onsets near the edges of streaming windows, from a boundary pack.

    \b
    drumline make boundary-pack events=out/dataset output=out/pack 'splits=[test]'
    drumline check boundaries labels=out/pack/labels.jsonl predictions=heard.jsonl output=out/boundaries
    """


@check.command("health")
@quality_check("drumline.quality.health.check", "HealthConfig")
def check_health() -> None:
    """Dataset composition (labels, dynamics, duplicates, techniques, loudness, hours) against required counts.

    \b
    drumline check health events=events.jsonl min_counts_file=min_counts.json output=out/health
    drumline check health events=out/dataset 'required_labels=[ride_bell, crash]' gates.hours.train.at_least=10
    """


@check.command("ready")
@quality_check("drumline.quality.ready", "ReadyConfig")
def check_ready() -> None:
    """All checks of a release from one YAML file, in order, with one verdict; stops at the first failure.

    \b
    drumline check ready configs/check_ready/release.yaml output=out/ready
    drumline check ready my.yaml halt=false strict=true
    """


@click.command("ingest-check")
@quality_check("drumline.quality.ready", "IngestConfig")
def ingest_check() -> None:
    """All steps of an ingest from one YAML file: merge, annotate, normalise, check, derive weights, compare.

    Steps read each other's files. A step that fails or cannot be read does not stop the others, and the report is
    always written. Exits 0 if all gates passed, 1 if one failed, 2 if an input cannot be used.

    \b
    drumline ingest-check configs/ingest_check/events.yaml
    drumline ingest-check my.yaml output=out/ingest/2026-12-01 halt=true
    """


@click.group()
def compare() -> None:
    """Compare a candidate with a baseline. Arguments and exit codes are those of `drumline check`."""


@compare.command("health")
@quality_check("drumline.quality.health.compare", "CompareHealthConfig")
def compare_health() -> None:
    """Compare two `check health` reports: decreases, new failures and new unknown labels.

    \b
    drumline compare health candidate=out/new/report.json baseline=blessed/report.json gates.label_drop.at_most=0.05
    """


@compare.command("manifests")
@quality_check("drumline.quality.compare_manifests", "CompareManifestsConfig")
def compare_manifests() -> None:
    """Compare two event manifests or datasets: sessions, components and techniques added, removed, changed.

    \b
    drumline compare manifests candidate=new.jsonl baseline=old.jsonl
    """


@click.group()
def make() -> None:
    """Create input files for quality checks."""


@make.command("boundary-pack")
@quality_check("drumline.quality.boundaries.pack", "BoundaryPackConfig", writes=True)
def make_boundary_pack() -> None:
    """List the onsets near the edges of streaming windows: labels.jsonl for `check boundaries`.

    \b
    drumline make boundary-pack events=events.jsonl output=out/pack windows.margin_ms=20
    """
