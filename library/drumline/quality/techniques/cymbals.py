"""Rules for rides and crashes."""

from collections.abc import Callable
from typing import Final

import numpy as np

from drumline.quality.techniques.strokes import Ints, Strokes, joined

_CRASHES: Final = ("crash",)
_FAMILIES: Final = {
    "crash": ("crash", "crash1", "crash_1", "crash2", "crash_2"),
    "china": ("china",),
    "splash": ("splash",),
    "ride": ("ride", "ride_bow", "ride_edge", "ride_body", "ride_bell"),
}
_TOGETHER_S: Final = 0.03
_CHOKED_S: Final = 0.35


def ride_bell_accent(strokes: Strokes) -> Ints:
    """A stroke on the ride's bell with two or more beside the bell within a second on either side."""
    body = strokes.on(("ride", "ride_body"))
    bells = [
        bell
        for bell in strokes.on(("ride_bell",))
        if len(strokes.between(body, strokes.time_s[bell] - 1, strokes.time_s[bell] + 1)) >= 2
    ]
    return strokes.event[np.array(bells, dtype=np.int64)]


def crash_riding(strokes: Strokes) -> Ints:
    """Eight steady strokes or more on crashes, 0.15 to 0.6 s apart."""
    runs = strokes.steady(strokes.on(_CRASHES), fastest_s=0.15, slowest_s=0.6, tolerance=0.15)
    return strokes.event[joined(run for run in runs if len(run) >= 8)]


def crash_build(strokes: Strokes) -> Ints:
    """Four strokes or more on cymbals within 0.6 s of each other, never softer, louder by 0.3 in the end."""
    cymbals = strokes.on((*_CRASHES, "ride", "ride_body", "cymbal"))
    cymbals = cymbals[~np.isnan(strokes.velocity[cymbals])]
    found = []
    for run in strokes.runs(cymbals, longest_s=0.6):
        falls = np.flatnonzero(np.diff(strokes.velocity[run]) < 0) + 1
        for rise in np.split(run, falls):
            if len(rise) >= 4 and strokes.velocity[rise[-1]] - strokes.velocity[rise[0]] >= 0.3:
                found.append(rise)
    return strokes.event[joined(found)]


def multi_cymbal_same_class(strokes: Strokes) -> Ints:
    """Two strokes or more on cymbals of one family (crashes, chinas, splashes, rides) within 30 ms.

    Of the ride only where the file tells two of them apart by their variant: bow and bell are one cymbal.
    """
    found = []
    for family, names in _FAMILIES.items():
        own = strokes.called(names)
        for run in strokes.runs(own, longest_s=_TOGETHER_S):
            if family != "ride" or len(set(strokes.variant[run].tolist())) > 1:
                found.append(run)
    return strokes.event[joined(found)]


def cymbal_choke(strokes: Strokes) -> Ints:
    """A crash, china or splash whose sound ends within 0.35 s, by its offset time."""
    crashes = strokes.on(_CRASHES)
    return strokes.event[crashes[strokes.length_s[crashes] <= _CHOKED_S]]


def cymbal_stack_hit(strokes: Strokes) -> Ints:
    """A cymbal whose variant is called stack."""
    return strokes.event[np.flatnonzero(strokes.variant == "stack")]


def position(family: str, place: str) -> Callable[[Strokes], Ints]:
    """The rule for one of several cymbals of a family: ``crash_low`` and the like."""

    def rule(strokes: Strokes) -> Ints:
        own = strokes.called(_FAMILIES[family])
        return np.asarray(strokes.event[own[strokes.variant[own] == place]])

    rule.__doc__ = f"A {family} whose variant is called {place}."
    return rule
