"""Strokes, which are finer than gems, as a notes.mid holds them: Rock Band's animation notes, and YARG's elite drums.

Sources: http://docs.c3universe.com/rbndocs (drum authoring) for the animations; YARG.Core's MIDI helper and reader for
PART ELITE_DRUMS (https://github.com/YARC-Official/YARG.Core). How often each agrees with the gems: docs/formats.md.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from drumline.charts.chart import DIFFICULTIES, Stroke
from drumline.charts.drum_marks import spans
from drumline.charts.drum_track import Span, covered
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

ELITE: Final = {
    -2: ("hihat_pedal", "elite hat pedal"),
    -1: ("kick", "elite kick 2x"),
    0: ("kick", "elite kick"),
    1: ("snare", "elite snare"),
    2: ("hihat", "elite hi-hat"),
    3: ("crash", "elite left crash"),
    4: ("tom_high", "elite tom 1"),
    5: ("tom_mid", "elite tom 2"),
    6: ("tom_floor", "elite tom 3"),
    7: ("ride", "elite ride"),
    8: ("crash", "elite right crash"),
}
"""Pitch above the difficulty's base -> label, name."""
ELITE_BASES: Final = dict(zip(DIFFICULTIES, (2, 26, 50, 74), strict=True))
ELITE_PITCHES: Final = frozenset(base + offset for base in ELITE_BASES.values() for offset in ELITE)
_PEDAL, _SECOND_KICK, _HIHAT, _FLAM, _INDIFFERENT = -2, -1, 2, 13, 14
_ACCENT_VELOCITY, _GHOST_VELOCITY = 127, 1

ANIMATION_TOLERANCE_S: Final = 0.012
"""A gem and its animation stand this close."""
_MAX_ANIMATIONS_AT_ONCE: Final = 32
"""More than this within the tolerance is no drummer, but a file made to keep us busy."""
_CYMBALS: Final = frozenset({"hihat", "hihat_closed", "hihat_open", "ride", "crash"})
_DRUMS: Final = frozenset({"snare", "tom_high", "tom_mid", "tom_floor"})


def animations(notes: Sequence[MidiNote]) -> tuple[Stroke, ...]:
    """Strokes of the animation notes of PART DRUMS.

    A chart that never lifts the pedal (no note 25) does not say closed: its hi-hats stay ``hihat``.
    """
    played = [note for note in notes if note.pitch in ANIMATIONS]
    pedal_up = [_span(note) for note in notes if note.pitch == _HIHAT_PEDAL_UP]
    is_open = covered(pedal_up, sorted({note.tick for note in played}))
    strokes = set()
    for note in played:
        label, name = ANIMATIONS[note.pitch]
        if label == "hihat" and pedal_up:
            label = "hihat_open" if note.tick in is_open else "hihat_closed"
        strokes.add(Stroke(note.tick, label, name))
    return in_order(strokes)


def match_animations(
    labels: Sequence[str], times_s: Sequence[float], animations: Sequence[Stroke], animation_times_s: Sequence[float]
) -> list[Stroke | None]:
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
    found: list[Stroke | None] = [None] * len(labels)
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


def elite(notes: Sequence[MidiNote], *, rolls: Sequence[Span], fills: Sequence[Span]) -> dict[str, tuple[Stroke, ...]]:
    """Strokes of PART ELITE_DRUMS by difficulty. Velocities 127 and 1 are accents and ghosts there, without a switch.

    A hi-hat is open unless it lies under a hat-pedal note. Pedal notes of velocity 1 only end an open hat and sound
    nothing, and so does a pedal that goes down together with a struck hi-hat.
    """
    by_pitch: dict[int, list[MidiNote]] = {}
    for note in notes:
        by_pitch.setdefault(note.pitch, []).append(note)
    found = {}
    for difficulty, base in ELITE_BASES.items():
        own = {offset: by_pitch.get(base + offset, []) for offset in (*ELITE, _FLAM, _INDIFFERENT)}
        played = [(offset, note) for offset in ELITE for note in own[offset]]
        ticks = sorted({note.tick for _, note in played})
        flams, indifferent, closed = (
            covered(map(_span, own[offset]), ticks) for offset in (_FLAM, _INDIFFERENT, _PEDAL)
        )
        rolled, filled = covered(rolls, ticks), covered(fills, ticks)
        struck_hats = {note.tick for note in own[_HIHAT]} - indifferent
        second_kicks = {note.tick for note in own[_SECOND_KICK]}
        strokes = {}
        for offset, note in played:
            label, name = ELITE[offset]
            if offset == _PEDAL:
                if note.velocity == _GHOST_VELOCITY or note.tick in struck_hats:
                    continue
                name += " splash" if note.velocity == _ACCENT_VELOCITY else ""
            if offset == _HIHAT and note.tick not in indifferent:
                label = "hihat_closed" if note.tick in closed else "hihat_open"
            # One stroke for a kick that is charted for one pedal and for two.
            strokes[note.tick, "kick" if label == "kick" else name] = Stroke(
                note.tick,
                label,
                name,
                accent=offset != _PEDAL and note.velocity == _ACCENT_VELOCITY,
                ghost=offset != _PEDAL and note.velocity == _GHOST_VELOCITY,
                flam=note.tick in flams,
                double_kick=label == "kick" and note.tick in second_kicks,
                roll=label != "kick" and note.tick in rolled,
                approximate=note.tick in filled,
            )
        if strokes:
            found[difficulty] = in_order(strokes.values())
    return found


def elite_notes(elite_track: Mapping[str, Sequence[Stroke]]) -> list[MidiNote]:
    """The notes of PART ELITE_DRUMS that `elite` reads as these strokes.

    Raises KeyError for a stroke that is not an elite one.
    """
    offsets = {name: offset for offset, (_, name) in ELITE.items()}
    offsets[f"{ELITE[_PEDAL][1]} splash"] = _PEDAL
    notes = []
    for difficulty, own in elite_track.items():
        base = ELITE_BASES[difficulty]
        for stroke in own:
            offset = _SECOND_KICK if stroke.double_kick else offsets[stroke.source_name]
            is_splash = offset == _PEDAL and stroke.source_name != ELITE[_PEDAL][1]
            velocity = _ACCENT_VELOCITY if stroke.accent or is_splash else _GHOST_VELOCITY if stroke.ghost else 100
            notes.append(MidiNote(stroke.tick, 0, base + offset, velocity, 0))
        hats = [stroke for stroke in own if offsets[stroke.source_name] == _HIHAT]
        for offset, velocity, among, chosen in (
            (_FLAM, 100, own, [stroke for stroke in own if stroke.flam]),
            (_INDIFFERENT, 100, hats, [stroke for stroke in hats if stroke.label == "hihat"]),
            # A silent pedal note closes the hats above it.
            (_PEDAL, _GHOST_VELOCITY, hats, [stroke for stroke in hats if stroke.label == "hihat_closed"]),
        ):
            for start, end in spans((stroke.tick for stroke in among), {stroke.tick for stroke in chosen}):
                notes.append(MidiNote(start, end - start, base + offset, velocity, 0))
    return notes


def _span(note: MidiNote) -> Span:
    return note.tick, note.tick + note.length_ticks


def in_order(strokes: Iterable[Stroke]) -> tuple[Stroke, ...]:
    """Strokes by tick, then label and name."""
    return tuple(sorted(strokes, key=lambda stroke: (stroke.tick, stroke.label, stroke.source_name)))
