"""The page of `mine negatives`."""

from typing import Final

from drumline.dataset.card_plots import bars, stacked_bars
from drumline.quality.negatives.findings import NegativeFindings
from drumline.quality.page import Figure, Section, Table

_LONGEST_NAME: Final = 24


def sections(found: NegativeFindings) -> tuple[Section, ...]:
    """What the page shows."""
    parts = {
        name: {
            "mined": float(own.mined),
            "confident, left out": float(own.confident - own.mined),
            "less confident": float(own.false_alarms - own.confident),
        }
        for name, own in found.labels.items()
    }
    tenths = {
        f"{n / 10:g} to {(n + 1) / 10:g}": sum(own.by_confidence[n] for own in found.labels.values()) for n in range(10)
    }
    worst = {f"{n}. {name[-_LONGEST_NAME:]}": count for n, (name, count) in enumerate(found.worst.items(), start=1)}
    confusions = tuple(
        (label, other or "nothing", count)
        for label, own in found.instead_of.items()
        for other, count in sorted(own.items(), key=lambda item: -item[1])
    )
    return (
        Section(
            "False alarms",
            "An estimate that no stroke explains. Mined are the most confident, within the limits.",
            facts=(
                ("Recordings", found.recordings),
                ("Estimates", found.estimates),
                ("False alarms", found.false_alarms),
                ("Confident", found.confident),
                ("Mined", found.mined),
                ("Hard windows", found.windows),
            ),
            figures=(
                Figure("Labels", "False alarms by label.", stacked_bars("labels", parts, unit="estimates")),
                Figure("Confidence", "False alarms by confidence.", bars("tenths", tenths, unit="estimates")),
                Figure("Recordings", "The most was mined here.", bars("worst", worst, unit="estimates")),
            ),
            tables=(
                Table(
                    ("Label", "Estimates", "False alarms", "Confident", "Mined", "Least confidence"),
                    tuple(
                        (name, own.estimates, own.false_alarms, own.confident, own.mined, own.confidence)
                        for name, own in found.labels.items()
                    ),
                ),
                Table(("Heard", "Played", "Confident false alarms"), confusions, title="Heard instead of what"),
            ),
        ),
    )
