"""Rules for tempo, metre and feel."""

from typing import Final

import numpy as np

from drumline.quality.techniques.recording_hits import Flags, Floats, Ints, RecordingHits, joined

_RATIOS: Final = (3 / 2, 2 / 3, 4 / 3, 3 / 4, 5 / 4, 4 / 5, 5 / 3, 3 / 5)
"""Ratios of a metric modulation, new tempo over old: triplets become the beat (3/2), dotted eighths (4/3) ..."""
_SAME: Final = 0.02
"""Relative difference below which two tempos are equal."""
_LONG: Final = (1.5, 2.6)
"""Range of the long-to-short ratio of swung eighths; 2 for triplets."""
_FEWEST_PAIRS: Final = 4


def variable_meter(hits: RecordingHits) -> Ints:
    """The first event of every time signature that differs from the one before."""
    known = np.flatnonzero(hits.metre != "")
    changes = known[1:][hits.metre[known[1:]] != hits.metre[known[:-1]]]
    return np.asarray(changes)


def metric_modulation(hits: RecordingHits) -> Ints:
    """The first event of a tempo that is to the one before as 3:2, 4:3, 5:4, 5:3 or the reverse, to 2 %."""
    return _changes(hits, related=True)


def tempo_change(hits: RecordingHits) -> Ints:
    """The first event of a tempo that differs by more than 2 % from the one before, and is no metric modulation."""
    return _changes(hits, related=False)


def shuffle_feel(hits: RecordingHits) -> Ints:
    """Four pairs or more, long and short about 2 to 1, in a row on the hi-hat or on the ride."""
    found = []
    for labels in (("hihat", "hihat_closed", "hihat_open"), ("ride", "ride_body")):
        for run in hits.runs(hits.on(labels), longest_s=0.7):
            intervals_s = np.diff(hits.time_s[run])
            swung = _swung(intervals_s)
            # interval i is long and interval i + 1 short, and so on
            for first in (0, 1):
                pairs = swung[first::2]
                for part in np.split(np.arange(len(pairs)), np.flatnonzero(~pairs)):
                    streak = part[pairs[part]]
                    if len(streak) >= _FEWEST_PAIRS:
                        start = first + 2 * int(streak[0])
                        found.append(run[start : start + 2 * len(streak) + 1])
    return hits.event[joined(found)]


def spang_a_lang(hits: RecordingHits) -> Ints:
    """Three times or more in a row on the ride: a beat, then two thirds and one third of one."""
    found = []
    for run in hits.runs(hits.on(("ride", "ride_body")), longest_s=1.2):
        intervals_s = np.diff(hits.time_s[run])
        fits = np.zeros(len(intervals_s), dtype=bool)
        if len(intervals_s) >= 3:
            beats = np.abs((intervals_s[1:-1] + intervals_s[2:]) / intervals_s[:-2] - 1) < 0.15
            fits[:-2] = beats & _swung(intervals_s)[1:]
        found += [run[i : i + 10] for i in np.flatnonzero(fits).tolist() if fits[i : i + 7 : 3].sum() == 3]
    return hits.event[joined(found)]


def swing_feel(hits: RecordingHits) -> Ints:
    """Any event that shows shuffle_feel or spang_a_lang."""
    return np.concatenate([shuffle_feel(hits), spang_a_lang(hits)])


def _swung(intervals_s: Floats) -> Flags:
    """Whether each interval is long compared with the next one [N - 1]."""
    ratio = intervals_s[:-1] / np.maximum(intervals_s[1:], 1e-9)
    return np.asarray((ratio >= _LONG[0]) & (ratio <= _LONG[1]))


def _changes(hits: RecordingHits, *, related: bool) -> Ints:
    known = np.flatnonzero(hits.tempo_bpm > 0)
    ratio = hits.tempo_bpm[known[1:]] / hits.tempo_bpm[known[:-1]]
    changed = np.abs(ratio - 1) > _SAME
    simple = (np.abs(ratio[:, None] / np.array(_RATIOS) - 1) <= _SAME).any(axis=1)
    return np.asarray(known[1:][changed & (simple == related)])
