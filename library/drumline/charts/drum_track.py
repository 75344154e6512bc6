"""The rules that .chart and notes.mid share, from raw gems to `Note`.

Markers mean opposite things in the two formats: an unmarked yellow, blue or green gem is a tom in a .chart and a
cymbal in a notes.mid. Everything else here is common. Checked against scan-chart 7.0.1 (https://github.com/Geomitron/scan-chart),
which its authors checked against Clone Hero.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from drumline.charts.chart import LANES, DrumType, Note
from drumline.charts.song_ini import SongIni

KICK, RED, YELLOW, BLUE, FOURTH, FIFTH, SECOND_KICK = range(7)
"""Pads as both formats number them. FOURTH is green on four lanes and orange on five; FIFTH is green on five."""

FLIP_OFF, FLIP_ON, FLIP_STEMS_ONLY = range(3)
"""Disco flip. The last swaps the stems of the audio, while the gems are right as they stand."""
FLIP_EVENT: Final = r"\s*\[?mix[ _]([0-3])[ _]drums[0-5](d|dnoflip|)\]?\s*"
FLIP_STATES: Final = {"": FLIP_OFF, "d": FLIP_ON, "dnoflip": FLIP_STEMS_ONLY}

HIHAT_MARKS: Final = ("pedal", "open", "sizzle")
"""Articulations of a hi-hat in Phase Shift's marks; the first holds where several stand on one gem."""

Span = tuple[int, int]
"""Ticks ``start <= tick < end``; an empty span still holds its start."""


@dataclass
class RawTrack:
    """One difficulty as its file states it, in any order."""

    gems: list[tuple[int, int, int]] = field(default_factory=list)
    """(tick, length_ticks, pad)"""
    marked: set[tuple[int, int]] = field(default_factory=set)
    """(tick, pad) under a cymbal marker (.chart) or a tom marker (.mid)."""
    accents: set[tuple[int, int]] = field(default_factory=set)
    ghosts: set[tuple[int, int]] = field(default_factory=set)
    """(tick, pad) like the accents; both kicks count as KICK."""
    flips: list[tuple[int, int]] = field(default_factory=list)
    """(tick, FLIP_...)"""
    flams: list[Span] = field(default_factory=list)
    rolls: list[Span] = field(default_factory=list)
    kick_rolls: list[Span] = field(default_factory=list)
    fills: list[Span] = field(default_factory=list)
    articulations: dict[str, list[Span]] = field(default_factory=dict)
    """Articulation -> phrases; and lane -> phrases in which its cymbal and its tom sound at once (`real_drums`)."""


def drum_type(ini: SongIni, *, has_markers: bool, has_fifth_lane: bool) -> DrumType:
    """How many lanes, and whether toms and cymbals are told apart: song.ini first, then what the track holds."""
    if ini.pro_drums:
        return "pro"
    if ini.five_lane_drums:
        return "five_lane"
    if has_markers:
        return "pro"
    return "five_lane" if has_fifth_lane else "four_lane"


def covered(spans: Iterable[Span], ticks: Sequence[int]) -> set[int]:
    """Those of the sorted ticks that lie in any span. Linear in ticks and spans, however the spans overlap."""
    inside: set[int] = set()
    reached = 0
    for start, end in sorted(spans):
        first = max(reached, bisect_left(ticks, start))
        reached = max(reached, bisect_left(ticks, max(end, start + 1)))
        inside.update(ticks[first:reached])
    return inside


