"""The sections of a song as guitarists count them, and when they play in one.

A section of two to eight bars is in one of `GUITAR_STYLES`. Strokes follow the drums where those are: some rhythms
*are* the kick's, the snare's or the crashes', and a stroke on the grid moves onto a hit that is near.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.bars import Bar, Stroke, strokes
from drumline.rendering.accompaniment.guitar_styles import (
    ACCENTS,
    FASTEST_S,
    FEELS,
    GUITAR_STYLES,
    HEAVY,
    PROGRESSIONS,
    SNARES,
    GuitarStyle,
)
from drumline.rendering.accompaniment.harmony import Chord, chords
from drumline.rendering.accompaniment.styles import CHUGS, COMPOUND, KICKS

_SECTION_BARS: Final = (2, 4, 4, 8)
_NEAR_S: Final = 0.035
"""A stroke moves onto a hit that is no farther."""
_CRASH_S: Final = 0.03


@dataclass(frozen=True)
class Section:
    bars: tuple[Bar, ...]
    chords: tuple[Chord, ...]
    """One a bar."""
    style: GuitarStyle
    rhythm: str
    contour: tuple[int, ...]


class Clock:
    """From ticks to the seconds at which a player who follows the drums plays."""

    def __init__(self, song: AnnotatedSong, tempo: TempoMap, *, tightness: float) -> None:
        self._tempo, self._tightness = tempo, tightness
        self._hits_s = np.unique([hit.time_s for hit in song.hits])
        self._crashes_s = np.unique([hit.time_s for hit in song.hits if hit.label == "crash"])

    def seconds(self, ticks: Sequence[float]) -> NDArray[np.float64]:
        at_s = self._tempo.seconds(np.array(ticks, dtype=np.float64))
        away_s = _nearest(self._hits_s, at_s) - at_s
        return np.asarray(at_s + np.where(np.abs(away_s) <= _NEAR_S, self._tightness * away_s, 0.0))

    def on_crash(self, at_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.abs(_nearest(self._crashes_s, at_s) - at_s) <= _CRASH_S

    def beat_s(self, bar: Bar) -> float:
        start_s, end_s = self._tempo.seconds([bar.start, bar.start + bar.beat])
        return float(end_s - start_s)


def draw_feel(genre: str, random: np.random.Generator, *, heavy: float) -> str:
    """Heavy in a share of the songs whatever the genre; in the others what it calls for, or any."""
    if random.random() < heavy:
        return HEAVY
    wanted = [name for name, feel in FEELS.items() if any(word in genre.casefold() for word in feel.genres)]
    return str(random.choice(wanted or list(FEELS)))


def sections_of(bars: list[Bar], feel: str, key: int, clock: Clock, random: np.random.Generator) -> Iterator[Section]:
    """Sections of drawn styles; a style and its figure come again now and then."""
    weights = FEELS[feel].weights
    names, shares = list(weights), np.array(list(weights.values())) / sum(weights.values())
    start, figures = 0, {}
    while start < len(bars):
        part = bars[start : start + int(random.choice(_SECTION_BARS))]
        start += len(part)
        name = str(random.choice(names, p=shares))
        style = GUITAR_STYLES[name]
        if name not in figures or random.random() < 0.5:
            usable = [rhythm for rhythm in style.rhythms if _playable(rhythm, part[0], clock)] or [KICKS]
            rhythm = str(random.choice(usable))
            if part[0].is_compound and " " in rhythm:
                rhythm = str(random.choice(COMPOUND))
            contour = tuple(int(step) for step in np.abs(np.cumsum(random.integers(-2, 3, 16))) % 6)
            figures[name] = rhythm, contour, str(random.choice(PROGRESSIONS[feel]))
        rhythm, contour, progression = figures[name]
        harmony = chords(progression, key)
        in_bars = tuple(harmony[number % len(harmony)] for number in range(len(part)))
        yield Section(tuple(part), in_bars, style, rhythm, contour)


def _playable(rhythm: str, bar: Bar, clock: Clock) -> bool:
    """Whether a hand is fast enough for it at a bar's tempo."""
    if rhythm in (KICKS, CHUGS, ACCENTS, SNARES, ""):
        return True
    return clock.beat_s(bar) / max(len(group) for group in rhythm.split()) >= FASTEST_S


def strokes_of(rhythm: str, bar: Bar) -> list[Stroke]:
    """As `bars.strokes`, and the rhythms of crashes and snares."""
    if not rhythm:
        return []
    if rhythm not in (ACCENTS, SNARES):
        return strokes(rhythm, bar)
    starts = sorted({0.0, *bar.crashes} if rhythm == ACCENTS else set(bar.snares))
    return [Stroke(start, end, True) for start, end in pairwise([*starts, bar.length])]


def _nearest(values: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value (sorted) nearest to each; infinity where there is none."""
    if not len(values):
        return np.full(at.shape, np.inf)
    above = np.clip(np.searchsorted(values, at), 0, len(values) - 1)
    below = np.maximum(above - 1, 0)
    return np.asarray(np.where(np.abs(values[above] - at) <= np.abs(at - values[below]), values[above], values[below]))
