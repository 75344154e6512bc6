"""A rough offset and drift: cross-correlation in windows, summed along every allowed drift.

Correlating the whole song at once would smear under drift. So each window of the chart is correlated by itself, and
the windows' curves are added along straight lines in time (a Radon transform of the window-by-lag plane, as velocity
analysis does in seismics); the best line wins. The precision is a frame: `deviations` refines it.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from drumline.alignment.onset_rows import Floats, Ints, Onsets, sampled
from drumline.core.grid import HIGH
from drumline.features.onset_envelope import Envelope

_PRIOR_WEIGHT: Final = 0.02
"""How much of its score an offset loses at the edge of the search: enough to choose between equal bars of a loop."""
_CANDIDATES: Final = 4
_APART: Final = 14
"""Frames between candidates, 80 ms."""
_STEP_COST: Final = 1.0
"""Cost of a difference of one frame to the window before, in units of an onset's salience."""


@dataclass(frozen=True)
class Line:
    """``audio_s = chart_s + offset_s + drift * (chart_s - centre_s)``."""

    offset_s: float
    drift: float
    """Seconds per second."""
    centre_s: float

    def to_audio(self, chart_s: Floats) -> Floats:
        return np.asarray(chart_s + self.offset_s + self.drift * (chart_s - self.centre_s))


def search(
    salience: Envelope, onsets: Onsets, windows: Ints, *, prior_s: float, reach_s: float, max_drift: float
) -> tuple[Line, ...]:
    """The best lines, best first, within ``reach_s`` of the prior offset and ``max_drift`` [s/s] of none.

    More than one, because in a loop the next beat fits nearly as well and only a closer look tells them apart.
    """
    reach = int(HIGH.frame(reach_s))
    centre_s = float(onsets.times_s.mean())
    curves = correlate(salience, onsets, windows, onsets.times_s + prior_s, reach=reach)
    middles_s = np.bincount(windows, onsets.times_s) / np.bincount(windows) - centre_s
    # Steps of one frame from end to end; small drifts first, so that they win ties.
    steps = int(np.ceil(max_drift * onsets.span_s * HIGH.frame_rate_hz)) if len(curves) > 1 else 0
    drifts = np.linspace(-max_drift, max_drift, 2 * steps + 1) if steps else np.zeros(1)
    drifts = drifts[np.argsort(np.abs(drifts), kind="stable")]
    best, drift_at = np.full(2 * reach + 1, -np.inf), np.zeros(2 * reach + 1)
    for drift in drifts:
        shifts = HIGH.frame(drift * middles_s)
        total = np.sum([_moved(curve, int(shift)) for curve, shift in zip(curves, shifts, strict=True)], axis=0)
        drift_at = np.where(total > best, drift, drift_at)
        best = np.maximum(total, best)
    best *= preference(np.arange(-reach, reach + 1) / max(reach, 1))
    lines = []
    for _ in range(_CANDIDATES):
        lag = int(np.argmax(best))
        if not np.isfinite(best[lag]):
            break
        lines.append(Line(prior_s + float(HIGH.seconds(lag - reach)), float(drift_at[lag]), centre_s))
        best[max(0, lag - _APART) : lag + _APART + 1] = -np.inf
    return tuple(lines)


def preference(distance: ArrayLike) -> Floats:
    """Weight of a score at a distance from the prior offset, 0 to 1 from it to the edge of the search."""
    return np.asarray(1.0 - _PRIOR_WEIGHT * np.abs(np.asarray(distance, dtype=np.float64)))


def correlate(salience: Envelope, onsets: Onsets, windows: Ints, expected_s: Floats, *, reach: int) -> Floats:
    """Salience summed over each window's onsets, [windows, 2 * reach + 1], for lags of -reach..reach frames.

    An onset weighs by the square root of its row's rarity: many hi-hats agree with every beat, few snares do not.
    """
    lags = np.arange(-reach, reach + 1)
    counts = np.bincount(onsets.rows)[onsets.rows]
    weights = np.sqrt(len(counts) / counts).astype(np.float32)
    frames = HIGH.frame(expected_s)
    # Onsets are in time order, so each window is a run of them; one at a time keeps memory flat.
    starts = np.searchsorted(windows, np.arange(int(windows[-1]) + 2))
    curves = np.empty((len(starts) - 1, len(lags)))
    for window, (start, end) in enumerate(pairwise(starts)):
        sampled_salience = sampled(salience, onsets.rows[start:end, None], frames[start:end, None] + lags)
        curves[window] = weights[start:end] @ sampled_salience
    return curves


def track(curves: Floats) -> Ints:
    """The smoothest well-heard path through the windows' curves: each window's lag in frames from the middle.

    Viterbi decoding in which a step costs its size.
    """
    count, width = curves.shape
    lags = np.arange(width)
    cost = _STEP_COST * np.abs(lags[:, None] - lags)
    score, back = curves[0], np.zeros((count, width), dtype=np.int64)
    for window in range(1, count):
        paths = score[None, :] - cost
        back[window] = np.argmax(paths, axis=1)
        score = paths[lags, back[window]] + curves[window]
    path = [int(np.argmax(score))]
    for window in range(count - 1, 0, -1):
        path.append(int(back[window, path[-1]]))
    return np.asarray(np.array(path[::-1], dtype=np.int64) - width // 2)


def _moved(curve: Floats, frames: int) -> Floats:
    """The curve read ``frames`` further on; its ends count as nothing heard."""
    moved = np.full_like(curve, curve.min())
    frames = max(-len(curve), min(frames, len(curve)))
    if frames >= 0:
        moved[: len(curve) - frames] = curve[frames:]
    else:
        moved[-frames:] = curve[:frames]
    return moved
