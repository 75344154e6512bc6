"""The page of `check bootstrap`."""

from collections.abc import Mapping

from drumline.core import plots
from drumline.core.measure import Value
from drumline.quality.bootstrap.findings import BootstrapFindings
from drumline.quality.page import Figure, Section, Table


def sections(found: BootstrapFindings) -> tuple[Section, ...]:
    """What its page shows."""
    level = f"{100 * found.level:g} %"
    f: Mapping[str, Mapping[str, Value]] = {label: {"": each.f} for label, each in found.labels.items()}
    parts = [
        Section(
            "Totals",
            f"Intervals of {level} from {found.num_draws:,} draws of {found.groups:,} songs ({found.group_by}). "
            f"A label counts from a score of {found.threshold:g}.",
            facts=(
                ("Samples", found.samples),
                ("Songs", found.groups),
                ("Macro F", found.values["f_macro"].value),
                ("Micro F", found.values["f_micro"].value),
                ("Openness error", found.values["openness_mae"].value),
                ("Velocity error", found.values["velocity_mae"].value),
            ),
        ),
        Section(
            "Labels",
            figures=(
                Figure(
                    "F by label",
                    f"With intervals of {level}.",
                    plots.intervals("labels", f, unit="F", limits=(0, 1)),
                ),
            ),
            tables=(
                Table(
                    ("Label", "Samples", "Precision", "Recall", "F", "from", "to"),
                    tuple(
                        (label, e.tp + e.fn, e.precision.value, e.recall.value, e.f.value, e.f.low, e.f.high)
                        for label, e in found.labels.items()
                    ),
                ),
            ),
        ),
    ]
    if found.comparison:
        deltas = {
            name: {"": Value(value=each.delta, low=each.low, high=each.high)} for name, each in found.comparison.items()
        }
        parts.append(
            Section(
                "Against the baseline",
                "Positive: the predictions have more than the baseline, on the same draws of songs. "
                "More is better for F and worse for errors.",
                figures=(
                    Figure(
                        "Differences",
                        "An interval that leaves out 0 shows a difference.",
                        plots.intervals("deltas", deltas, unit="difference", marks={"": 0.0}),
                    ),
                ),
                tables=(
                    Table(
                        ("Value", "Difference", "from", "to", "p"),
                        tuple((name, e.delta, e.low, e.high, e.p_value) for name, e in found.comparison.items()),
                    ),
                ),
            )
        )
    return tuple(parts)
