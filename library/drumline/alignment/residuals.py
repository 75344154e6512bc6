"""Where each onset really is: the envelope's own peak near the expected time, to a fraction of a frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from drumline.alignment.onset_rows import Floats, Onsets
from drumline.core.grid import HIGH
from drumline.features.onset_envelope import Envelope

REACH_S: Final = 0.05
"""How far from its expected time an onset is looked for. Half a sixteenth note at 150 beats per minute."""

_SILENCE: Final = 1e-3
_LAGGING: Final = 8
"""Onsets from which on a row is believed to have a lag of its own."""
_MOST_LAG_S: Final = 0.006


@dataclass(frozen=True)
class Peaks:
    """Where rows of responses peak."""

    heights: Floats
    """Square roots, so that a near ghost note can win over a distant crash; 0 where there is no peak [4, T]."""
    shifts: Floats
    """From the frame's centre to the summit, in frames [4, T]."""


def peaks_of(responses: Envelope) -> Peaks:
    """The local maxima of responses [4, T]: each the vertex of the parabola through three frames' logarithms.

    (Of logarithms: a peak of flux is nearer to a Gaussian than to a parabola.)
    """
    levels = np.log(responses.astype(np.float64) + _SILENCE)
    heights, shifts = np.zeros(levels.shape), np.zeros(levels.shape)
    before, here, after = levels[:, :-2], levels[:, 1:-1], levels[:, 2:]
    summit = (here > before) & (here >= after)
    bend = np.where(summit, before - 2 * here + after, -1.0)
    heights[:, 1:-1] = np.where(summit, np.sqrt(responses[:, 1:-1]), 0.0)
    shifts[:, 1:-1] = np.where(summit, 0.5 * (before - after) / bend, 0.0)
    return Peaks(heights, shifts)


def heard_times(peaks: Peaks, onsets: Onsets, expected_s: Floats) -> Floats:
    """Audio times [N] of the peaks that belong to onsets expected at ``expected_s`` [N]; NaN where there is none.

    Strong and near peaks are preferred: a peak's height counts (1 - (distance / reach)²) times.
    """
    heights, shifts = peaks.heights, peaks.shifts
    reach = int(HIGH.frame(REACH_S)) + 1
    around = HIGH.frame(expected_s)[:, None] + np.arange(-reach, reach + 1)
    inside = (around >= 0) & (around < heights.shape[1])
    frames = np.where(inside, around, 0)
    rows = onsets.rows[:, None]
    times_s = HIGH.seconds(frames + shifts[rows, frames])
    nearness = 1.0 - np.square((times_s - expected_s[:, None]) / REACH_S)
    worth = np.where(inside & (nearness > 0), heights[rows, frames] * nearness, 0.0)
    choice = np.argmax(worth, axis=1)[:, None]
    found = np.take_along_axis(worth, choice, axis=1)[:, 0] > 0
    return np.asarray(np.where(found, np.take_along_axis(times_s, choice, axis=1)[:, 0], np.nan))


def without_lags(heard_s: Floats, expected_s: Floats, onsets: Onsets) -> Floats:
    """The heard times [N] less what each row is heard early or late as a whole, 6 ms at most.

    That much is in the sound, not in the chart: a kick's flux peaks milliseconds after its onset, and how many depends
    on the kick.
    """
    corrected_s = heard_s.copy()
    for row in np.unique(onsets.rows):
        mine = onsets.rows == row
        errors_s = (heard_s - expected_s)[mine & ~np.isnan(heard_s)]
        if len(errors_s) >= _LAGGING:
            corrected_s[mine] -= np.clip(np.median(errors_s), -_MOST_LAG_S, _MOST_LAG_S)
    return corrected_s
