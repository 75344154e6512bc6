"""Rules for tempo, metre and feel."""

from typing import Final

import numpy as np

from drumline.quality.techniques.strokes import Flags, Floats, Ints, Strokes, joined

_RATIOS: Final = (3 / 2, 2 / 3, 4 / 3, 3 / 4, 5 / 4, 4 / 5, 5 / 3, 3 / 5)
"""New pulse over old where a subdivision of the old becomes the new: a triplet's (3/2), a dotted eighth's (4/3) ..."""
_SAME: Final = 0.02
"""Tempos closer than this share are the same."""
_LONG: Final = (1.5, 2.6)
"""Long over short of swung eighths: 2 for triplets."""
_FEWEST_PAIRS: Final = 4


def variable_meter(strokes: Strokes) -> Ints:
    """The first event of every metre that is told after another."""
    told = np.flatnonzero(strokes.metre != "")
    changes = told[1:][strokes.metre[told[1:]] != strokes.metre[told[:-1]]]
    return np.asarray(changes)


def metric_modulation(strokes: Strokes) -> Ints:
    """The first event of a tempo that is to the one before as 3:2, 4:3, 5:4, 5:3 or the reverse, to 2 %."""
    return _changes(strokes, related=True)


def tempo_change(strokes: Strokes) -> Ints:
    """The first event of a tempo that differs by more than 2 % from the one before, and is no metric modulation."""
    return _changes(strokes, related=False)


def shuffle_feel(strokes: Strokes) -> Ints:
    """Four pairs or more, long and short about 2 to 1, in a row on the hi-hat or on the ride."""
    found = []
    for labels in (("hihat", "hihat_closed", "hihat_open"), ("ride", "ride_body")):
        for run in strokes.runs(strokes.on(labels), longest_s=0.7):
            gaps_s = np.diff(strokes.time_s[run])
            swung = _swung(gaps_s)
            # gap i is long and gap i + 1 short, and so on every other gap
            for first in (0, 1):
                pairs = swung[first::2]
                for part in np.split(np.arange(len(pairs)), np.flatnonzero(~pairs)):
                    own = part[pairs[part]]
                    if len(own) >= _FEWEST_PAIRS:
                        start = first + 2 * int(own[0])
                        found.append(run[start : start + 2 * len(own) + 1])
    return strokes.event[joined(found)]


def spang_a_lang(strokes: Strokes) -> Ints:
    """Three times or more in a row on the ride: a beat, then two thirds and one third of one."""
    found = []
    for run in strokes.runs(strokes.on(("ride", "ride_body")), longest_s=1.2):
        gaps_s = np.diff(strokes.time_s[run])
        fits = np.zeros(len(gaps_s), dtype=bool)
        if len(gaps_s) >= 3:
            beats = np.abs((gaps_s[1:-1] + gaps_s[2:]) / gaps_s[:-2] - 1) < 0.15
            fits[:-2] = beats & _swung(gaps_s)[1:]
        found += [run[i : i + 10] for i in np.flatnonzero(fits).tolist() if fits[i : i + 7 : 3].sum() == 3]
    return strokes.event[joined(found)]


def swing_feel(strokes: Strokes) -> Ints:
    """Whatever shows shuffle_feel or spang_a_lang."""
    return np.concatenate([shuffle_feel(strokes), spang_a_lang(strokes)])


def _swung(gaps_s: Floats) -> Flags:
    """Which intervals are long beside the next one [N - 1]."""
    ratio = gaps_s[:-1] / np.maximum(gaps_s[1:], 1e-9)
    return np.asarray((ratio >= _LONG[0]) & (ratio <= _LONG[1]))


def _changes(strokes: Strokes, *, related: bool) -> Ints:
    told = np.flatnonzero(strokes.tempo_bpm > 0)
    ratio = strokes.tempo_bpm[told[1:]] / strokes.tempo_bpm[told[:-1]]
    changed = np.abs(ratio - 1) > _SAME
    simple = (np.abs(ratio[:, None] / np.array(_RATIOS) - 1) <= _SAME).any(axis=1)
    return np.asarray(told[1:][changed & (simple == related)])
