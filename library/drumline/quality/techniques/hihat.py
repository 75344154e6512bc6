"""Rules for the hi-hat."""

from typing import Final

import numpy as np

from drumline.quality.techniques.strokes import Flags, Ints, Strokes

_STRUCK: Final = ("hihat", "hihat_closed", "hihat_open")
_BARK_S: Final = 0.2
_OPEN: Final = 0.5
_HALF: Final = (0.2, 0.8)


def hihat_bark(strokes: Strokes) -> Ints:
    """An open stroke (openness 0.5 or more, else by its label) of velocity 0.5 or more, closed within 0.2 s."""
    plates = strokes.on((*_STRUCK, "hihat_pedal"))
    is_open = _open(strokes, plates)
    times_s = strokes.time_s[plates]
    loud = strokes.loudness[plates] >= 0.5
    closes = np.zeros(len(plates), dtype=bool)
    closes[:-1] = ~is_open[1:] & (np.diff(times_s) <= _BARK_S)
    return np.asarray(strokes.event[plates[is_open & loud & closes]])


def hihat_foot_chick(strokes: Strokes) -> Ints:
    """A stroke of the pedal."""
    return strokes.event[strokes.on(("hihat_pedal",))]


def hihat_splash(strokes: Strokes) -> Ints:
    """A component called hihat_foot_splash or hihat_splash."""
    return strokes.event[strokes.called(("hihat_foot_splash", "hihat_splash"))]


def hihat_half_open(strokes: Strokes) -> Ints:
    """A component called hihat_half, or a struck hi-hat of an openness from 0.2 to 0.8."""
    struck = strokes.on(_STRUCK)
    openness = strokes.openness[struck]
    half = struck[(openness >= _HALF[0]) & (openness <= _HALF[1])]
    return np.asarray(strokes.event[np.concatenate([half, strokes.called(("hihat_half",))])])


def _open(strokes: Strokes, plates: Ints) -> Flags:
    openness = strokes.openness[plates]
    told = ~np.isnan(openness) & (strokes.label[plates] != "hihat_pedal")
    return np.asarray(np.where(told, openness >= _OPEN, strokes.label[plates] == "hihat_open"))
