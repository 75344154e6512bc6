"""The page of `check boundaries`."""

from drumline.core import plots
from drumline.quality.boundaries.findings import EDGES, BoundaryFindings
from drumline.quality.page import Figure, Section, Table


def sections(found: BoundaryFindings) -> tuple[Section, ...]:
    """What the page shows."""
    compared = found.values["macro_whole"].value is not None
    figures = [
        Figure(
            "Recall by label",
            f"With intervals of {100 * found.level:g} % over songs.",
            plots.intervals(
                "labels",
                {
                    name: {"window": each.recall, "whole recording": each.whole} if compared else {"": each.recall}
                    for name, each in found.labels.items()
                },
                unit="recall",
                limits=(0, 1),
            ),
        )
    ]
    if found.distances:
        series = {name: [each.recall[name] for each in found.distances] for name in EDGES}
        if compared:
            series["whole recording"] = [each.whole for each in found.distances]
        figures.append(
            Figure(
                "Recall by distance to the edge",
                "A fall towards 0 shows what the system loses for want of context.",
                plots.lines(
                    "distances",
                    [f"{each.from_ms:g}" for each in found.distances],
                    series,
                    unit="recall",
                    x_label="milliseconds from the edge, from",
                ),
            )
        )
    return (
        Section(
            "Recall near the edges",
            f"{found.samples:,} samples of {found.groups:,} songs ({found.group_by}).",
            facts=(
                ("Macro recall", found.values["macro_recall"].value),
                ("Micro recall", found.values["micro_recall"].value),
                ("Leading", found.values["leading"].value),
                ("Trailing", found.values["trailing"].value),
                *((("Whole, macro", found.values["macro_whole"].value),) if compared else ()),
            ),
            figures=tuple(figures),
            tables=(
                Table(
                    ("Label", "Samples", "Recall", "from", "to", "Leading", "Trailing", "Whole"),
                    tuple(
                        (
                            name,
                            e.samples,
                            e.recall.value,
                            e.recall.low,
                            e.recall.high,
                            e.leading,
                            e.trailing,
                            e.whole.value,
                        )
                        for name, e in found.labels.items()
                    ),
                ),
            ),
        ),
    )
