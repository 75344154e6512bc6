"""Notes finer than gems in a notes.mid: Rock Band's animation notes, and YARG's elite drums.

Sources: http://docs.c3universe.com/rbndocs (drum authoring) for the animations; YARG.Core's MIDI helper and reader for
PART ELITE_DRUMS (https://github.com/YARC-Official/YARG.Core). How often each agrees with the gems: docs/formats.md.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from drumline.charts.chart import DIFFICULTIES, Stroke
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
_PEDAL, _SECOND_KICK, _HIHAT, _FLAM, _INDIFFERENT = -2, -1, 2, 13, 14
_ACCENT_VELOCITY, _GHOST_VELOCITY = 127, 1


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
    return _in_order(strokes)


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
            found[difficulty] = _in_order(strokes.values())
    return found


def _span(note: MidiNote) -> Span:
    return note.tick, note.tick + note.length_ticks


def _in_order(strokes: Iterable[Stroke]) -> tuple[Stroke, ...]:
    return tuple(sorted(strokes, key=lambda stroke: (stroke.tick, stroke.label, stroke.source_name)))
