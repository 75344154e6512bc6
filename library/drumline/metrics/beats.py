"""Beat and downbeat scores: F-measure at 70 ms, and continuity (CMLt, AMLt).

Definitions after Davies, Degara, Plumbley, "Evaluation Methods for Musical Audio Beat Tracking Algorithms" (2009), as
mir_eval.beat implements them. Unlike the convention there, no beats at the start are left out unless asked for:
charters see the first five seconds too.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.metrics.matching import num_matches

Times = NDArray[np.float64]

WINDOW_S: Final = 0.07
"""Largest distance [s] of a beat that counts as found."""
_THRESHOLD: Final = 0.175
"""Continuity: largest error of phase and period, as a share of the reference interval."""


@dataclass(frozen=True)
class BeatScores:
    """Scores of one recording, 0 to 1."""

    f: float
    """F-measure of beats within `WINDOW_S`."""
    cmlt: float
    """Share of beats at the correct metrical level."""
    amlt: float
    """Share at the correct level, twice or half of it, or off the beat: whichever is largest."""
    downbeat_f: float
    """F-measure of the first beats of bars within `WINDOW_S`."""


def score_beats(
    reference_s: ArrayLike, estimate_s: ArrayLike, reference_downbeats_s: ArrayLike, estimate_downbeats_s: ArrayLike
) -> BeatScores:
    """Score the beats and downbeats of one recording.

    Parameters
    ----------
    reference_s, estimate_s
        Beat times [s], rising.
    reference_downbeats_s, estimate_downbeats_s
        Times [s] of first beats of bars, rising.

    Returns
    -------
    BeatScores
    """
    reference, estimate = (np.asarray(times, np.float64) for times in (reference_s, estimate_s))
    cmlt, amlt = continuity(reference, estimate)
    return BeatScores(
        beat_f(reference, estimate),
        cmlt,
        amlt,
        beat_f(np.asarray(reference_downbeats_s, np.float64), np.asarray(estimate_downbeats_s, np.float64)),
    )


def beat_f(reference_s: Times, estimate_s: Times, window_s: float = WINDOW_S) -> float:
    """F-measure of times [s] matched one to one within a window; 0 where either is empty."""
    if not len(reference_s) or not len(estimate_s):
        return 0.0
    return 2.0 * num_matches(reference_s, estimate_s, window_s=window_s) / (len(reference_s) + len(estimate_s))


def continuity(reference_s: Times, estimate_s: Times) -> tuple[float, float]:
    """Total continuity at the correct metrical level and at any allowed one (CMLt, AMLt)."""
    if min(len(reference_s), len(estimate_s)) < 2:
        return 0.0, 0.0
    halves = np.arange(0, len(reference_s) - 0.5, 0.5)
    double = np.interp(halves, np.arange(len(reference_s)), reference_s)
    levels = (reference_s, double[1::2], double, reference_s[::2], reference_s[1::2])
    found = [_total_continuity(level, estimate_s) if len(level) > 1 else 0.0 for level in levels]
    return found[0], max(found)


def _total_continuity(reference_s: Times, estimate_s: Times) -> float:
    """Share of estimates near an unused reference beat with a similar interval."""
    after = np.searchsorted(reference_s, estimate_s).clip(1, len(reference_s) - 1)
    nearest = np.where(
        np.abs(estimate_s - reference_s[after - 1]) <= np.abs(estimate_s - reference_s[after]), after - 1, after
    )
    # The interval before a beat; at the first beat of either, the one after.
    index = np.arange(len(estimate_s))
    forward = (index == 0) | (nearest == 0)
    reference_steps, estimate_steps = np.diff(reference_s), np.diff(estimate_s)
    reference_step = reference_steps[np.where(forward, nearest, nearest - 1).clip(0, len(reference_steps) - 1)]
    estimate_step = estimate_steps[np.where(forward, index, index - 1).clip(0, len(estimate_steps) - 1)]
    good = (np.abs(estimate_s - reference_s[nearest]) / reference_step < _THRESHOLD) & (
        np.abs(1 - estimate_step / reference_step) < _THRESHOLD
    )
    # Each reference beat counts once.
    return len(np.unique(nearest[good])) / max(len(reference_s), len(estimate_s))
