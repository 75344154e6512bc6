"""Recall and precision by how close hits stand, and recall by note value and tempo.

The inter-onset interval (IOI) of a hit is the gap to its nearest neighbour, before or after; infinite if it stands alone.
Neighbours are hits of its own class (``among="class"``: how fast one piece is struck) or all hits (``among="any"``: how
crowded the passage is). Hits at the same instant are one onset: a chord is no neighbour of itself. In a played
performance the strokes of a chord lie milliseconds apart, and so in the first bins: near-simultaneous hits are what they are.

The *note value* of a hit is the coarsest straight grid on which it and its neighbour still fall on different lines: an
IOI of at least a 16th (quarter/4) but less than an 8th is "16th", and so on down; 16th triplets (quarter/6) are faster
than 16ths and count as "32nd". Players rush: an IOI may fall short of its grid by `TOLERANCE`.
The tempo is the tempo map's at the hit.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.core.tempo import TempoMap
from drumline.metrics.events import Events
from drumline.metrics.judgement import Judgement

IOI_EDGES_S: Final = (0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.2)
"""Upper, included ends of all IOI bins but the last."""
IOI_BINS: Final = ("<=10 ms", "<=20 ms", "<=30 ms", "<=40 ms", "<=60 ms", "<=100 ms", "<=200 ms", ">200 ms")
NOTE_VALUES: Final = ("8th or longer", "16th", "32nd", "64th", "128th or shorter")
TOLERANCE: Final = 0.1
"""The share by which an IOI may fall short of a note value."""
TEMPO_EDGES_BPM: Final = (90.0, 120.0, 150.0, 180.0, 240.0)
"""Lower, included ends of all tempo bands but the first."""
TEMPO_BANDS: Final = ("<90", "90-120", "120-150", "150-180", "180-240", ">=240")
IOI_COUNTS: Final = ("reference", "found", "estimate", "right")
"""The last axis of `ioi_counts`: recall is found / reference, precision is right / estimate (`scores.ratio`)."""

Among = Literal["class", "any"]


def ioi_s(time_s: ArrayLike, group: ArrayLike | None = None) -> NDArray[np.float64]:
    """The gap [N], in seconds, from each of the sorted times to its nearest other time, within its group if any."""
    raise NotImplementedError


def ioi_counts(
    reference: Events, estimate: Events, judgement: Judgement, *, num_classes: int, among: Among
) -> NDArray[np.int64]:
    """Counts [C, `IOI_BINS`, `IOI_COUNTS`] of one song, to be summed over songs (and classes).

    A reference hit is binned by its IOI in the reference, an estimate by its own in the estimate.
    """
    raise NotImplementedError


def note_value(gap_s: ArrayLike, tempo_bpm: ArrayLike) -> NDArray[np.int64]:
    """Index into `NOTE_VALUES` [N] of IOIs [N] at tempi in quarter notes a minute."""
    raise NotImplementedError


def subdivision_counts(
    reference: Events,
    judgement: Judgement,
    *,
    tempo: TempoMap,
    offset_s: float,
    num_classes: int,
    among: Among,
) -> NDArray[np.int64]:
    """Counts [C, `TEMPO_BANDS`, `NOTE_VALUES`, (reference, found)] of one song, to be summed over songs.

    ``offset_s``: the reference's times are the tempo map's plus this (``audio_s = chart_s + offset_s``).
    """
    raise NotImplementedError
