"""PART ELITE_DRUMS of a notes.mid: YARG's drum track with one lane for each piece and hi-hat openness.

Source: YARG.Core's MIDI helper and reader (https://github.com/YARC-Official/YARG.Core). How often it agrees with the
gems: docs/formats.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from drumline.charts.chart import DIFFICULTIES, PieceNote, piece_notes_in_order
from drumline.charts.drum_marks import spans
from drumline.charts.drum_track import Span, covered
from drumline.charts.smf import MidiNote

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


def elite(
    notes: Sequence[MidiNote], *, rolls: Sequence[Span], fills: Sequence[Span]
) -> dict[str, tuple[PieceNote, ...]]:
    """Notes of PART ELITE_DRUMS by difficulty. Velocities 127 and 1 are accents and ghosts there, without a switch.

    A hi-hat is open unless it lies under a hat-pedal note. Pedal notes of velocity 1 only end an open hat and sound
    nothing, and so does a pedal that goes down together with a struck hi-hat.
    """
    by_pitch: dict[int, list[MidiNote]] = {}
    for note in notes:
        by_pitch.setdefault(note.pitch, []).append(note)
    found = {}
    for difficulty, base in ELITE_BASES.items():
        by_offset = {offset: by_pitch.get(base + offset, []) for offset in (*ELITE, _FLAM, _INDIFFERENT)}
        played = [(offset, note) for offset in ELITE for note in by_offset[offset]]
        ticks = sorted({note.tick for _, note in played})
        flams, indifferent, closed = (
            covered((note.span for note in by_offset[offset]), ticks) for offset in (_FLAM, _INDIFFERENT, _PEDAL)
        )
        rolled, filled = covered(rolls, ticks), covered(fills, ticks)
        struck_hats = {note.tick for note in by_offset[_HIHAT]} - indifferent
        second_kicks = {note.tick for note in by_offset[_SECOND_KICK]}
        hits = {}
        for offset, note in played:
            label, name = ELITE[offset]
            if offset == _PEDAL:
                if note.velocity == _GHOST_VELOCITY or note.tick in struck_hats:
                    continue
                name += " splash" if note.velocity == _ACCENT_VELOCITY else ""
            if offset == _HIHAT and note.tick not in indifferent:
                label = "hihat_closed" if note.tick in closed else "hihat_open"
            # One hit for a kick that is charted for one pedal and for two.
            hits[note.tick, "kick" if label == "kick" else name] = PieceNote(
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
        if hits:
            found[difficulty] = piece_notes_in_order(hits.values())
    return found


def elite_notes(elite_track: Mapping[str, Sequence[PieceNote]]) -> list[MidiNote]:
    """The notes of PART ELITE_DRUMS that `elite` reads as these hits.

    Raises KeyError for a hit that is not an elite one.
    """
    offsets = {name: offset for offset, (_, name) in ELITE.items()}
    offsets[f"{ELITE[_PEDAL][1]} splash"] = _PEDAL
    notes = []
    for difficulty, hits in elite_track.items():
        base = ELITE_BASES[difficulty]
        for hit in hits:
            offset = _SECOND_KICK if hit.double_kick else offsets[hit.source_name]
            is_splash = offset == _PEDAL and hit.source_name != ELITE[_PEDAL][1]
            velocity = _ACCENT_VELOCITY if hit.accent or is_splash else _GHOST_VELOCITY if hit.ghost else 100
            notes.append(MidiNote(hit.tick, 0, base + offset, velocity, 0))
        hats = [hit for hit in hits if offsets[hit.source_name] == _HIHAT]
        for offset, velocity, among, chosen in (
            (_FLAM, 100, hits, [hit for hit in hits if hit.flam]),
            (_INDIFFERENT, 100, hats, [hit for hit in hats if hit.label == "hihat"]),
            # A silent pedal note closes the hats above it.
            (_PEDAL, _GHOST_VELOCITY, hats, [hit for hit in hats if hit.label == "hihat_closed"]),
        ):
            for start, end in spans((hit.tick for hit in among), {hit.tick for hit in chosen}):
                notes.append(MidiNote(start, end - start, base + offset, velocity, 0))
    return notes
