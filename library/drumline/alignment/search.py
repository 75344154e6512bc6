"""A rough offset and drift: cross-correlation in windows, summed along every allowed drift.

Correlating the whole song at once would smear under drift. So each window of the chart is correlated by itself, and
the windows' curves are added along straight lines in time (a Radon transform of the window-by-lag plane, as velocity
analysis does in seismics); the best line wins. The precision is a frame: `deviations` refines it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from drumline.alignment.evidence import Floats, Ints, Onsets, sampled
from drumline.core.grid import HIGH
from drumline.features.onset_envelope import Envelope

_PRIOR_WEIGHT: Final = 0.02
"""How much of its score an offset loses at the edge of the search: enough to choose between equal bars of a loop."""
_STEP_COST: Final = 1.0
"""What a window pays to differ by a frame from the one before, in onsets' salience."""
_BATCH: Final = 512
"""Onsets correlated at a time, for flat memory."""


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
) -> Line:
    """The best line within ``reach_s`` of the prior offset and ``max_drift`` [s/s] of none."""
    reach = int(HIGH.frame(reach_s))
    centre_s = float(onsets.times_s.mean())
    curves = correlate(salience, onsets, windows, onsets.times_s + prior_s, reach=reach)
    middles_s = np.bincount(windows, onsets.times_s) / np.bincount(windows) - centre_s
    # Steps of one frame from end to end.
    steps = int(np.ceil(max_drift * onsets.span_s * HIGH.frame_rate_hz)) if len(curves) > 1 else 0
    drifts = np.linspace(-max_drift, max_drift, 2 * steps + 1) if steps else np.zeros(1)
    distance = np.abs(np.arange(-reach, reach + 1)) / max(reach, 1)
    best, line = -np.inf, Line(prior_s, 0.0, centre_s)
    for drift in drifts[np.argsort(np.abs(drifts), kind="stable")]:
        total = sum(
            _moved(curve, int(HIGH.frame(drift * middle_s))) for curve, middle_s in zip(curves, middles_s, strict=True)
        )
        total = np.asarray(total) * (1.0 - _PRIOR_WEIGHT * distance)
        lag = int(np.argmax(total))
        if total[lag] > best:
            best, line = float(total[lag]), Line(prior_s + float(HIGH.seconds(lag - reach)), float(drift), centre_s)
    return line


def correlate(salience: Envelope, onsets: Onsets, windows: Ints, expected_s: Floats, *, reach: int) -> Floats:
    """Salience summed over each window's onsets, [windows, 2 * reach + 1], for lags of -reach..reach frames."""
    lags = np.arange(-reach, reach + 1)
    curves = np.zeros((int(windows[-1]) + 1, len(lags)))
    frames = HIGH.frame(expected_s)
    for start in range(0, len(frames), _BATCH):
        batch = slice(start, start + _BATCH)
        heard = sampled(salience, onsets.rows[batch, None], frames[batch, None] + lags)
        np.add.at(curves, windows[batch], heard)
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
    if frames >= 0:
        moved[: len(curve) - frames] = curve[frames:]
    else:
        moved[-frames:] = curve[:frames]
    return moved
