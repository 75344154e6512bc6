"""The plots of a dataset card: numbers in, SVG text out, the same bytes for the same numbers.

Colours are CSS variables (``--ink``, ``--faint``, ``--series-1`` ...), so that one drawing follows the reader's light
or dark scheme: inside the card's page through the page's style, as a file of its own through `standalone`.
matplotlib knows no variables: it draws with stand-in colours, which are exchanged in the text.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

_STAND_INS: Final = {
    "--ink": "#010101",
    "--faint": "#020202",
    "--series-1": "#030301",
    "--series-2": "#030302",
    "--series-3": "#030303",
    "--series-4": "#030304",
    "--series-5": "#030305",
}
SERIES: Final = tuple(colour for name, colour in _STAND_INS.items() if name.startswith("--series"))
_INK, _FAINT = _STAND_INS["--ink"], _STAND_INS["--faint"]

LIGHT: Final = {
    "--ink": "#1f2328",
    "--faint": "#d5d9de",
    "--series-1": "#2a6fb5",
    "--series-2": "#d9822b",
    "--series-3": "#3d9467",
    "--series-4": "#8c5fb0",
    "--series-5": "#9aa3ad",
}
DARK: Final = {
    "--ink": "#e4e8ec",
    "--faint": "#3a4149",
    "--series-1": "#6aa9e9",
    "--series-2": "#f0a35c",
    "--series-3": "#6cc598",
    "--series-4": "#bb93dd",
    "--series-5": "#78828d",
}

_WIDTH_IN: Final = 4.9  # 353 px: as wide as a phone's column, so its text is never scaled below its size
_ROW_IN: Final = 0.23
_STYLE: Final = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 10.0,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "grid.color": _FAINT,
    "grid.linewidth": 0.6,
}


def bars(name: str, values: Mapping[str, float], *, unit: str, faint: Sequence[str] = ()) -> str:
    """Horizontal bars, the first at the top, each with its number; those named in ``faint`` in the quiet colour."""
    return stacked_bars(
        name,
        {label: {"": value} for label, value in values.items()},
        unit=unit,
        colours={label: SERIES[4] for label in faint},
    )


def stacked_bars(
    name: str, rows: Mapping[str, Mapping[str, float]], *, unit: str, colours: Mapping[str, str] | None = None
) -> str:
    """Horizontal bars of stacked parts, with a legend where parts have names; ``colours`` overrules whole rows."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        parts = list(dict.fromkeys(part for row in rows.values() for part in row))
        legend_rows = 1 if any(parts) else 0
        figure, axes = _figure(_ROW_IN * (len(rows) + 1.5 * legend_rows) + 0.55)
        labels, left = list(rows), np.zeros(len(rows))
        for index, part in enumerate(parts):
            widths = np.array([row.get(part, 0.0) for row in rows.values()])
            colour = [(colours or {}).get(label, SERIES[index % len(SERIES)]) for label in labels]
            axes.barh(labels, widths, left=left, height=0.72, color=colour, label=part)
            left += widths
        for row_index, total in enumerate(left):
            axes.annotate(
                _number(total), (total, row_index), (4, 0), textcoords="offset points", va="center", fontsize=9
            )
        axes.set_xlim(0, max(1e-9, left.max(initial=0.0)) * 1.17)
        axes.set_xlabel(unit)
        axes.set_ylim(len(rows) - 0.4, -0.6)  # the first at the top
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(lambda value, _: _number(value))
        axes.grid(axis="x")
        if legend_rows:
            axes.legend(
                loc="lower left", bbox_to_anchor=(0, 1), ncols=len(parts), frameon=False, fontsize=9, handlelength=1,
                columnspacing=1, borderaxespad=0.1,
            )  # fmt: skip
        return _svg(figure, empty=not rows)


def histogram(
    name: str, values: NDArray[np.float64], *, edges: Sequence[float], unit: str, mark: float | None = None
) -> str:
    """How often values (NaN: unknown, left out) fall between edges; what lies beyond joins the outermost bins.

    ``mark`` draws a line at a value that the reader should compare with.
    """
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        known = values[np.isfinite(values)]
        figure, axes = _figure(2.2)
        counts, _ = np.histogram(np.clip(known, edges[0], edges[-1]), bins=edges)
        # Bins of equal width on paper, whatever the edges: they may be logarithmic.
        axes.bar(np.arange(len(counts)) + 0.5, counts, width=0.92, color=SERIES[0])
        every = max(1, round((len(edges) - 1) / 8))
        ticks = list(range(0, len(edges), every))
        names = [_number(edges[tick]) for tick in ticks]
        if known.size and known.min() < edges[0]:
            names[0] = f"≤ {names[0]}"
        if known.size and known.max() > edges[-1] and ticks[-1] == len(edges) - 1:
            names[-1] = f"≥ {names[-1]}"
        axes.set_xticks(ticks, names)
        if mark is not None:
            axes.axvline(float(np.interp(mark, edges, np.arange(len(edges)))), color=SERIES[1], linewidth=1.5)
        axes.set_xlabel(unit)
        axes.set_ylabel("recordings")
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: _number(value))
        axes.grid(axis="y")
        return _svg(figure, empty=not known.size)


def standalone(svg: str) -> str:
    """A drawing as a file of its own, which still follows the reader's colour scheme."""
    style = f"<style>svg{{{css(LIGHT)}}}@media (prefers-color-scheme:dark){{svg{{{css(DARK)}}}}}</style>"
    head, end, body = svg.partition(">")
    return f"{head}{end}{style}{body}\n"


def css(palette: Mapping[str, str]) -> str:
    """A palette as CSS declarations."""
    return ";".join(f"{name}:{colour}" for name, colour in palette.items())


def _figure(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Figure, *, empty: bool) -> str:
    if empty:
        figure = Figure(figsize=(_WIDTH_IN, 0.6))
        figure.text(0.5, 0.5, "nothing to show", ha="center", va="center")
    buffer = io.StringIO()
    metadata: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # nobody refers to groups, and names must be unique in a page
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)  # would reach every drawing of the page
    text = text.replace("'DejaVu Sans'", "system-ui, sans-serif")
    text = re.sub(r"\s*\n\s*", "\n", text)
    for variable, stand_in in _STAND_INS.items():
        text = text.replace(stand_in, f"var({variable})")
    return text


def _number(value: float) -> str:
    """A number as short as a label wants it: 0.25, 12, 3.4k, 1.2M."""
    for scale, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= scale * 10:
            return f"{value / scale:,.0f}{suffix}"
        if abs(value) >= scale:
            return f"{value / scale:.1f}".removesuffix(".0") + suffix
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}" if abs(value) < 10 else f"{value:.3g}"
