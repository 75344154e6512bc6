"""Rock Band's animation notes in a notes.mid: the drummer's movements, finer than gems.

Source: http://docs.c3universe.com/rbndocs (drum authoring). How often they agree with the gems: docs/formats.md.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from drumline.charts.chart import PieceNote, piece_notes_in_order
from drumline.charts.drum_track import covered
from drumline.charts.smf import MidiNote

ANIMATIONS: Final = {
    24: ("kick", "kick"),
    26: ("snare", "snare left"),
    27: ("snare", "snare right"),
    28: ("snare", "snare left, soft"),
    29: ("snare", "snare right, soft"),
    30: ("hihat", "hi-hat left"),
    31: ("hihat", "hi-hat right"),
    32: ("other", "percussion"),
    34: ("crash", "crash 1 left"),
    35: ("crash", "crash 1 left, soft"),
    36: ("crash", "crash 1 right"),
    37: ("crash", "crash 1 right, soft"),
    38: ("crash", "crash 2 right"),
    39: ("crash", "crash 2 right, soft"),
    40: ("crash", "crash 1 choked"),
    41: ("crash", "crash 2 choked"),
    42: ("ride", "ride right"),
    43: ("ride", "ride left"),
    44: ("crash", "crash 2 left"),
    45: ("crash", "crash 2 left, soft"),
    46: ("tom_high", "tom 1 left"),
    47: ("tom_high", "tom 1 right"),
    48: ("tom_mid", "tom 2 left"),
    49: ("tom_mid", "tom 2 right"),
    50: ("tom_floor", "floor tom left"),
    51: ("tom_floor", "floor tom right"),
}
"""Pitch -> label, the drummer's movement."""
_HIHAT_PEDAL_UP: Final = 25
"""Held while the hi-hat is open."""

ANIMATION_TOLERANCE_S: Final = 0.012
"""A gem and its animation stand this close."""
_MAX_ANIMATIONS_AT_ONCE: Final = 32
"""More than this within the tolerance is no drummer, but a file made to keep us busy."""
_CYMBALS: Final = frozenset({"hihat", "hihat_closed", "hihat_open", "ride", "crash"})
_DRUMS: Final = frozenset({"snare", "tom_high", "tom_mid", "tom_floor"})


def animations(notes: Sequence[MidiNote]) -> tuple[PieceNote, ...]:
    """Notes of the animation notes of PART DRUMS.

    A chart that never lifts the pedal (no note 25) does not say closed: its hi-hats stay ``hihat``.
    """
    played = [note for note in notes if note.pitch in ANIMATIONS]
    pedal_up = [note.span for note in notes if note.pitch == _HIHAT_PEDAL_UP]
    is_open = covered(pedal_up, sorted({note.tick for note in played}))
    hits = set()
    for note in played:
        label, name = ANIMATIONS[note.pitch]
        if label == "hihat" and pedal_up:
            label = "hihat_open" if note.tick in is_open else "hihat_closed"
        hits.add(PieceNote(note.tick, label, name))
    return piece_notes_in_order(hits)


def match_animations(
    labels: Sequence[str], times_s: Sequence[float], animations: Sequence[PieceNote], animation_times_s: Sequence[float]
) -> list[PieceNote | None]:
    """For each gem the animation that stands with it, each used once. The best agreement in a chord is settled first.

    An animation that contradicts its gem (a cymbal for a drum) is not believed: often it is a movement without one.
    """
    pairs = []
    for gem, (gem_label, time_s) in enumerate(zip(labels, times_s, strict=True)):
        first = bisect_left(animation_times_s, time_s - ANIMATION_TOLERANCE_S)
        for index in range(first, min(first + _MAX_ANIMATIONS_AT_ONCE, len(animations))):
            distance_s = abs(animation_times_s[index] - time_s)
            if distance_s > ANIMATION_TOLERANCE_S:
                break
            rank = _disagreement(gem_label, animations[index].label)
            if rank is not None:
                pairs.append((rank, distance_s, gem, index))
    found: list[PieceNote | None] = [None] * len(labels)
    used: set[int] = set()
    for _, _, gem, index in sorted(pairs):
        if found[gem] is None and index not in used:
            found[gem] = animations[index]
            used.add(index)
    return found


def _disagreement(gem_label: str, animated: str) -> int | None:
    """0 the same piece, 1 one of the same family, 2 percussion on any pad; None where they cannot be one stroke."""
    if animated == gem_label or (gem_label == "hihat" and animated.startswith("hihat")):
        return 0
    if "kick" in (gem_label, animated):
        return None
    if gem_label == "tom_or_cymbal":
        return None if animated == "snare" else 2 if animated == "other" else 1
    if any(gem_label in family and animated in family for family in (_CYMBALS, _DRUMS)):
        return 1
    return 2 if animated == "other" else None
