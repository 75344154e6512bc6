"""Rules for techniques on the hi-hat."""

from typing import Final

import numpy as np

from drumline.quality.techniques.recording_hits import Flags, Ints, RecordingHits

_STRUCK: Final = ("hihat", "hihat_closed", "hihat_open")
_BARK_S: Final = 0.2
_OPEN: Final = 0.5
_HALF: Final = (0.2, 0.8)


def hihat_bark(hits: RecordingHits) -> Ints:
    """An open stroke (openness 0.5 or more, else by its label) of velocity 0.5 or more, closed within 0.2 s."""
    plates = hits.on((*_STRUCK, "hihat_pedal"))
    is_open = _open(hits, plates)
    times_s = hits.time_s[plates]
    loud = hits.loudness[plates] >= 0.5
    closes = np.zeros(len(plates), dtype=bool)
    closes[:-1] = ~is_open[1:] & (np.diff(times_s) <= _BARK_S)
    return np.asarray(hits.event[plates[is_open & loud & closes]])


def hihat_foot_chick(hits: RecordingHits) -> Ints:
    """A stroke of the pedal."""
    return hits.event[hits.on(("hihat_pedal",))]


def hihat_splash(hits: RecordingHits) -> Ints:
    """A component called hihat_foot_splash or hihat_splash."""
    return hits.event[hits.called(("hihat_foot_splash", "hihat_splash"))]


def hihat_half_open(hits: RecordingHits) -> Ints:
    """A component called hihat_half, or a struck hi-hat of an openness from 0.2 to 0.8."""
    struck = hits.on(_STRUCK)
    openness = hits.openness[struck]
    half = struck[(openness >= _HALF[0]) & (openness <= _HALF[1])]
    return np.asarray(hits.event[np.concatenate([half, hits.called(("hihat_half",))])])


def _open(hits: RecordingHits, plates: Ints) -> Flags:
    openness = hits.openness[plates]
    known = ~np.isnan(openness) & (hits.label[plates] != "hihat_pedal")
    return np.asarray(np.where(known, openness >= _OPEN, hits.label[plates] == "hihat_open"))
