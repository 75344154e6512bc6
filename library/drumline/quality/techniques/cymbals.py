"""Rules for techniques on rides and crashes."""

from collections.abc import Callable
from typing import Final

import numpy as np

from drumline.quality.techniques.recording_hits import Ints, RecordingHits, joined

_CRASHES: Final = ("crash",)
_FAMILIES: Final = {
    "crash": ("crash", "crash1", "crash_1", "crash2", "crash_2"),
    "china": ("china",),
    "splash": ("splash",),
    "ride": ("ride", "ride_bow", "ride_edge", "ride_body", "ride_bell"),
}
_TOGETHER_S: Final = 0.03
_CHOKED_S: Final = 0.35


def ride_bell_accent(hits: RecordingHits) -> Ints:
    """A stroke on the ride's bell with two or more beside the bell within a second on either side."""
    body = hits.on(("ride", "ride_body"))
    bells = [
        bell
        for bell in hits.on(("ride_bell",))
        if len(hits.between(body, hits.time_s[bell] - 1, hits.time_s[bell] + 1)) >= 2
    ]
    return hits.event[np.array(bells, dtype=np.int64)]


def crash_riding(hits: RecordingHits) -> Ints:
    """Eight steady strokes or more on crashes, 0.15 to 0.6 s apart."""
    runs = hits.steady(hits.on(_CRASHES), fastest_s=0.15, slowest_s=0.6, tolerance=0.15)
    return hits.event[joined(run for run in runs if len(run) >= 8)]


def crash_build(hits: RecordingHits) -> Ints:
    """Four strokes or more on cymbals within 0.6 s of each other, never softer, louder by 0.3 in the end."""
    cymbals = hits.on((*_CRASHES, "ride", "ride_body", "cymbal"))
    cymbals = cymbals[~np.isnan(hits.velocity[cymbals])]
    found = []
    for run in hits.runs(cymbals, longest_s=0.6):
        falls = np.flatnonzero(np.diff(hits.velocity[run]) < 0) + 1
        for rise in np.split(run, falls):
            if len(rise) >= 4 and hits.velocity[rise[-1]] - hits.velocity[rise[0]] >= 0.3:
                found.append(rise)
    return hits.event[joined(found)]


def multi_cymbal_same_class(hits: RecordingHits) -> Ints:
    """Two strokes or more on cymbals of one family (crashes, chinas, splashes, rides) within 30 ms.

    Of the ride only where the file tells two of them apart by their variant: bow and bell are one cymbal.
    """
    found = []
    for family, names in _FAMILIES.items():
        members = hits.called(names)
        for run in hits.runs(members, longest_s=_TOGETHER_S):
            if family != "ride" or len(set(hits.variant[run].tolist())) > 1:
                found.append(run)
    return hits.event[joined(found)]


def cymbal_choke(hits: RecordingHits) -> Ints:
    """A crash, china or splash whose sound ends within 0.35 s, by its offset time."""
    crashes = hits.on(_CRASHES)
    return hits.event[crashes[hits.length_s[crashes] <= _CHOKED_S]]


def cymbal_stack_hit(hits: RecordingHits) -> Ints:
    """A cymbal whose variant is called stack."""
    return hits.event[np.flatnonzero(hits.variant == "stack")]


def position(family: str, height: str) -> Callable[[RecordingHits], Ints]:
    """Build the rule for one of several cymbals of a family: ``crash_low`` and the like."""

    def rule(hits: RecordingHits) -> Ints:
        members = hits.called(_FAMILIES[family])
        return np.asarray(hits.event[members[hits.variant[members] == height]])

    rule.__doc__ = f"A {family} whose variant is called {height}."
    return rule
