"""HTML page of `check bootstrap`."""

from collections.abc import Mapping

from drumline.core import plots
from drumline.core.interval_value import Value
from drumline.quality.bootstrap.findings import BootstrapFindings
from drumline.quality.page import Figure, Section, Table


def sections(found: BootstrapFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    level = f"{100 * found.level:g} %"
    f: Mapping[str, Mapping[str, Value]] = {label: {"": each.f} for label, each in found.labels.items()}
    parts = [
        Section(
            "Totals",
            f"Confidence intervals of {level} from {found.num_draws:,} bootstrap resamples of {found.groups:,} songs "
            f"({found.group_by}). A label is predicted at a score of {found.threshold:g} or more.",
            facts=(
                ("Samples", found.samples),
                ("Songs", found.groups),
                ("Macro F-measure", found.values["f_macro"].value),
                ("Micro F-measure", found.values["f_micro"].value),
                ("Openness error (mean absolute)", found.values["openness_mae"].value),
                ("Velocity error (mean absolute)", found.values["velocity_mae"].value),
            ),
        ),
        Section(
            "Labels",
            figures=(
                Figure(
                    "F-measure by label",
                    f"With confidence intervals of {level}.",
                    plots.intervals("labels", f, unit="F-measure", limits=(0, 1)),
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
                "Predictions minus baseline, on the same resampled songs. "
                "Higher is better for F-measure and worse for errors.",
                figures=(
                    Figure(
                        "Differences",
                        "An interval that excludes 0 shows a significant difference.",
                        plots.intervals("deltas", deltas, unit="difference", marks={"": 0.0}),
                    ),
                ),
                tables=(
                    Table(
                        ("Value", "Difference", "from", "to", "p-value"),
                        tuple((name, e.delta, e.low, e.high, e.p_value) for name, e in found.comparison.items()),
                    ),
                ),
            )
        )
    return tuple(parts)
