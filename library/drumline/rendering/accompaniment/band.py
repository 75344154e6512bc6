"""Our own band: parts that follow a song's tempo map, metre and kick drum.

It plays in sections of eight bars, whose progression, rhythms and players are drawn anew. Notes fall where a band's
do: the bass with the kick, guitars and keys on and off the backbeats, each player a few milliseconds early or late.
That is what hides drums in real mixes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.bars import Bar, bars_of, strokes
from drumline.rendering.accompaniment.harmony import NOTE_NAMES, Chord, chords
from drumline.rendering.accompaniment.lines import LINES, Position
from drumline.rendering.accompaniment.score import Note, Part
from drumline.rendering.accompaniment.styles import CHUGS, COMPOUND, KICKS, STYLES, Player, Style

_SECTION_BARS: Final = 8
_PLAYS: Final = 0.75  # how often a player who may rest plays in a section
_CONTOUR_LENGTH: Final = 12
_LAG_S: Final = 0.006  # of a player, all song long; standard deviation
_JITTER_S: Final = 0.004  # of each stroke
_GAIN_SPREAD_DB: Final = 2.0
_SHORTEST_S: Final = 0.03
_VELOCITIES: Final = {False: 92, True: 112}
_VELOCITY_SPREAD: Final = 6.0


@dataclass(frozen=True)
class _Sheet:
    """Song structure, chords and style that all players share."""

    style: Style
    key: int
    bars: tuple[Bar, ...]
    chords: tuple[Chord, ...]
    """One a bar, and one more."""
    tempo: TempoMap


class _Played(NamedTuple):
    start: float
    """Tick."""
    end: float
    pitches: tuple[int, ...]
    is_accented: bool


def play(
    song: AnnotatedSong, tempo: TempoMap, *, duration_s: float, seed: Sequence[int]
) -> tuple[tuple[Part, ...], str]:
    """The parts of a band for a song of ``duration_s``, and in words what it plays. Deterministic by seed."""
    random = np.random.default_rng(seed)
    name = draw_style(song.metadata.genre, random)
    style, key = STYLES[name], int(random.integers(12))
    bars = tuple(bars_of(song, tempo, duration_s=duration_s))
    sheet = _Sheet(style, key, bars, draw_chords(style, key, num_bars=len(bars) + 1, random=random), tempo)
    parts = [
        part
        for index, player in enumerate(style.players)
        for part in _parts(player, sheet, rests=index > 0, random=random)
        if part.notes
    ]
    return tuple(parts), f"{name} in {NOTE_NAMES[key]}, programs {' '.join(str(part.program) for part in parts)}"


def draw_style(genre: str, random: np.random.Generator) -> str:
    """The name of a style that the genre calls for, or of any."""
    wanted = [name for name, style in STYLES.items() if any(word in genre.casefold() for word in style.genres)]
    return str(random.choice(wanted or list(STYLES)))


def draw_chords(style: Style, key: int, *, num_bars: int, random: np.random.Generator) -> tuple[Chord, ...]:
    """A chord a bar; every section has a progression of its own."""
    found: list[Chord] = []
    while len(found) < num_bars:
        progression = chords(str(random.choice(style.progressions)), key)
        found += [progression[bar % len(progression)] for bar in range(_SECTION_BARS)]
    return tuple(found[:num_bars])


def _parts(player: Player, sheet: _Sheet, *, rests: bool, random: np.random.Generator) -> Iterator[Part]:
    """Parts of a player: one, or two if it is doubled."""
    played = _played(player, sheet, rests=rests, random=random)
    starts_s = sheet.tempo.seconds([stroke.start for stroke in played])
    ends_s = np.maximum(sheet.tempo.seconds([stroke.end for stroke in played]), starts_s + _SHORTEST_S)
    levels = np.array([_VELOCITIES[stroke.is_accented] for stroke in played], dtype=np.float64)
    program = int(random.choice(player.programs))
    gain_db = player.gain_db + float(random.uniform(-_GAIN_SPREAD_DB, _GAIN_SPREAD_DB))
    for pan in (-0.7, 0.7) if player.doubled else (float(random.uniform(-0.4, 0.4)),):
        lags_s = random.normal(0.0, _LAG_S) + random.normal(0.0, _JITTER_S, len(played))
        velocities = np.clip(levels + random.normal(0.0, _VELOCITY_SPREAD, len(played)), 30, 127)
        notes = tuple(
            Note(start_s, end_s, pitch, int(velocity))
            for start_s, end_s, velocity, stroke in zip(
                np.maximum(starts_s + lags_s, 0.0).tolist(), (ends_s + lags_s).tolist(), velocities, played, strict=True
            )
            for pitch in stroke.pitches
        )
        yield Part(program, notes, gain_db=gain_db, pan=pan)


def _played(player: Player, sheet: _Sheet, *, rests: bool, random: np.random.Generator) -> list[_Played]:
    contour = tuple(int(step) for step in np.cumsum(random.integers(-2, 3, _CONTOUR_LENGTH)))
    line = LINES[player.line]
    played: list[_Played] = []
    rhythm, plays = "", True
    for number, (bar, (chord, next_chord)) in enumerate(zip(sheet.bars, pairwise(sheet.chords), strict=True)):
        if number % _SECTION_BARS == 0:
            rhythm = str(random.choice(player.rhythms))
            if bar.is_compound and rhythm not in (KICKS, CHUGS):
                rhythm = str(random.choice(COMPOUND))
            plays = not rests or bool(random.random() < _PLAYS)
        for index, stroke in enumerate(strokes(rhythm, bar) if plays else ()):
            is_last_beat = stroke.start >= bar.length - 1.01 * bar.beat
            at = Position(
                chord,
                next_chord,
                index,
                len(played),
                is_last_beat,
                key=sheet.key,
                scale=sheet.style.scale,
                contour=contour,
            )
            pitches = line(player.lowest, at)
            played.append(_Played(bar.start + stroke.start, bar.start + stroke.end, pitches, stroke.is_accented))
    return played
