"""Drawings of a sweep (`core.svg`): trials in, SVG text out. Scores are 0 to 1."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from drumline.core.svg import FAINT, INK, SERIES, figure, style, to_svg
from drumline.tuning.config import ParameterConfig
from drumline.tuning.space import Space
from drumline.tuning.trials import Trial

_MOST_LINES = 400
"""Maximum number of plotted trials: the best, and a sample of the others."""
_BEST = 10
_WIDE_IN = 9.6


def parallel(space: Space, trials: Sequence[Trial], *, score: str) -> str:
    """Each trial a line over its values, the score at the right; the best few in colour. ``trials``: the best first."""
    shown = _shown(trials)
    names = [*space.parameters]
    with style("parallel"):
        drawing = Figure(figsize=(_WIDE_IN, 3.6), layout="constrained")
        axes = drawing.add_subplot()
        scores = np.array([trial.score for trial in shown], dtype=float)
        low, high = (float(scores.min()), float(scores.max())) if shown else (0.0, 1.0)
        for rank, trial in reversed(list(enumerate(shown))):
            heights = [_height(trial.values.get(name), space.parameters[name]) for name in names]
            heights.append((float(trial.score or 0.0) - low) / ((high - low) or 1.0))
            best = rank < min(_BEST, max(1, len(shown) // 3))
            colour = SERIES[1] if rank == 0 else SERIES[0] if best else FAINT
            axes.plot(
                range(len(heights)), heights, color=colour, linewidth=2.2 if rank == 0 else 1.2 if best else 0.6,
                alpha=1.0 if best else 0.8, marker="o" if rank == 0 else "", markersize=4,
            )  # fmt: skip
        for row, name in enumerate(names):
            axes.axvline(row, color=INK, linewidth=0.6, zorder=0)
            for height, word in _ticks(space.parameters[name]):
                axes.annotate(
                    word, (row, height), (3, 0), textcoords="offset points", va="center", fontsize=8,
                    bbox={"facecolor": "none", "edgecolor": "none", "pad": 0.5},
                )  # fmt: skip
        axes.axvline(len(names), color=INK, linewidth=0.6, zorder=0)
        for height, value in ((0.0, low), (1.0, high)):
            axes.annotate(
                f"{value:.3f}", (len(names), height), (3, 0), textcoords="offset points", va="center", fontsize=8
            )
        axes.set_xticks(range(len(names) + 1), [_folded(name) for name in (*names, score)], fontsize=8)
        axes.set_xlim(-0.1, len(names) + 0.35)
        axes.set_ylim(-0.06, 1.06)
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.tick_params(axis="x", length=0)
        return to_svg(drawing, empty=not shown)


def shares(importances: Mapping[str, float]) -> str:
    """Bars of importance."""
    with style("importance"):
        drawing, axes = figure(0.3 * max(1, len(importances)) + 0.6)
        rows = range(len(importances))
        axes.barh(rows, list(importances.values()), color=SERIES[0], height=0.6)
        for row, share in zip(rows, importances.values(), strict=True):
            axes.annotate(
                f"{100 * share:.0f} %", (share, row), (3, 0), textcoords="offset points", va="center", fontsize=8.5
            )
        axes.set_yticks(rows, list(importances))
        axes.invert_yaxis()
        axes.set_xlim(0, max([*importances.values(), 0.01]) * 1.18)
        axes.set_xlabel("share")
        axes.tick_params(axis="y", length=0)
        return to_svg(drawing, empty=not importances)


def best_so_far(trials: Sequence[Trial], *, score: str) -> str:
    """Scores in the order in which trials ended, and the best until then."""
    scores = np.array([np.nan if trial.score is None else trial.score for trial in trials], dtype=float)
    known = np.isfinite(scores)
    with style("best"):
        drawing, axes = figure(2.6)
        rows = np.arange(1, len(scores) + 1)
        size = 4.0 if len(scores) <= 200 else 1.5
        axes.plot(rows[known], scores[known], linestyle="", marker="o", markersize=size, color=SERIES[4], alpha=0.7)
        if known.any():
            best = np.maximum.accumulate(np.where(known, scores, -np.inf))
            axes.step(rows[np.isfinite(best)], best[np.isfinite(best)], where="post", color=SERIES[1], linewidth=2)
            low = float(np.quantile(scores[known], 0.05))
            axes.set_ylim(bottom=low - 0.08 * (float(scores[known].max()) - low or 0.1))
        axes.set_xlabel("trial")
        axes.set_ylabel(score)
        axes.grid(axis="y")
        return to_svg(drawing, empty=not known.any())


def learning(trials: Sequence[Trial], *, score: str) -> str:
    """Scores by epoch, a line a trial; the best one in colour. ``trials``: the best first."""
    with style("learning"):
        drawing, axes = figure(2.6)
        for rank, trial in reversed(list(enumerate(trials))):
            if trial.curve:
                epochs, scores = zip(*trial.curve, strict=True)
                colour = SERIES[1] if rank == 0 else FAINT if trial.state == "failed" else SERIES[0]
                axes.plot(
                    epochs, scores, color=colour, linewidth=2.2 if rank == 0 else 1.0, marker="o", markersize=3,
                    alpha=1.0 if rank == 0 else 0.7,
                )  # fmt: skip
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel(score)
        axes.grid(axis="y")
        return to_svg(drawing, empty=not any(trial.curve for trial in trials))


def slices(space: Space, trials: Sequence[Trial], *, score: str) -> dict[str, str]:
    """Plot scores over the values of each parameter; `trials` in falling order of score."""
    drawn, shown = {}, _shown(trials)
    for name, parameter in space.parameters.items():
        mine = [trial for trial in shown if name in trial.values]
        heights: NDArray[np.float64] = np.array([trial.score for trial in mine], dtype=float)
        with style(name):
            drawing, axes = figure(2.0)
            size = 4.0 if len(mine) <= 200 else 1.5
            if parameter.bounds:
                rows = [float(trial.values[name]) for trial in mine]
                if parameter.log_uniform:
                    axes.set_xscale("log")
            else:
                spread = np.random.default_rng(0).uniform(-0.15, 0.15, len(mine))
                rows = [
                    parameter.values.index(trial.values[name]) + each for trial, each in zip(mine, spread, strict=True)
                ]
                axes.set_xticks(range(len(parameter.values)), [_word(value) for value in parameter.values])
            axes.plot(rows, heights, linestyle="", marker="o", markersize=size, color=SERIES[0], alpha=0.6)
            if mine:
                axes.plot(rows[:1], heights[:1], marker="o", markersize=6, color=SERIES[1])
                low = float(np.quantile(heights, 0.05))
                axes.set_ylim(bottom=low - 0.08 * (float(heights.max()) - low or 0.1))
            axes.set_ylabel(score)
            axes.grid(axis="y")
            drawn[name] = to_svg(drawing, empty=not mine)
    return drawn


def _shown(trials: Sequence[Trial]) -> list[Trial]:
    """The best few of those with a score, and a fair share of the others."""
    scored = [trial for trial in trials if trial.score is not None]
    return [*scored[:_BEST], *scored[_BEST :: max(1, len(scored) // _MOST_LINES)]]


def _height(value: Any, parameter: ParameterConfig) -> float:
    """Where a value stands on its axis, 0 to 1; NaN where a trial has none."""
    if value is None and None not in parameter.values:
        return float("nan")
    if parameter.bounds is None:
        return parameter.values.index(value) / max(1, len(parameter.values) - 1)
    low, high = parameter.bounds
    if parameter.log_uniform:
        return float(np.log(value / low) / np.log(high / low))
    return float((value - low) / (high - low))


def _ticks(parameter: ParameterConfig) -> list[tuple[float, str]]:
    values = parameter.values or parameter.bounds or ()
    return [(_height(value, parameter), _word(value)) for value in values]


def _word(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.0e}" if 0 < abs(value) < 0.001 else f"{value:.3g}"


def _folded(name: str) -> str:
    """A long name in lines."""
    return re.sub(r"(?<=\.)|(?<=_)(?=.{7})", "\n", name)
