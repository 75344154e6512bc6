"""Bar charts and histograms as SVG text (`core.svg`)."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from drumline.core.svg import SERIES, figure, short, style, to_svg

_ROW_IN: Final = 0.23


def bars(name: str, values: Mapping[str, float], *, unit: str, faint: Sequence[str] = ()) -> str:
    """Horizontal bars from top to bottom with their values; bars named in ``faint`` are grey."""
    return stacked_bars(
        name,
        {label: {"": value} for label, value in values.items()},
        unit=unit,
        colours={label: SERIES[4] for label in faint},
    )


def stacked_bars(
    name: str, rows: Mapping[str, Mapping[str, float]], *, unit: str, colours: Mapping[str, str] | None = None
) -> str:
    """Horizontal stacked bars, with a legend if the parts have names; ``colours`` overrides the colour of whole
    rows."""
    with style(name):
        parts = list(dict.fromkeys(part for row in rows.values() for part in row))
        legend_rows = 1 if any(parts) else 0
        drawing, axes = figure(_ROW_IN * (len(rows) + 1.5 * legend_rows) + 0.55)
        labels, left = list(rows), np.zeros(len(rows))
        for index, part in enumerate(parts):
            widths = np.array([row.get(part, 0.0) for row in rows.values()])
            colour = [(colours or {}).get(label, SERIES[index % len(SERIES)]) for label in labels]
            axes.barh(labels, widths, left=left, height=0.72, color=colour, label=part)
            left += widths
        for row_index, total in enumerate(left):
            axes.annotate(short(total), (total, row_index), (4, 0), textcoords="offset points", va="center", fontsize=9)
        axes.set_xlim(0, max(1e-9, left.max(initial=0.0)) * 1.17)
        axes.set_xlabel(unit)
        axes.set_ylim(len(rows) - 0.4, -0.6)  # the first at the top
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(lambda value, _: short(value))
        axes.grid(axis="x")
        if legend_rows:
            axes.legend(
                loc="lower left", bbox_to_anchor=(0, 1), ncols=len(parts), frameon=False, fontsize=9, handlelength=1,
                columnspacing=1, borderaxespad=0.1,
            )  # fmt: skip
        return to_svg(drawing, empty=not left.any())


def histogram(
    name: str,
    values: NDArray[np.float64],
    *,
    edges: Sequence[float],
    unit: str,
    mark: float | None = None,
    what: str = "recordings",
) -> str:
    """Histogram of finite values; values beyond the edges are counted in the outermost bins.

    ``mark`` draws a vertical reference line.
    """
    with style(name):
        known = values[np.isfinite(values)]
        drawing, axes = figure(2.2)
        counts, _ = np.histogram(np.clip(known, edges[0], edges[-1]), bins=edges)
        # Bins of equal width on paper, whatever the edges: they may be logarithmic.
        axes.bar(np.arange(len(counts)) + 0.5, counts, width=0.92, color=SERIES[0])
        every = max(1, round((len(edges) - 1) / 8))
        ticks = list(range(0, len(edges), every))
        names = [short(edges[tick]) for tick in ticks]
        if known.size and known.min() < edges[0]:
            names[0] = f"≤ {names[0]}"
        if known.size and known.max() > edges[-1] and ticks[-1] == len(edges) - 1:
            names[-1] = f"≥ {names[-1]}"
        axes.set_xticks(ticks, names)
        if mark is not None:
            axes.axvline(float(np.interp(mark, edges, np.arange(len(edges)))), color=SERIES[1], linewidth=1.5)
        axes.set_xlabel(unit)
        axes.set_ylabel(what)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: short(value))
        axes.grid(axis="y")
        return to_svg(drawing, empty=not known.size)
