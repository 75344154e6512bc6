"""HTML page of `check boundaries`."""

from drumline.core import plots
from drumline.quality.boundaries.findings import EDGES, BoundaryFindings
from drumline.quality.page import Figure, Section, Table


def sections(found: BoundaryFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    compared = found.values["macro_whole"].value is not None
    figures = [
        Figure(
            "Recall by label",
            f"With confidence intervals of {100 * found.level:g} % over songs.",
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
                "A drop towards 0 shows the loss caused by missing context.",
                plots.lines(
                    "distances",
                    [f"{each.from_ms:g}" for each in found.distances],
                    series,
                    unit="recall",
                    x_label="distance from the edge, from (ms)",
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
                *((("Macro recall, whole recordings", found.values["macro_whole"].value),) if compared else ()),
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
