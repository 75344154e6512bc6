"""Two hands and two feet: what one drummer can strike at once.

Changes and joins of performances, and electronic kits that count one stroke twice, give strokes that no drummer could
play. `playable` leaves the softest of them out.
"""

from collections.abc import Iterable
from typing import Final

from drumline.core.hits import Hit, sorted_hits

AT_ONCE_S: Final = 0.010
"""Strokes closer than this need a limb each: no hand comes back sooner, be it by a bounce."""
TWICE_S: Final = 0.005
"""Two strokes of one class closer than this are one stroke told twice. The closest grace notes stand 15 ms ahead."""
LIMBS: Final = 2
"""Number of hands, and of feet."""

_FEET: Final = frozenset({"kick", "hihat_pedal"})


def limb(label: str) -> str:
    """``foot``, ``hand``, or nothing for percussion outside the kit, which another player may hold."""
    return "foot" if label in _FEET else "" if label == "other" else "hand"


def playable(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """The hits that one drummer can play, in time order: of too many at once the softest are left out."""
    ordered = sorted_hits(list(hits))
    left_out: set[int] = set()
    recent: list[int] = []  # those kept that are at once with the next
    for index, hit in enumerate(ordered):
        recent = [each for each in recent if hit.time_s - ordered[each].time_s < AT_ONCE_S]
        recent.append(index)
        same_limbs = [each for each in recent if limb(ordered[each].label) == limb(hit.label)]
        twice = [
            each
            for each in same_limbs
            if ordered[each].label == hit.label and hit.time_s - ordered[each].time_s < TWICE_S
        ]
        crowd = twice if len(twice) > 1 else same_limbs if len(same_limbs) > LIMBS else []
        if crowd and limb(hit.label):
            softest = min(crowd, key=lambda each: _loudness(ordered[each]))
            left_out.add(softest)
            recent.remove(softest)
    return tuple(hit for index, hit in enumerate(ordered) if index not in left_out)


def _loudness(hit: Hit) -> float:
    return 0.75 if hit.velocity is None else hit.velocity