def resolve(
    raw: RawTrack, kind: DrumType, *, cymbal_unless_marked: bool, cutoff_ticks: int, snap_ticks: int
) -> tuple[Note, ...]:
    """Notes of one difficulty: markers, dynamics, flips and spans applied; doubled and overlapping gems merged."""
    chords: dict[int, dict[int, int]] = {}
    for tick, length, pad in raw.gems:
        length = length if length > cutoff_ticks else 0
        chord = chords.setdefault(tick, {})
        chord[pad] = max(length, chord.get(pad, 0))
    ticks = sorted(chords)
    flams, rolls, kick_rolls, fills = (
        covered(spans, ticks) for spans in (raw.flams, raw.rolls, raw.kick_rolls, raw.fills)
    )
    articulated = {name: covered(spans, ticks) for name, spans in raw.articulations.items()}
    # Of several states on one tick the last in this order, so the plainest, holds.
    flips = sorted(raw.flips, key=lambda flip: (flip[0], -flip[1]))

    resolved = []
    for tick in ticks:
        pads = chords[tick]
        flip = bisect_left(flips, (tick + 1,)) - 1
        flipped = flip >= 0 and flips[flip][1] == FLIP_ON
        # Four lanes cannot hold orange and green at once: scan-chart lets green be a blue tom, YARG lets orange be a
        # blue cymbal. We follow the first and say that the chord is approximate.
        crowded = FOURTH in pads and FIFTH in pads
        chord_notes: dict[str, Note] = {}
        for pad, length in pads.items():
            dynamic = (tick, KICK if pad == SECOND_KICK else pad)
            accent = dynamic in raw.accents
            lane = _lane(pad, crowded=crowded)
            both = tick in articulated.get(lane, ())
            marked = (tick, pad) in raw.marked
            cymbal = both or _is_cymbal(pad, kind, marked=marked, unless_marked=cymbal_unless_marked)
            note = Note(
                tick,
                length,
                lane,
                cymbal=cymbal,
                accent=accent,
                ghost=not accent and dynamic in raw.ghosts,
                flam=tick in flams,
                double_kick=pad == SECOND_KICK,
                disco=flipped and lane in ("red", "yellow"),
                roll=tick in (kick_rolls if lane == "kick" else rolls),
                approximate=crowded or tick in fills,
                articulation=_articulation(tick, lane, articulated, flipped=flipped, cymbal=cymbal),
                both=both,
            )
            chord_notes[lane] = max(note, chord_notes.get(lane, note), key=_precedence)
        resolved.append(chord_notes)

    if snap_ticks > 0:
        resolved = _snapped(resolved, snap_ticks)
    notes = _without_overlaps([chord[lane] for chord in resolved for lane in LANES if lane in chord])
    if kind == "five_lane":
        # Guitar Hero writes a roll as one long gem.
        notes = [replace(note, roll=True) if note.length_ticks else note for note in notes]
    return tuple(notes)


def _lane(pad: int, *, crowded: bool) -> str:
    if pad == FIFTH:
        return "blue" if crowded else "green"
    return "kick" if pad == SECOND_KICK else LANES[pad]


def _is_cymbal(pad: int, kind: DrumType, *, marked: bool, unless_marked: bool) -> bool:
    if kind == "pro":
        return pad in (YELLOW, BLUE, FOURTH) and marked != unless_marked
    return kind == "five_lane" and pad in (YELLOW, FOURTH)


def _articulation(tick: int, lane: str, articulated: Mapping[str, set[int]], *, flipped: bool, cymbal: bool) -> str:
    """Articulation of a hi-hat or a snare; if any hi-hat of a difficulty is marked, unmarked ones are closed."""
    if lane == ("yellow" if flipped else "red"):
        return "rim" if tick in articulated.get("rim", ()) else ""
    if lane == "red" or (lane == "yellow" and cymbal):
        marked = [name for name in HIHAT_MARKS if name in articulated]
        return next((name for name in marked if tick in articulated[name]), "closed" if marked else "")
    return ""


def _precedence(note: Note) -> tuple[int, bool, bool, bool, bool]:
    """Sort key of two notes on one lane: the longer is kept, then the more specific one, a 2x kick over a kick."""
    return (note.length_ticks, note.accent, note.ghost, note.cymbal, note.double_kick)


def _snapped(chords: list[dict[str, Note]], snap_ticks: int) -> list[dict[str, Note]]:
    """Chords that follow closer than ``snap_ticks`` join the one before; what stands there already keeps its flags."""
    joined: list[dict[str, Note]] = []
    for chord in chords:
        tick = next(iter(chord.values())).tick
        start = next(iter(joined[-1].values())).tick if joined else 0
        if not joined or tick - start >= snap_ticks:
            joined.append(dict(chord))
            continue
        target = joined[-1]
        flippable = [target[lane].disco for lane in ("red", "yellow") if lane in target]
        for lane, note in chord.items():
            if lane in target:
                target[lane] = replace(target[lane], length_ticks=max(target[lane].length_ticks, note.length_ticks))
            elif lane in ("red", "yellow") and flippable:
                target[lane] = replace(note, tick=start, disco=any(flippable))
            else:
                target[lane] = replace(note, tick=start)
    return joined


def _without_overlaps(notes: list[Note]) -> list[Note]:
    """A gem that sounds into the next of its lane ends there, and the next takes over what was left."""
    last: dict[str, int] = {}
    for index, note in enumerate(notes):
        before = last.get(note.lane)
        if before is not None and (over := notes[before].tick + notes[before].length_ticks - note.tick) > 0:
            notes[index] = replace(note, length_ticks=max(note.length_ticks, over))
            notes[before] = replace(notes[before], length_ticks=note.tick - notes[before].tick)
        last[note.lane] = index
    return notes
