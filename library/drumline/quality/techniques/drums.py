"""Rules for techniques on snare, toms and kick."""

from typing import Final

import numpy as np

from drumline.core.taxonomy import BRANCHES
from drumline.quality.techniques.recording_hits import Ints, RecordingHits, joined

_SNARE: Final = ("snare", *BRANCHES["snare"])
_DRUMS: Final = (_SNARE, ("tom",), ("tom_high",), ("tom_mid",), ("tom_floor",))
_TOMS: Final = ("tom", *BRANCHES["tom"])
_TIMEKEEPERS: Final = ("hihat", "hihat_closed", "hihat_open", "ride", "ride_body", "ride_bell", "crash", "cymbal")

_GRACE_S: Final = 0.045
"""Longest interval between a grace note and its stroke [s]; single strokes never reach 22 a second."""
_SOFTER: Final = 0.8
"""Highest ratio of a grace note's velocity to that of its stroke."""
_GHOST: Final = 0.35
"""Velocity below which a snare stroke is a ghost note."""


def flam(hits: RecordingHits) -> Ints:
    """Exactly one softer grace note within 45 ms before a stroke on the same drum."""
    return hits.event[_graced(hits, fewest=1, most=1)]


def drag(hits: RecordingHits) -> Ints:
    """Two or three softer grace notes, each within 45 ms of the next, before a stroke on the same drum."""
    return hits.event[_graced(hits, fewest=2, most=3)]


def double_stroke(hits: RecordingHits) -> Ints:
    """A roll: eight strokes or more on one drum at 11 to 22 a second, even to 30 %: too fast for single strokes."""
    rolls = (
        run
        for drum in _DRUMS
        for run in hits.steady(hits.on(drum), fastest_s=_GRACE_S, slowest_s=0.09, tolerance=0.3)
        if len(run) >= 8
    )
    return hits.event[joined(rolls)]


def buzz_roll(hits: RecordingHits) -> Ints:
    """Five strokes or more on the snare within 45 ms of each other: bounces of a pressed stick."""
    rolls = (run for run in hits.runs(hits.on(_SNARE), longest_s=_GRACE_S) if len(run) >= 5)
    return hits.event[joined(rolls)]


def ghost_note(hits: RecordingHits) -> Ints:
    """A snare stroke of velocity below 0.35 that leads into no other, with one of 0.5 or more within a second."""
    snare = hits.on(_SNARE)
    times_s, velocity = hits.time_s[snare], hits.velocity[snare]
    interval_s = np.diff(times_s, append=np.inf)
    found = [
        stroke
        for stroke, time_s, level, next_s in zip(snare, times_s, velocity, interval_s, strict=True)
        if level < _GHOST and next_s > _GRACE_S
        and (hits.velocity[hits.between(snare, time_s - 1, time_s + 1)] >= 0.5).any()
    ]  # fmt: skip
    return hits.event[np.array(found, dtype=np.int64)]


def rimshot(hits: RecordingHits) -> Ints:
    """A component called rimshot or snare_rimshot."""
    return hits.event[hits.called(("rimshot", "snare_rimshot"))]


def cross_stick(hits: RecordingHits) -> Ints:
    """A component called cross_stick, side_stick, sidestick or snare_cross_stick."""
    return hits.event[hits.called(("cross_stick", "side_stick", "sidestick", "snare_cross_stick"))]


def snares_off(hits: RecordingHits) -> Ints:
    """A component called snare_off."""
    return hits.event[hits.called(("snare_off",))]


def cowbell(hits: RecordingHits) -> Ints:
    """A component called cowbell."""
    return hits.event[hits.called(("cowbell",))]


def double_kick_burst(hits: RecordingHits) -> Ints:
    """Four kicks or more within 150 ms of each other: sixteenths from 100 beats a minute on."""
    bursts = (run for run in hits.runs(hits.on(("kick",)), longest_s=0.15) if len(run) >= 4)
    return hits.event[joined(bursts)]


def feathering(hits: RecordingHits) -> Ints:
    """Eight steady kicks or more of velocity below 0.35, 0.25 to 0.8 s apart."""
    soft = hits.on(("kick",))
    soft = soft[hits.velocity[soft] < _GHOST]
    runs = hits.steady(soft, fastest_s=0.25, slowest_s=0.8, tolerance=0.15)
    return hits.event[joined(run for run in runs if len(run) >= 8)]


def floor_tom_ride(hits: RecordingHits) -> Ints:
    """Eight steady strokes or more on the floor tom, 0.15 to 0.6 s apart, while no cymbal keeps the time."""
    cymbals = hits.on(_TIMEKEEPERS)
    runs = hits.steady(hits.on(("tom_floor",)), fastest_s=0.15, slowest_s=0.6, tolerance=0.15)
    alone = (
        run
        for run in runs
        if len(run) >= 8 and len(hits.between(cymbals, hits.time_s[run[0]], hits.time_s[run[-1]])) < len(run) // 4
    )
    return hits.event[joined(alone)]


def bonham_triplet(hits: RecordingHits) -> Ints:
    """Hand, hand, kick on snare or toms, evenly within 0.2 s of each other, three times or more in a row."""
    hands = (*_SNARE, *_TOMS)
    played = hits.on((*hands, "kick"))
    found = []
    for run in hits.steady(played, fastest_s=0.05, slowest_s=0.2, tolerance=0.25):
        pattern = "".join("K" if label == "kick" else "H" for label in hits.label[run])
        first = pattern.find("HHK" * 3)
        if first >= 0:
            end = first
            while pattern.startswith("HHK", end):
                end += 3
            found.append(run[first:end])
    return hits.event[joined(found)]


def blast_beat(hits: RecordingHits) -> Ints:
    """Eight steady snare strokes or more, at least 5 a second, with about as many kicks and half as many cymbals."""
    kicks, cymbals = hits.on(("kick",)), hits.on(_TIMEKEEPERS)
    found = []
    for run in hits.steady(hits.on(_SNARE), fastest_s=0.06, slowest_s=0.2, tolerance=0.25):
        start_s, end_s = hits.time_s[run[0]], hits.time_s[run[-1]]
        step_s = (end_s - start_s) / (len(run) - 1)
        feet = hits.between(kicks, start_s - step_s, end_s + step_s)
        time = hits.between(cymbals, start_s - step_s, end_s + step_s)
        if len(run) >= 8 and len(feet) >= len(run) - 2 and 2 * len(time) >= len(run) - 2:
            found += [run, feet]
    return hits.event[joined(found)]


def linear_drumming(hits: RecordingHits) -> Ints:
    """Sixteen strokes or more in a row within 0.25 s of each other, never two at once, on three pieces or more."""
    every = np.arange(len(hits.time_s))
    runs = (run for run in hits.runs(every, longest_s=0.25, shortest_s=_GRACE_S) if len(run) >= 16)
    linear = (run for run in runs if len(set(hits.label[run].tolist())) >= 3)
    return hits.event[joined(linear)]


def _graced(hits: RecordingHits, *, fewest: int, most: int) -> Ints:
    """Main strokes on drums, preceded by ``fewest`` to ``most`` grace notes."""
    found = []
    for drum in _DRUMS:
        for run in hits.runs(hits.on(drum), longest_s=_GRACE_S):
            level = hits.loudness[run]
            known = ~np.isnan(hits.velocity[run])
            softer = (level[:-1] <= _SOFTER * level[-1]) | ~(known[:-1] & known[-1])
            if fewest <= len(run) - 1 <= most and softer.all():
                found.append(int(run[-1]))
    return np.array(found, dtype=np.int64)
