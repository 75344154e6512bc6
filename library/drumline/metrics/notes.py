"""Scores of pitched notes: onsets, onsets with offsets, frames, pitch and timing.

The rules are those of `mir_eval.transcription` and MIREX: a note is found if its pitch is right and its onset within
50 ms; with offsets, if it also ends within 50 ms or a fifth of its duration. Pairs are one-to-one, as many as possible.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from drumline.core.notes import Notes

WINDOW_S: Final = 0.05
"""Tolerance of onsets, and least tolerance of offsets [s]."""
OFFSET_RATIO: Final = 0.2
"""Tolerance of offsets as a share of the duration."""
FRAME_S: Final = 0.01
"""Time between frames [s]."""

_DECIMALS: Final = 4  # distances are rounded as mir_eval rounds them


@dataclass(frozen=True)
class NoteScores:
    """Scores of an estimate. Counts are int64 [3]: true positives, false positives, false negatives."""

    onset: NDArray[np.int64]
    """Notes of the right pitch and onset."""
    onset_offset: NDArray[np.int64]
    """Notes that also end where they should."""
    frame: NDArray[np.int64]
    """Pairs of frame and pitch."""
    pitch_accuracy: float
    """Share of the onsets that are found, whatever their pitch, whose pitch is right; NaN if none is found."""
    timing_s: float
    """Mean absolute deviation of the onsets of found notes [s]; NaN if none is found."""


def note_scores(reference: Notes, estimate: Notes) -> NoteScores:
    """Compare notes of one instrument.

    Parameters
    ----------
    reference, estimate
        Notes in order of their onsets.

    Examples
    --------
    >>> played = Notes.of([(0.0, 0.5, 60, 0.8, 1.0), (0.5, 1.0, 64, 0.8, 1.0)])
    >>> heard = Notes.of([(0.01, 0.5, 60, 0.8, 1.0), (0.5, 1.0, 65, 0.8, 1.0)])
    >>> note_scores(played, heard).onset.tolist()
    [1, 1, 1]
    """
    onsets_s = np.round(np.abs(reference.start_s[:, None] - estimate.start_s), _DECIMALS)
    near = onsets_s <= WINDOW_S
    same = near & (reference.pitch[:, None] == estimate.pitch)
    tolerance_s = np.maximum(OFFSET_RATIO * (reference.end_s - reference.start_s), WINDOW_S)
    offsets_s = np.round(np.abs(reference.end_s[:, None] - estimate.end_s), _DECIMALS)
    found = _pairs(same)
    num_near = len(_pairs(near))
    return NoteScores(
        onset=_counts(len(found), len(reference), len(estimate)),
        onset_offset=_counts(len(_pairs(same & (offsets_s <= tolerance_s[:, None]))), len(reference), len(estimate)),
        frame=_frames(reference, estimate),
        pitch_accuracy=len(found) / num_near if num_near else float("nan"),
        timing_s=float(onsets_s[found[:, 0], found[:, 1]].mean()) if len(found) else float("nan"),
    )


def _pairs(possible: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Reference and estimate of the most one-to-one pairs [K, 2] out of those possible [N, M]."""
    if not possible.any():
        return np.zeros((0, 2), dtype=np.int64)
    partner = maximum_bipartite_matching(sparse.csr_matrix(possible), perm_type="column")
    references = np.flatnonzero(partner >= 0)
    return np.stack([references, partner[references]], axis=1).astype(np.int64)


def _counts(found: int, references: int, estimates: int) -> NDArray[np.int64]:
    return np.array([found, estimates - found, references - found], dtype=np.int64)


def _frames(reference: Notes, estimate: Notes) -> NDArray[np.int64]:
    end_s = max(reference.end_s.max(initial=0.0), estimate.end_s.max(initial=0.0))
    rolls = [_roll(notes, 1 + round(float(end_s) / FRAME_S)) for notes in (reference, estimate)]
    return _counts(int((rolls[0] & rolls[1]).sum()), int(rolls[0].sum()), int(rolls[1].sum()))


def _roll(notes: Notes, num_frames: int) -> NDArray[np.bool_]:
    """Whether each pitch sounds in each frame [T, 128]."""
    roll = np.zeros((num_frames, 128), dtype=bool)
    starts, ends = (np.round(times_s / FRAME_S).astype(int) for times_s in (notes.start_s, notes.end_s))
    for start, end, pitch in zip(starts, ends, notes.pitch, strict=True):
        roll[start:end, pitch] = True
    return roll
