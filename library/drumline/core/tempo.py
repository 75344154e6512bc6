"""Tempo maps: ticks to seconds and back.

Between two tempo marks time is linear: ``seconds += ticks * 60 / (bpm * resolution)``. A tick is
1/resolution of a quarter note.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

DEFAULT_TEMPO_BPM = 120.0


def is_compound(numerator: int, denominator: int) -> bool:
    """Whether three notes of a time signature make a beat, as in 6/8, 9/8 and 12/8."""
    return denominator >= 8 and numerator > 3 and numerator % 3 == 0


@dataclass(frozen=True)
class TempoMap:
    """Tempo and metre over a song.

    Raises ValueError where the resolution or a tempo is not positive, or marks are out of order.
    """

    resolution: int
    """Ticks in a quarter note."""
    tempos: tuple[tuple[int, float], ...] = ((0, DEFAULT_TEMPO_BPM),)
    """(tick, beats per minute), the first at tick 0."""
    time_signatures: tuple[tuple[int, int, int], ...] = field(default=((0, 4, 4),))
    """(tick, numerator, denominator), the first at tick 0."""

    def __post_init__(self) -> None:
        if self.resolution <= 0:
            raise ValueError(f"resolution {self.resolution} must be positive")
        if not self.tempos or self.tempos[0][0] != 0:
            raise ValueError("the first tempo must stand at tick 0")
        for tick, tempo_bpm in self.tempos:
            if not (tempo_bpm > 0 and np.isfinite(tempo_bpm)):
                raise ValueError(f"tempo {tempo_bpm} at tick {tick} must be positive")
        if any(b[0] <= a[0] for a, b in zip(self.tempos, self.tempos[1:], strict=False)):
            raise ValueError("tempo marks must be in order, one a tick")

    @cached_property
    def _knots(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        ticks = np.array([tick for tick, _ in self.tempos], dtype=np.float64)
        seconds_per_tick = 60.0 / (np.array([bpm for _, bpm in self.tempos]) * self.resolution)
        starts_s = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * seconds_per_tick[:-1])])
        return ticks, starts_s, seconds_per_tick

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Seconds of ticks (any shape), float64. The last tempo holds for ever, the first before tick 0."""
        knots, starts_s, slopes = self._knots
        at = np.asarray(ticks, dtype=np.float64)
        index = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, None)
        return np.asarray(starts_s[index] + (at - knots[index]) * slopes[index])

    def ticks(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Ticks of seconds (any shape), float64, not rounded: the inverse of `seconds`."""
        knots, starts_s, slopes = self._knots
        at = np.asarray(seconds, dtype=np.float64)
        index = np.clip(np.searchsorted(starts_s, at, side="right") - 1, 0, None)
        return np.asarray(knots[index] + (at - starts_s[index]) / slopes[index])

    def beats(self, end_tick: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ticks [N] of the beats before a tick, and their numbers in the bar, from 1.

        A beat is the note value of the time signature; in 6/8, 9/8 and 12/8 it is three eighths.

        Examples
        --------
        >>> ticks, numbers = TempoMap(480, time_signatures=((0, 3, 4), (1440, 6, 8))).beats(2880)
        >>> ticks.tolist(), numbers.tolist()
        ([0, 480, 960, 1440, 2160], [1, 2, 3, 1, 2])
        """
        ends = [*(tick for tick, *_ in self.time_signatures[1:]), np.inf]
        ticks, numbers = [np.zeros(0)], [np.zeros(0)]
        for (start, numerator, denominator), end in zip(self.time_signatures, ends, strict=True):
            compound = is_compound(numerator, denominator)
            beat = self.resolution * 4 / denominator * (3 if compound else 1)
            count = np.arange(max(0, np.ceil((min(end, end_tick) - start) / beat)))
            ticks.append(start + count * beat)
            numbers.append(count % (numerator // 3 if compound else numerator) + 1)
        return np.round(np.concatenate(ticks)).astype(np.int64), np.concatenate(numbers).astype(np.int64)

    def tempo_bpm_at(self, tick: float) -> float:
        """The tempo in force at a tick."""
        return self.tempos[max(0, int(np.searchsorted(self._knots[0], tick, side="right")) - 1)][1]

    def mean_tempo_bpm(self, end_tick: float) -> float:
        """Quarter notes per minute over ticks 0..end_tick, weighted by time; the first tempo for an empty span."""
        if end_tick <= 0:
            return self.tempos[0][1]
        return float(end_tick / self.resolution / self.seconds(end_tick) * 60.0)
