"""Onto a grid: hits moved towards the lines of a tempo map, as far as asked for. Raw timing stays where nobody asks.

Lines divide the quarter notes of the map. With triplets each beat is straight or in three, whichever its hits lie
nearer to: lines of both at once would be so dense that everything is near one.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts import dot_chart, general_midi
from drumline.charts.beats import tempo_from_beats
from drumline.charts.song_ini import SongIni
from drumline.charts.text import decode, split_lines
from drumline.core.config import Config
from drumline.core.errors import ChartError, ConfigError
from drumline.core.tempo import TempoMap
from drumline.transcription.result import Transcription

TEMPO_FILES: Final = (".mid", ".midi", ".chart", ".beats", ".txt")
"""Endings of files that can give a tempo."""


class QuantiseConfig(Config):
    """Where hits are moved to."""

    note: Literal[4, 8, 16, 32, 64] = 16
    """The shortest straight note: 16 for sixteenths."""
    triplets: bool = False
    """Whether a beat may be in three: of ``note`` 8 in eighth triplets, of 16 in sixteenth triplets."""
    strength: float = Field(default=1.0, ge=0, le=1)
    """How far a hit is moved: 1 onto the line, 0.5 half-way, 0 not at all."""


def quantised(transcription: Transcription, config: QuantiseConfig) -> Transcription:
    """The hits moved towards the lines of the transcription's own tempo map. None is lost.

    Of several hits of one class nearest to the same line, the nearest takes it and the others stay (a flam, a roll
    finer than the grid). Raises ConfigError where there is no tempo map.
    """
    tempo = transcription.tempo
    if tempo is None:
        raise ConfigError("to quantise, a tempo is needed: give one, or have it estimated")
    ticks = tempo.ticks([hit.time_s for hit in transcription.hits])
    lines = nearest_lines(ticks, tempo.resolution, config)
    distance = np.abs(lines - ticks)
    taken: set[tuple[str, float]] = set()
    for index in np.argsort(distance, kind="stable").tolist():
        slot = (transcription.hits[index].label, float(lines[index]))
        if slot in taken:
            lines[index] = ticks[index]
        taken.add(slot)
    return transcription.with_times(np.maximum(tempo.seconds(ticks + config.strength * (lines - ticks)), 0.0))


def nearest_lines(ticks: NDArray[np.float64], resolution: int, config: QuantiseConfig) -> NDArray[np.float64]:
    """The line [ticks, N] that each position [ticks, N] is nearest to."""
    step = 4 * resolution / config.note
    straight = np.round(ticks / step) * step
    if not config.triplets or not len(ticks):
        return straight
    step_in_three = step * 2 / 3  # three notes in the time of two
    in_three = np.round(ticks / step_in_three) * step_in_three
    # Triplets of quarter notes span two beats; all others repeat with each.
    span = resolution * max(1, 8 // config.note)
    beat = np.floor((ticks + step_in_three / 4) / span).astype(np.int64)  # a hit just before a beat belongs to it
    beat -= beat.min()
    # In steps, for a finer grid is nearer to anything.
    error = np.bincount(beat, np.square((ticks - straight) / step))
    error_in_three = np.bincount(beat, np.square((ticks - in_three) / step_in_three))
    return np.asarray(np.where((error_in_three < error)[beat], in_three, straight))


def tempo_of_file(data: bytes, name: str) -> TempoMap:
    """The tempo map of a MIDI file, a .chart, or a list of beats: a line is seconds, and perhaps the place in the bar.

    Raises ChartError where the file says none, ConfigError for another ending.
    """
    ending = name.lower().rpartition(".")[2]
    if ending in ("mid", "midi"):
        return general_midi.read_tempo(data, name)
    if ending == "chart":
        return dot_chart.read(data, name=name, ini=SongIni()).tempo
    if f".{ending}" not in TEMPO_FILES:
        raise ConfigError(f"{name}: no tempo is read from such a file; known are {', '.join(TEMPO_FILES)}")
    beats_s, positions = _beats(split_lines(decode(data)), name)
    tempo = tempo_from_beats(beats_s, positions)
    if tempo is None:
        raise ChartError(name, "a tempo needs two beats at least")
    return tempo


def _beats(lines: Sequence[str], name: str) -> tuple[list[float], list[int]]:
    """Times [s] and positions in the bar, 1 where a line tells none."""
    beats_s: list[float] = []
    positions: list[int] = []
    for number, line in enumerate(lines, start=1):
        if not (fields := line.replace(",", " ").split()):
            continue
        try:
            time_s, position = float(fields[0]), int(float(fields[1])) if len(fields) > 1 else len(beats_s) % 4 + 1
        except (ValueError, OverflowError) as error:
            raise ChartError(f"{name}:{number}", f"{line.strip()[:60]!r} is no beat (seconds, place in bar)") from error
        if not time_s >= (beats_s[-1] if beats_s else -1.0):
            raise ChartError(f"{name}:{number}", f"the beat at {time_s:g} s precedes the one before it")
        beats_s.append(time_s)
        positions.append(position)
    return beats_s, positions
