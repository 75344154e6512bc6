"""Drawings as SVG text: numbers in, the same bytes for the same numbers, in the reader's own colours.

Colours are CSS variables (``--ink``, ``--faint``, ``--series-1`` ...), so that one drawing follows the reader's light
or dark scheme: inside a page through the page's style, as a file of its own through `standalone`.
matplotlib knows no variables: it draws with stand-in colours, which are exchanged in the text.
"""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
INK, FAINT = _STAND_INS["--ink"], _STAND_INS["--faint"]

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

WIDTH_IN: Final = 4.9  # 353 px: as wide as a phone's column, so its text is never scaled below its size
_STYLE: Final = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 10.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
}


def standalone(svg: str) -> str:
    """A drawing as a file of its own, which still follows the reader's colour scheme."""
    style = f"<style>svg{{{css(LIGHT)}}}@media (prefers-color-scheme:dark){{svg{{{css(DARK)}}}}}</style>"
    head, end, body = svg.partition(">")
    return f"{head}{end}{style}{body}\n"


def css(palette: Mapping[str, str]) -> str:
    """A palette as CSS declarations."""
    return ";".join(f"{name}:{colour}" for name, colour in palette.items())


@contextmanager
def style(name: str) -> Iterator[None]:
    """Draw in the house style. ``name`` makes the names inside a drawing its own among those of a page."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        yield


def figure(height_in: float) -> tuple[Figure, Axes]:
    """A figure as wide as a phone's column, with one pair of axes."""
    drawing = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return drawing, drawing.add_subplot()


def to_svg(figure: Figure, *, empty: bool) -> str:
    """The text of a figure that was drawn in `style`; of one that holds nothing, a word that says so."""
    if empty:
        figure = Figure(figsize=(WIDTH_IN, 0.6))
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


def short(value: float) -> str:
    """A number as short as a label wants it: 0.25, 12, 3.4k, 1.2M."""
    for scale, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= scale * 10:
            return f"{value / scale:,.0f}{suffix}"
        if abs(value) >= scale:
            return f"{value / scale:.1f}".removesuffix(".0") + suffix
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}" if abs(value) < 10 else f"{value:.3g}"
