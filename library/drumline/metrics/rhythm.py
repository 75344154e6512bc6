"""Recall and precision by how close hits stand, and recall by note value and tempo.

The inter-onset interval (IOI) of a hit is the gap to its nearest neighbour, before or after; infinite if it has none.
Neighbours are hits of its own class (``among="class"``: how fast one piece is struck) or all hits (``among="any"``: how
crowded the passage is; only here do hits of uncertain class count as neighbours). Hits at the same instant are one
onset: a chord is no neighbour of itself. In a played performance the strokes of a chord lie milliseconds apart, and so
in the first bins, as near-simultaneous hits should.

The *note value* of a hit is the coarsest straight grid on which it and its neighbour still fall on different lines: an
IOI of at least a 16th (quarter/4) but less than an 8th is "16th", and so on down; 16th triplets (quarter/6) are faster
than 16ths and count as "32nd". Players rush: an IOI may fall short of its grid by `TOLERANCE`. The tempo is the tempo
map's at the hit.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.metrics.judgement import Judgement
from drumline.metrics.scores import table

IOI_EDGES_S: Final = (0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.2)
"""Upper, included ends of all IOI bins but the last."""
IOI_BINS: Final = ("<=10 ms", "<=20 ms", "<=30 ms", "<=40 ms", "<=60 ms", "<=100 ms", "<=200 ms", ">200 ms")
NOTE_VALUES: Final = ("8th or longer", "16th", "32nd", "64th", "128th or shorter")
_QUARTERS: Final = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 16])
"""The least IOI, in quarter notes, of each note value but the last."""
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
    time = np.asarray(time_s, dtype=np.float64)
    of = np.zeros(len(time), dtype=np.int64) if group is None else np.asarray(group)
    order = np.lexsort((time, of))
    time, of = time[order], of[order]
    other_group, other_time = of[1:] != of[:-1], time[1:] != time[:-1]
    first = np.concatenate([[True], other_group | other_time])[: len(time)]
    starts = np.flatnonzero(first)
    gap = np.where(of[starts[1:]] == of[starts[:-1]], np.diff(time[starts]), np.inf)
    nearest = np.minimum(np.concatenate([[np.inf], gap]), np.concatenate([gap, [np.inf]]))
    found = np.empty(len(time))
    found[order] = nearest[np.cumsum(first) - 1]
    return found


def ioi_counts(
    reference: Events, estimate: Events, *, judgement: Judgement, num_classes: int, among: Among
) -> NDArray[np.int64]:
    """Counts [C, `IOI_BINS`, `IOI_COUNTS`] of one song, to be summed over songs (and classes).

    A reference hit is binned by its IOI in the reference, an estimate by its own in the estimate.
    """
    counts = []
    for events, drum, counted, right in (
        (reference, judgement.reference_class, judgement.wanted, judgement.reference_partner >= 0),
        (estimate, judgement.estimate_class, judgement.charged, judgement.estimate_partner >= 0),
    ):
        gap_s = ioi_s(events.time_s, drum if among == "class" else None)
        # From 0.03 to 0.07 it is 0.04, not 0.040000000000000001.
        ioi_bin = np.searchsorted(IOI_EDGES_S, np.round(gap_s, 6), side="left")
        for which in (counted, right):
            counts.append(table((drum[which], ioi_bin[which]), (num_classes, len(IOI_BINS))))
    return np.stack(counts, axis=-1)


def note_value(gap_s: ArrayLike, tempo_bpm: ArrayLike) -> NDArray[np.int64]:
    """Index into `NOTE_VALUES` [N] of IOIs [N] at tempi in quarter notes a minute."""
    quarters = np.asarray(gap_s, np.float64) * np.asarray(tempo_bpm, np.float64) / 60.0
    return np.searchsorted(-(1.0 - TOLERANCE) * _QUARTERS, -quarters, side="left")


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
    drum = judgement.reference_class
    gap_s = ioi_s(reference.time_s, drum if among == "class" else None)
    mark, mark_bpm = np.array(tempo.tempos, dtype=np.float64).T
    # A hit on a tempo mark belongs to the new tempo, whatever rounding did to its tick.
    tick = tempo.ticks(reference.time_s - offset_s) + 1e-3
    tempo_bpm = mark_bpm[np.clip(np.searchsorted(mark, tick, side="right") - 1, 0, None)]
    band = np.searchsorted(TEMPO_EDGES_BPM, tempo_bpm, side="right")
    value = note_value(gap_s, tempo_bpm)
    shape = (num_classes, len(TEMPO_BANDS), len(NOTE_VALUES))
    return np.stack(
        [
            table((drum[which], band[which], value[which]), shape)
            for which in (judgement.wanted, judgement.reference_partner >= 0)
        ],
        axis=-1,
    )
