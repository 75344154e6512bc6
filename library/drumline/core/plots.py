"""Plots of measurements for reports: numbers in, SVG text out (`core.svg`). ``None`` is a number that is not known."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from drumline.core.interval_value import Number, Value
from drumline.core.svg import FAINT, INK, SERIES, figure, style, to_svg

_MARKERS: Final = "osD^vPX"
_MOST_DOTS: Final = 20
"""Points that a curve shows one by one."""
_SLOT_IN: Final = 0.13
"""Height of one system's mark within a row."""


def intervals(
    name: str,
    rows: Mapping[str, Mapping[str, Value]],
    *,
    unit: str,
    limits: tuple[float, float | None] | None = None,
    marks: Mapping[str, float] | None = None,
) -> str:
    """Points with intervals, the first row at the top: row -> series -> value. ``marks`` draws named vertical lines.

    ``limits`` of the axis; fitted to the values if not given.
    """
    series = list(dict.fromkeys(part for row in rows.values() for part in row))
    alone = len(series) == 1
    with style(name):
        slots = max(1, len(series))
        row_in = max(0.28, _SLOT_IN * slots + 0.1)
        drawing, axes = figure(row_in * max(1, len(rows)) + 0.6 + 0.2 * _legend_rows(series))
        drawn = False
        for s, part in enumerate(series):
            points = [(r, row[part]) for r, row in enumerate(rows.values()) if part in row]
            for r, value in points:
                if value.value is None:
                    continue
                at, drawn = r + (s - (slots - 1) / 2) * 0.8 / slots, True
                if value.low is not None and value.high is not None:
                    axes.plot([value.low, value.high], [at, at], color=_colour(s), linewidth=2, alpha=0.45)
                axes.plot([value.value], [at], marker=_marker(s), markersize=5, color=_colour(s), clip_on=False)
        for m, (word, at) in enumerate((marks or {}).items()):
            axes.axvline(at, color=INK, linewidth=1, linestyle=(0, (3, 2)))
            side, dx = ("left", 3) if m % 2 else ("right", -3)  # two neighbours point away from each other
            coordinates = ("data", "axes fraction")
            axes.annotate(word, (at, 1), (dx, 2), xycoords=coordinates, textcoords="offset points", ha=side, fontsize=8)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)  # the first at the top
        axes.tick_params(axis="y", length=0)
        if limits:
            axes.set_xlim(*limits)
        axes.set_xlabel(unit)
        axes.grid(axis="x")
        for edge in range(1, len(rows)):
            axes.axhline(edge - 0.5, color=FAINT, linewidth=0.6)
        if not alone:
            _legend(axes, series)
        return to_svg(drawing, empty=not drawn)


def lines(name: str, x: Sequence[str], series: Mapping[str, Sequence[Number]], *, unit: str, x_label: str) -> str:
    """One line a series over named, evenly spaced places; gaps where nothing is known. The axis is 0 to 1."""
    with style(name):
        drawing, axes = figure(2.5 + 0.2 * _legend_rows(list(series)))
        known = False
        for s, values in reversed(list(enumerate(series.values()))):  # the first on top
            heights = [np.nan if value is None else value for value in values]
            known |= bool(np.isfinite(heights).any())
            axes.plot(range(len(x)), heights, marker=_marker(s), markersize=4, color=_colour(s), linewidth=1.5)
        axes.set_xticks(range(len(x)), list(x), fontsize=8.5)
        axes.set_xlim(-0.4, len(x) - 0.6)
        axes.set_ylim(-0.03, 1.03)
        axes.set_ylabel(unit)
        axes.set_xlabel(x_label)
        axes.grid(axis="y")
        if len(series) > 1:
            _legend(axes, list(series))
        return to_svg(drawing, empty=not known)


def reliability(name: str, series: Mapping[str, tuple[Sequence[Number], Sequence[Number]]]) -> str:
    """Accuracy over confidence, for each system's (mean confidence, accuracy) by bin, beside the line of the honest."""
    return curves(name, series, x_label="confidence", unit="share that is right")


def curves(
    name: str, series: Mapping[str, tuple[Sequence[Number], Sequence[Number]]], *, x_label: str, unit: str
) -> str:
    """Each series' (x, y), both 0 to 1, beside the diagonal."""
    with style(name):
        drawing, axes = figure(3.0 + 0.2 * _legend_rows(list(series)))
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2)
        for s, (confidence, accuracy) in enumerate(series.values()):
            known = [(c, a) for c, a in zip(confidence, accuracy, strict=True) if c is not None and a is not None]
            dots = _marker(s) if len(known) <= _MOST_DOTS else ""
            axes.plot(*zip(*known, strict=True), marker=dots, markersize=4, color=_colour(s), linewidth=1.5)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(x_label)
        axes.set_ylabel(unit)
        axes.grid()
        if len(series) > 1:
            _legend(axes, list(series))
        return to_svg(drawing, empty=not series)


def points(name: str, series: Mapping[str, Sequence[tuple[float, float]]], *, x_label: str, unit: str) -> str:
    """Each series' (x, y) as dots, the axes fitted to them."""
    with style(name):
        drawing, axes = figure(2.6 + 0.2 * _legend_rows(list(series)))
        for s, dots in enumerate(series.values()):
            axes.plot(*zip(*dots, strict=True), marker=_marker(s), markersize=3, linestyle="", color=_colour(s))
        axes.set_xlabel(x_label)
        axes.set_ylabel(unit)
        axes.grid()
        if len(series) > 1:
            _legend(axes, list(series))
        return to_svg(drawing, empty=not series)


def _legend(axes: Axes, series: Sequence[str]) -> None:
    """Above the plot, as many columns as its width takes."""
    entries = [
        axes.plot([], [], marker=_marker(s), markersize=5, color=_colour(s), linestyle="", label=title)[0]
        for s, title in enumerate(series)
    ]
    axes.legend(
        entries, list(series), loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=_legend_columns(series),
        frameon=False, fontsize=8.5, handletextpad=0.2, columnspacing=1.0, borderaxespad=0.1,
    )  # fmt: skip


def _legend_columns(series: Sequence[str]) -> int:
    longest = max((len(title) for title in series), default=1)
    return max(1, min(len(series), 62 // (longest + 4)))


def _legend_rows(series: Sequence[str]) -> int:
    return 0 if len(series) < 2 else -(-len(series) // _legend_columns(series))


def _colour(index: int) -> str:
    return SERIES[index % len(SERIES)]


def _marker(index: int) -> str:
    return _MARKERS[index % len(_MARKERS)]
