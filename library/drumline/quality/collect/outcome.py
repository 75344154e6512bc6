"""Report of the commands that add samples to a collection."""

from typing import Final

from drumline.charts.documents import as_tree
from drumline.core.config import Config
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import bars, stacked_bars
from drumline.quality.collect.collection import Collection, counts_of
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import CheckConfig, Input, make_report

_MOST_BARS: Final = 40


class AddSamplesGates(Config):
    """Limits of the commands that add samples; null disables a gate."""

    added: Limit | None = None
    """Number of new samples."""
    rejected: Limit | None = Limit(at_most=0)
    """Number of clips that could not be cut or read."""
    unknown_labels: Limit | None = Limit(at_most=0)
    """Number of clips with an unknown label."""


class AddSamplesConfig(CheckConfig):
    """Options common to `collect add`, `collect extract` and `collect import`."""

    collection: str
    """Folder or URI of the collection; created if it does not exist."""
    dry_run: bool = False
    """Compute findings and verdicts without writing any file."""
    source_set: str = "collected"
    """Name of the person or program that collects, stored with each sample."""
    gates: AddSamplesGates = AddSamplesGates()


class AddSamplesFindings(Config):
    """Findings of the commands that add samples, in their report.json."""

    added: dict[str, int]
    """Number of new samples by label."""
    present: int
    """Number of clips that the collection already had."""
    rejected: dict[str, int]
    """Number of clips that could not be added, by reason."""
    unknown_labels: dict[str, int]
    """Unknown labels with their number of clips."""
    samples: int
    """Number of samples in the collection after the run."""
    labels: dict[str, int]
    """Number of samples in the collection after the run, by label."""


def finish(
    kind: str, collection: Collection, config: AddSamplesConfig, *, inputs: list[Input], notes: tuple[str, ...] = ()
) -> CheckResult:
    """Save the collection (except on a dry run) and report what was added."""
    labels = counts_of([as_tree(row, f"{config.collection}: ") for row in collection.rows.values()])
    if not config.dry_run:
        collection.save()
    findings = AddSamplesFindings(
        added=dict(sorted(collection.added.items())),
        present=collection.present,
        rejected=dict(sorted(collection.rejected.items())),
        unknown_labels=dict(sorted(collection.unknown.items())),
        samples=len(collection.rows),
        labels=labels,
    )
    values = {
        "added": measured(collection.added.total()),
        "rejected": measured(collection.rejected.total()),
        "unknown_labels": measured(collection.unknown.total()),
    }
    report = make_report(
        kind, config, findings=findings, gates=apply_limits(config.gates, values), inputs=inputs, notes=notes
    )
    return CheckResult(report, lambda: sections(findings))


def sections(found: AddSamplesFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    parts = {
        name: {"new": float(found.added.get(name, 0)), "before": float(total - found.added.get(name, 0))}
        for name, total in list(found.labels.items())[:_MOST_BARS]
    }
    return (
        Section(
            "Samples",
            facts=(
                ("Added", sum(found.added.values())),
                ("Already present", found.present),
                ("Rejected", sum(found.rejected.values())),
                ("Unknown labels", sum(found.unknown_labels.values())),
                ("In the collection", found.samples),
            ),
            figures=(Figure("By label", "Samples after the run.", stacked_bars("labels", parts, unit="samples")),),
            tables=(
                Table(("Rejected because", "Clips"), tuple(found.rejected.items())),
                Table(("Unknown label", "Clips"), tuple(found.unknown_labels.items())),
            ),
        ),
    )


def label_bars(name: str, labels: dict[str, int]) -> Figure:
    """Bar chart of samples by label."""
    return Figure("Labels", "Samples by label.", bars(name, dict(list(labels.items())[:_MOST_BARS]), unit="samples"))
