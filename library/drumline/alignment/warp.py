"""From heard times to a mapping: an offset; a drift where it is real; knots where they prove themselves.

Every step must be earned. A drift counts when the confidence interval of its slope excludes
zero (Theil-Sen: Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 1968). A warp
counts when knots made of every other window predict the windows between better than the line does.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from drumline.alignment.onset_rows import Floats, Ints, Onsets
from drumline.alignment.residuals import REACH_S

_GROUPS: Final = 24
"""Runs of onsets whose medians carry the slope, at most."""
_FEWEST_GROUPS: Final = 5
"""With fewer, no interval of a slope excludes anything."""
_FEWEST_WINDOWS: Final = 10
"""For a warp: enough to hold half of them out."""
_LEAST_DRIFT_S: Final = 0.006
"""Over the song. Less may come from other drums being played at its end, seen a little earlier by the envelope."""
_LEAST_GAIN_S: Final = 0.001
_LEAST_GAIN: Final = 0.1
"""Least reduction of the residual of held-out windows by a warp, in seconds and as a share."""
_FEWEST_ONSETS: Final = 4
"""In a window, for its median to be a knot."""


@dataclass(frozen=True)
class Mapping:
    """``audio_s = chart_s * (1 + drift) + offset_s``, or the line through the knots where there are any."""

    offset_s: float
    drift: float
    """Seconds per second."""
    knots: tuple[tuple[float, float], ...] = ()
    """(chart_s, audio_s) in order, two at least. Beyond the ends the first and last pieces go on."""

    def to_audio(self, chart_s: Floats) -> Floats:
        """Audio times of chart times (any shape)."""
        if not self.knots:
            return np.asarray(chart_s * (1.0 + self.drift) + self.offset_s)
        at, to = np.array(self.knots).T
        piece = np.clip(np.searchsorted(at, chart_s) - 1, 0, len(at) - 2)
        slopes = np.diff(to) / np.diff(at)
        return np.asarray(to[piece] + (chart_s - at[piece]) * slopes[piece])


def residual_s(heard_s: Floats, mapped_s: Floats) -> float:
    """The median absolute error. An onset that was not heard counts as wrong by the reach of the search."""
    return float(np.median(np.where(np.isnan(heard_s), REACH_S, np.abs(heard_s - mapped_s))))


def local_path(chart_s: Floats, heard_s: Floats, windows: Ints, line: Mapping) -> Floats:
    """Audio times [N] that follow the song wherever it goes: the line, moved by the median error of three windows.

    It is what a mapping could reach at best, with too little freedom to chase chance: it serves to ask whether chart
    and audio belong together before asking how to map them.
    """
    is_found = ~np.isnan(heard_s)
    error, count = heard_s - line.to_audio(chart_s), int(windows[-1]) + 1
    middles_s, errors_s = [], []
    for window in range(count):
        centre = min(max(window, 1), max(count - 2, 0))
        near = is_found & (np.abs(windows - centre) <= 1)
        if np.any(near):
            middles_s.append(float(np.median(chart_s[windows == window])))
            errors_s.append(float(np.median(error[near])))
    return np.asarray(line.to_audio(chart_s) + np.interp(chart_s, middles_s, errors_s))


def fit_line(onsets: Onsets, heard_s: Floats, *, max_drift: float) -> Mapping:
    """The offset, with the drift if it is real and within ``max_drift`` [s/s]. Needs one onset heard.

    The drift is that of each row of drums by itself: rows are heard late by amounts of their own, and a song whose
    cymbals come last has no drift for that.
    """
    is_found = ~np.isnan(heard_s)
    at, rows = onsets.times_s[is_found], onsets.rows[is_found]
    gap = heard_s[is_found] - at
    drift = 0.0
    own_at, own_gap = [], []
    for row in np.unique(rows):
        mine = rows == row
        # Runs of equally many onsets: the slope should not hang on a sparse intro.
        count = min(round(_GROUPS * np.mean(mine)), np.count_nonzero(mine) // _FEWEST_ONSETS)
        groups = np.arange(np.count_nonzero(mine)) * count // np.count_nonzero(mine)
        middles_s, gaps_s = _medians(at[mine], gap[mine], groups)
        if len(middles_s) > 1:
            own_at.append(middles_s - np.mean(middles_s))
            own_gap.append(gaps_s - np.mean(gaps_s))
    if sum(map(len, own_at)) >= _FEWEST_GROUPS:
        slope, _, low, high = stats.theilslopes(np.concatenate(own_gap), np.concatenate(own_at), alpha=0.99)
        if low * high > 0 and abs(slope) <= max_drift and abs(slope) * (at[-1] - at[0]) >= _LEAST_DRIFT_S:
            drift = float(slope)
    return Mapping(float(np.median(gap - drift * at)), drift)


def fit_warp(chart_s: Floats, heard_s: Floats, windows: Ints, line: Mapping) -> Mapping:
    """The line with knots at the windows' middles, or the line itself where they do not prove themselves."""
    is_found = ~np.isnan(heard_s)
    at, error, window = chart_s[is_found], (heard_s - line.to_audio(chart_s))[is_found], windows[is_found]
    middles_s, errors_s = _medians(at, error, window)
    if len(middles_s) < _FEWEST_WINDOWS:
        return line
    straight = float(np.median(np.abs(error)))
    if straight - _held_out_s(at, error, window) < max(_LEAST_GAIN_S, _LEAST_GAIN * straight):
        return line
    audio_s = line.to_audio(middles_s) + errors_s
    if np.any(np.diff(audio_s) <= 0):
        return line
    knots = tuple((float(chart), float(audio)) for chart, audio in zip(middles_s, audio_s, strict=True))
    return Mapping(line.offset_s, line.drift, knots)


def _held_out_s(at: Floats, error: Floats, windows: Ints) -> float:
    """The median absolute error when each window is predicted from its neighbours' medians alone."""
    left = np.empty_like(error)
    for parity in (0, 1):
        held = windows % 2 == parity
        middles_s, errors_s = _medians(at[~held], error[~held], windows[~held])
        left[held] = error[held] - np.interp(at[held], middles_s, errors_s)
    return float(np.median(np.abs(left)))


def _medians(at: Floats, values: Floats, windows: Ints) -> tuple[Floats, Floats]:
    """The median time and value of each window that has enough onsets."""
    groups = [windows == window for window in np.unique(windows)]
    kept = [group for group in groups if np.count_nonzero(group) >= _FEWEST_ONSETS]
    return np.array([np.median(at[group]) for group in kept]), np.array([np.median(values[group]) for group in kept])
