"""Rules for snare, toms and kick."""

from typing import Final

import numpy as np

from drumline.core.taxonomy import BRANCHES
from drumline.quality.techniques.strokes import Ints, Strokes, joined

_SNARE: Final = ("snare", *BRANCHES["snare"])
_DRUMS: Final = (_SNARE, ("tom",), ("tom_high",), ("tom_mid",), ("tom_floor",))
_TOMS: Final = ("tom", *BRANCHES["tom"])
_TIMEKEEPERS: Final = ("hihat", "hihat_closed", "hihat_open", "ride", "ride_body", "ride_bell", "crash", "cymbal")

_GRACE_S: Final = 0.045
"""A grace note stands so close before its stroke; no hand plays 22 strokes a second one by one."""
_SOFTER: Final = 0.8
"""A grace note has at most this share of its stroke's velocity."""
_GHOST: Final = 0.35
"""A ghost note's velocity is below it."""


def flam(strokes: Strokes) -> Ints:
    """Exactly one softer grace note within 45 ms before a stroke on the same drum."""
    return strokes.event[_graced(strokes, fewest=1, most=1)]


def drag(strokes: Strokes) -> Ints:
    """Two or three softer grace notes, each within 45 ms of the next, before a stroke on the same drum."""
    return strokes.event[_graced(strokes, fewest=2, most=3)]


def double_stroke(strokes: Strokes) -> Ints:
    """A roll: eight strokes or more on one drum at 11 to 22 a second, even to 30 %: too fast for single strokes."""
    rolls = (
        run
        for drum in _DRUMS
        for run in strokes.steady(strokes.on(drum), fastest_s=_GRACE_S, slowest_s=0.09, tolerance=0.3)
        if len(run) >= 8
    )
    return strokes.event[joined(rolls)]


def buzz_roll(strokes: Strokes) -> Ints:
    """Five strokes or more on the snare within 45 ms of each other: bounces of a pressed stick."""
    rolls = (run for run in strokes.runs(strokes.on(_SNARE), longest_s=_GRACE_S) if len(run) >= 5)
    return strokes.event[joined(rolls)]


def ghost_note(strokes: Strokes) -> Ints:
    """A snare stroke of velocity below 0.35 that leads into no other, with one of 0.5 or more within a second."""
    snare = strokes.on(_SNARE)
    times_s, velocity = strokes.time_s[snare], strokes.velocity[snare]
    gap_s = np.diff(times_s, append=np.inf)
    found = [
        stroke
        for stroke, time_s, level, next_s in zip(snare, times_s, velocity, gap_s, strict=True)
        if level < _GHOST and next_s > _GRACE_S
        and (strokes.velocity[strokes.between(snare, time_s - 1, time_s + 1)] >= 0.5).any()
    ]  # fmt: skip
    return strokes.event[np.array(found, dtype=np.int64)]


def rimshot(strokes: Strokes) -> Ints:
    """A component called rimshot or snare_rimshot."""
    return strokes.event[strokes.called(("rimshot", "snare_rimshot"))]


def cross_stick(strokes: Strokes) -> Ints:
    """A component called cross_stick, side_stick, sidestick or snare_cross_stick."""
    return strokes.event[strokes.called(("cross_stick", "side_stick", "sidestick", "snare_cross_stick"))]


def snares_off(strokes: Strokes) -> Ints:
    """A component called snare_off."""
    return strokes.event[strokes.called(("snare_off",))]


def cowbell(strokes: Strokes) -> Ints:
    """A component called cowbell."""
    return strokes.event[strokes.called(("cowbell",))]


def double_kick_burst(strokes: Strokes) -> Ints:
    """Four kicks or more within 150 ms of each other: sixteenths from 100 beats a minute on."""
    bursts = (run for run in strokes.runs(strokes.on(("kick",)), longest_s=0.15) if len(run) >= 4)
    return strokes.event[joined(bursts)]


def feathering(strokes: Strokes) -> Ints:
    """Eight steady kicks or more of velocity below 0.35, 0.25 to 0.8 s apart."""
    soft = strokes.on(("kick",))
    soft = soft[strokes.velocity[soft] < _GHOST]
    runs = strokes.steady(soft, fastest_s=0.25, slowest_s=0.8, tolerance=0.15)
    return strokes.event[joined(run for run in runs if len(run) >= 8)]


def floor_tom_ride(strokes: Strokes) -> Ints:
    """Eight steady strokes or more on the floor tom, 0.15 to 0.6 s apart, while no cymbal keeps the time."""
    cymbals = strokes.on(_TIMEKEEPERS)
    runs = strokes.steady(strokes.on(("tom_floor",)), fastest_s=0.15, slowest_s=0.6, tolerance=0.15)
    alone = (
        run
        for run in runs
        if len(run) >= 8
        and len(strokes.between(cymbals, strokes.time_s[run[0]], strokes.time_s[run[-1]])) < len(run) // 4
    )
    return strokes.event[joined(alone)]


def bonham_triplet(strokes: Strokes) -> Ints:
    """Hand, hand, kick on snare or toms, evenly within 0.2 s of each other, three times or more in a row."""
    hands = (*_SNARE, *_TOMS)
    played = strokes.on((*hands, "kick"))
    found = []
    for run in strokes.steady(played, fastest_s=0.05, slowest_s=0.2, tolerance=0.25):
        pattern = "".join("K" if label == "kick" else "H" for label in strokes.label[run])
        at = pattern.find("HHK" * 3)
        if at >= 0:
            end = at
            while pattern.startswith("HHK", end):
                end += 3
            found.append(run[at:end])
    return strokes.event[joined(found)]


def blast_beat(strokes: Strokes) -> Ints:
    """Eight steady snare strokes or more, at least 5 a second, with about as many kicks and half as many cymbals."""
    kicks, cymbals = strokes.on(("kick",)), strokes.on(_TIMEKEEPERS)
    found = []
    for run in strokes.steady(strokes.on(_SNARE), fastest_s=0.06, slowest_s=0.2, tolerance=0.25):
        start_s, end_s = strokes.time_s[run[0]], strokes.time_s[run[-1]]
        step_s = (end_s - start_s) / (len(run) - 1)
        feet = strokes.between(kicks, start_s - step_s, end_s + step_s)
        time = strokes.between(cymbals, start_s - step_s, end_s + step_s)
        if len(run) >= 8 and len(feet) >= len(run) - 2 and 2 * len(time) >= len(run) - 2:
            found += [run, feet]
    return strokes.event[joined(found)]


def linear_drumming(strokes: Strokes) -> Ints:
    """Sixteen strokes or more in a row within 0.25 s of each other, never two at once, on three pieces or more."""
    every = np.arange(len(strokes.time_s))
    runs = (run for run in strokes.runs(every, longest_s=0.25, shortest_s=_GRACE_S) if len(run) >= 16)
    linear = (run for run in runs if len(set(strokes.label[run].tolist())) >= 3)
    return strokes.event[joined(linear)]


def _graced(strokes: Strokes, *, fewest: int, most: int) -> Ints:
    """Strokes on skins that so many grace notes lead into."""
    found = []
    for drum in _DRUMS:
        for run in strokes.runs(strokes.on(drum), longest_s=_GRACE_S):
            level = strokes.loudness[run]
            told = ~np.isnan(strokes.velocity[run])
            softer = (level[:-1] <= _SOFTER * level[-1]) | ~(told[:-1] & told[-1])
            if fewest <= len(run) - 1 <= most and softer.all():
                found.append(int(run[-1]))
    return np.array(found, dtype=np.int64)
