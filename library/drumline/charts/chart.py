"""A game's drum chart as it is written: gems on lanes, before anyone says what they sound like.

Ticks are 1/`TempoMap.resolution` of a quarter note. Seconds are chart time: ``audio_s = chart_s + offset_s``, so a
positive offset means that the audio starts late. The formats: https://github.com/TheNathannator/GuitarGame_ChartFormats.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from drumline.charts.annotated_song import Metadata
from drumline.core.tempo import TempoMap

DIFFICULTIES: Final = ("easy", "medium", "hard", "expert")
LANES: Final = ("kick", "red", "yellow", "blue", "green")
DrumType = Literal["four_lane", "pro", "five_lane"]

MAX_TICK: Final = 2**31
"""Later ticks are refused: at 960 ticks a quarter note this is a month of music."""
MAX_CHART_BYTES: Final = 32 * 2**20
"""Larger notes are refused unread: the largest real ones are a few megabytes."""


@dataclass(frozen=True, slots=True)
class Note:
    """One gem. Lane and cymbal are as charted; `disco` says that a flip is in force and red and yellow trade places."""

    tick: int
    length_ticks: int
    """0 for nearly every drum gem; five-lane charts write rolls as long gems."""
    lane: str
    """A name in `LANES`. Five-lane orange stands on green as a cymbal."""
    cymbal: bool = False
    """Always False in a four-lane chart, where tom or cymbal is unknown."""
    accent: bool = False
    ghost: bool = False
    flam: bool = False
    double_kick: bool = False
    """Expert+ only: a kick that needs a second pedal."""
    disco: bool = False
    roll: bool = False
    """Inside a roll lane (or a long five-lane gem): the charted rhythm is approximate."""
    approximate: bool = False
    """Inside a fill or a big rock ending; or in a five-lane chord of orange and green, which no four lanes can hold."""
    articulation: str = ""
    """``open``, ``closed``, ``sizzle`` or ``pedal`` of a hi-hat, ``rim`` of a snare, where Phase Shift's marks say."""
    both: bool = False
    """Phase Shift's mark for the cymbal and the tom of a lane at once."""


@dataclass(frozen=True, slots=True)
class PieceNote:
    """One note of a track that names the kit piece: a Rock Band animation, or an elite-drums note."""

    tick: int
    label: str
    """A name in `core.taxonomy.LABELS`."""
    source_name: str
    accent: bool = False
    ghost: bool = False
    flam: bool = False
    double_kick: bool = False
    roll: bool = False
    approximate: bool = False


@dataclass(frozen=True)
class Chart:
    """One chart with all its difficulties. Notes are in order of tick, then lane; no lane holds two notes at once."""

    format: str
    """``chart`` or ``mid``."""
    tempo: TempoMap
    drum_type: DrumType
    difficulties: Mapping[str, tuple[Note, ...]]
    """Charted ones only, keyed by `DIFFICULTIES`. Empty where there is no drum part."""
    metadata: Metadata = field(default_factory=Metadata)
    offset_s: float = 0.0
    """song.ini's delay where set, else the chart's own Offset; never the sum."""
    repairs: tuple[str, ...] = ()
    """Repairs that were needed to read it, each with its location."""
    animations: tuple[PieceNote, ...] = ()
    """Rock Band animation notes, for the expert difficulty."""
    elite: Mapping[str, tuple[PieceNote, ...]] = field(default_factory=dict)
    """Elite-drums difficulties, keyed as `difficulties`."""
    sections: tuple[tuple[int, str], ...] = ()
    """(tick, name) of practice sections."""
    end_tick: int | None = None
    """Where the song ends, by its end event; None without one."""
    unsuitable: str = ""
    """Why it must not be trained on; empty where it may."""


def in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes by tick, then lane."""
    return tuple(sorted(notes, key=lambda note: (note.tick, LANES.index(note.lane))))


def piece_notes_in_order(notes: Iterable[PieceNote]) -> tuple[PieceNote, ...]:
    """Sort notes by tick, then label and name."""
    return tuple(sorted(notes, key=lambda note: (note.tick, note.label, note.source_name)))


def capped(repairs: Sequence[str], limit: int = 50) -> tuple[str, ...]:
    """Repairs, the first `limit` of them in words, the rest as a count: one broken file must not fill a table."""
    if len(repairs) <= limit:
        return tuple(repairs)
    return (*repairs[:limit], f"and {len(repairs) - limit} more repairs")
