"""HTML page of `mine negatives`."""

from typing import Final

from drumline.dataset.card_plots import bars, stacked_bars
from drumline.quality.negatives.findings import NegativeFindings
from drumline.quality.page import Figure, Section, Table

_LONGEST_NAME: Final = 24


def sections(found: NegativeFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    parts = {
        name: {
            "mined": float(counts.mined),
            "confident, not mined": float(counts.confident - counts.mined),
            "less confident": float(counts.false_alarms - counts.confident),
        }
        for name, counts in found.labels.items()
    }
    tenths = {
        f"{n / 10:g} to {(n + 1) / 10:g}": sum(counts.by_confidence[n] for counts in found.labels.values())
        for n in range(10)
    }
    worst = {f"{n}. {name[-_LONGEST_NAME:]}": count for n, (name, count) in enumerate(found.worst.items(), start=1)}
    confusions = tuple(
        (label, other or "nothing", count)
        for label, counts in found.instead_of.items()
        for other, count in sorted(counts.items(), key=lambda item: -item[1])
    )
    return (
        Section(
            "False positives",
            "Estimates without a matching hit. The most confident are mined, within the limits.",
            facts=(
                ("Recordings", found.recordings),
                ("Estimates", found.estimates),
                ("False positives", found.false_alarms),
                ("Confident", found.confident),
                ("Mined", found.mined),
                ("Hard windows", found.windows),
            ),
            figures=(
                Figure("Labels", "False positives by label.", stacked_bars("labels", parts, unit="estimates")),
                Figure("Confidence", "False positives by confidence.", bars("tenths", tenths, unit="estimates")),
                Figure(
                    "Recordings", "Recordings with the most mined estimates.", bars("worst", worst, unit="estimates")
                ),
            ),
            tables=(
                Table(
                    ("Label", "Estimates", "False positives", "Confident", "Mined", "Lowest confidence"),
                    tuple(
                        (name, n.estimates, n.false_alarms, n.confident, n.mined, n.confidence)
                        for name, n in found.labels.items()
                    ),
                ),
                Table(("Predicted", "Played", "Confident false positives"), confusions, title="Confusions"),
            ),
        ),
    )
