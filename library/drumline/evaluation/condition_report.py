"""Scores by condition, their mean with confidence intervals, and the tables and JSON of `evaluation.conditions`."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.interval_value import Value
from drumline.core.plots import intervals
from drumline.core.svg import standalone
from drumline.core.vocabularies import VOCABULARIES
from drumline.metrics.beats import BeatScores
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.metrics.scores import micro, scores

VOCABULARY: Final = "5"
WINDOW_S: Final = 0.05
_CLASSES: Final = VOCABULARIES[VOCABULARY].classes
_GRID_TITLES: Final = ("beat F (70 ms)", "CMLt", "AMLt", "downbeat F")
_MOST_NAMED: Final = 4
"""Classes that are listed for false positives in music without drums."""

Counts = NDArray[np.int64]
"""[recordings, classes, (TP, FP, FN)]."""


@dataclass(frozen=True)
class ConditionScore:
    """Scores of a model, and optionally of a rival, in one condition."""

    name: str
    counts: Counts
    rival: Counts | None
    """Counts of the rival on the same recordings, in the same order."""
    in_mean: bool
    grids: tuple[BeatScores, ...] = ()
    """Beats and bars of the recordings whose truth has a tempo map."""

    def drawn_f(self, config: BootstrapConfig) -> NDArray[np.float64]:
        """Micro F-measures [model and rival, 1 + resamples]; the first is on all recordings."""
        num = len(self.counts)
        drawn = np.random.default_rng(config.seed).multinomial(num, np.full(num, 1 / num), size=config.num_draws)
        weights = np.vstack([np.ones(num), drawn])
        return np.stack(
            [
                np.full(len(weights), np.nan) if counts is None else micro(np.tensordot(weights, counts, axes=1)).f
                for counts in (self.counts, self.rival)
            ]
        )


@dataclass(frozen=True)
class Conditions:
    """Results of all conditions; F-measures are from 0 to 1."""

    system: str
    rival: str
    scores: tuple[ConditionScore, ...]
    false_hits: Mapping[str, int]
    """Number of hits by class in recordings without drums."""
    drumless_minutes: float
    bootstrap: BootstrapConfig

    @cached_property
    def headline(self) -> dict[str, float]:
        """Mean F-measure ``f`` over conditions with its limits; with a rival ``rival_f`` and ``delta`` with its
        limits."""
        counted = [score for score in self.scores if score.in_mean]
        drawn = np.stack([score.drawn_f(self.bootstrap) for score in counted])
        ours, rival = drawn.mean(axis=0)
        low, high = _limits(ours, self.bootstrap)
        found = {"f": float(ours[0]), "f_low": low, "f_high": high}
        if any(score.rival is None for score in counted):
            return found
        delta_low, delta_high = _limits(ours - rival, self.bootstrap)
        delta = float(ours[0] - rival[0])
        return found | {
            "rival_f": float(rival[0]), "delta": delta, "delta_low": delta_low, "delta_high": delta_high,
        }  # fmt: skip


def as_markdown(result: Conditions, *, title: str) -> str:
    """Markdown tables of conditions, classes, and music without drums."""
    lines = [f"{title}: micro F-measure in %, five classes, ±{1000 * WINDOW_S:g} ms.", ""]
    lines += _head(["condition", "recordings", result.system, result.rival or "–", "difference (interval)"])
    lines += [_row(_condition_cells(score, result.bootstrap)) for score in result.scores]
    lines += [_row(_mean_cells(result.headline)), ""]
    lines += _head(["F by class", *(f"{name} ({result.rival})" if result.rival else name for name in _CLASSES)])
    lines += [_row([score.name, *_class_cells(score)]) for score in result.scores]
    if any(score.grids for score in result.scores):
        lines += ["", *_head(["beats and bars, mean over recordings", *_GRID_TITLES])]
        lines += [_row([score.name, *map(_percent, _grid_means(score))]) for score in result.scores if score.grids]
    if result.drumless_minutes:
        rates = {name: count / result.drumless_minutes for name, count in result.false_hits.items()}
        worst = sorted(rates.items(), key=lambda item: -item[1])[:_MOST_NAMED]
        named = f" ({', '.join(f'{name} {rate:.1f}' for name, rate in worst)})" if worst else ""
        minutes, rate = result.drumless_minutes, sum(rates.values())
        lines += ["", f"Music without drums, {minutes:.0f} minutes: {rate:.1f} false hits per minute{named}."]
    return "\n".join(lines) + "\n"


def as_svg(result: Conditions, *, title: str) -> str:
    """Plot of the micro F-measures [%] of the model and its rival by condition, with 95 % intervals."""
    rows: dict[str, dict[str, Value]] = {}
    for score in result.scores:
        systems = zip((result.system, result.rival), score.drawn_f(result.bootstrap), strict=True)
        rows[score.name] = {
            name: _value_in_percent(float(f[0]), _limits(f, result.bootstrap))
            for name, f in systems
            if name and np.isfinite(f[0])
        }
    return standalone(intervals(title, rows, unit="micro F-measure, % (five classes, ±50 ms)"))


def _value_in_percent(value: float, limits: tuple[float, float]) -> Value:
    return Value(value=100 * value, low=100 * limits[0], high=100 * limits[1])


def as_json(result: Conditions) -> dict[str, Any]:
    """JSON of the results: F-measures from 0 to 1, null where a class does not occur."""
    minutes = result.drumless_minutes
    return {
        "system": result.system,
        "headline": {name: round(value, 5) for name, value in result.headline.items()},
        "conditions": {
            score.name: {
                "recordings": len(score.counts),
                "in_mean": score.in_mean,
                "system": _counts_as_json(score.counts),
                "rival": None if score.rival is None else _counts_as_json(score.rival),
                "grid": _grid_as_json(score),
            }
            for score in result.scores
        },
        "drumless": {
            "minutes": round(minutes, 3),
            "false_hits": dict(result.false_hits),
            "per_minute": round(sum(result.false_hits.values()) / minutes, 4) if minutes else None,
        },
    }


def _grid_as_json(score: ConditionScore) -> dict[str, float] | None:
    if not score.grids:
        return None
    names = [field.name for field in fields(BeatScores)]
    means = [round(mean, 5) for mean in _grid_means(score)]
    return {"recordings": len(score.grids), **dict(zip(names, means, strict=True))}


def _grid_means(score: ConditionScore) -> list[float]:
    return [float(mean) for mean in np.mean([astuple(grid) for grid in score.grids], axis=0)]


def _counts_as_json(counts: Counts) -> dict[str, Any]:
    sums = counts.sum(axis=0)
    rows = zip(_CLASSES, sums.tolist(), scores(sums.astype(np.float64)).f.tolist(), strict=True)
    return {
        "f": round(_micro_f(counts), 5),
        "classes": {
            name: {"tp": tp, "fp": fp, "fn": fn, "f": None if np.isnan(f) else round(f, 5)}
            for name, (tp, fp, fn), f in rows
        },
    }


def _limits(drawn: NDArray[np.float64], config: BootstrapConfig) -> tuple[float, float]:
    tail = (1 - config.level) / 2
    low, high = np.nanquantile(drawn[1:], [tail, 1 - tail])
    return float(low), float(high)


def _micro_f(counts: Counts) -> float:
    return float(micro(counts.sum(axis=0).astype(np.float64)).f)


def _condition_cells(score: ConditionScore, config: BootstrapConfig) -> list[str]:
    ours, rival = score.drawn_f(config)
    cells = [score.name + ("" if score.in_mean else " (not in the mean)"), str(len(score.counts)), _percent(ours[0])]
    if score.rival is None:
        return [*cells, "–", "–"]
    return [*cells, _percent(rival[0]), _difference(ours[0] - rival[0], *_limits(ours - rival, config))]


def _mean_cells(headline: Mapping[str, float]) -> list[str]:
    limits = f"{_percent(headline['f_low'])} to {_percent(headline['f_high'])}"
    cells = ["**mean over conditions**", "", f"**{_percent(headline['f'])}** ({limits})"]
    if "delta" not in headline:
        return [*cells, "–", "–"]
    difference = _difference(headline["delta"], headline["delta_low"], headline["delta_high"])
    return [*cells, _percent(headline["rival_f"]), difference]


def _class_cells(score: ConditionScore) -> list[str]:
    ours, *rival = (
        [_percent(f) for f in scores(counts.sum(axis=0).astype(np.float64)).f]
        for counts in (score.counts, score.rival)
        if counts is not None
    )
    return [f"{f} ({other})" for f, other in zip(ours, rival[0], strict=True)] if rival else ours


def _difference(delta: float, low: float, high: float) -> str:
    return f"{100 * delta:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _head(cells: Sequence[str]) -> list[str]:
    return [_row(cells), f"|{' --- |' * len(cells)}"]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _percent(value: float) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.1f}"
