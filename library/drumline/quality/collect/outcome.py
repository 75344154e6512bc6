"""What adding to a collection reports, whichever way samples came."""

from typing import Final

from drumline.charts.documents import as_tree
from drumline.core.config import Config
from drumline.core.measure import measured
from drumline.dataset.card_plots import bars, stacked_bars
from drumline.quality.collect.collection import Collection, counts_of
from drumline.quality.gates import Limit, judge_all
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import CheckConfig, Input, make_report

_MOST_BARS: Final = 40


class AddingGates(Config):
    """Limits."""

    added: Limit | None = None
    """New samples."""
    rejected: Limit | None = Limit(at_most=0)
    """Strokes that could not be cut or read."""
    unknown_labels: Limit | None = Limit(at_most=0)
    """Strokes whose label is not known."""


class AddingConfig(CheckConfig):
    """What all ways of adding to a collection are told."""

    collection: str
    """Folder or URI of the collection; it is made if it is not there."""
    dry_run: bool = False
    """Count and judge, but write nothing at all."""
    source_set: str = "collected"
    """Who or what collects, told with each sample."""
    gates: AddingGates = AddingGates()


class AddingFindings(Config):
    """What was added."""

    added: dict[str, int]
    """New samples by label."""
    present: int
    """Strokes that the collection had already."""
    rejected: dict[str, int]
    """Strokes that could not be added, by reason."""
    unknown_labels: dict[str, int]
    """Labels that are not known, with the number of strokes."""
    samples: int
    """In the collection now."""
    labels: dict[str, int]
    """In the collection now, by label."""


def finish(
    kind: str, collection: Collection, config: AddingConfig, *, inputs: list[Input], notes: tuple[str, ...] = ()
) -> Outcome:
    """Save the collection and tell what came of it."""
    labels = counts_of([as_tree(row, f"{config.collection}: ") for row in collection.rows.values()])
    if not config.dry_run:
        collection.save()
    findings = AddingFindings(
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
        kind, config, findings=findings, gates=judge_all(config.gates, values), inputs=inputs, notes=notes
    )
    return Outcome(report, lambda: sections(findings))


def sections(found: AddingFindings) -> tuple[Section, ...]:
    """What the page shows."""
    parts = {
        name: {"new": float(found.added.get(name, 0)), "before": float(total - found.added.get(name, 0))}
        for name, total in list(found.labels.items())[:_MOST_BARS]
    }
    return (
        Section(
            "Samples",
            facts=(
                ("Added", sum(found.added.values())),
                ("Here already", found.present),
                ("Rejected", sum(found.rejected.values())),
                ("Unknown labels", sum(found.unknown_labels.values())),
                ("In the collection", found.samples),
            ),
            figures=(Figure("By label", "Now in the collection.", stacked_bars("labels", parts, unit="samples")),),
            tables=(
                Table(("Why not", "Strokes"), tuple(found.rejected.items())),
                Table(("Unknown label", "Strokes"), tuple(found.unknown_labels.items())),
            ),
        ),
    )


def label_bars(name: str, labels: dict[str, int]) -> Figure:
    """Samples by label."""
    return Figure("Labels", "Samples by label.", bars(name, dict(list(labels.items())[:_MOST_BARS]), unit="samples"))
