"""The grid of a recording: its eighth notes, beats and bar lines, and the tempo map that charts are written on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.charts.beats import RESOLUTION
from drumline.core.tempo import TempoMap

Array = NDArray[np.float64]

_AT_START_S: Final = 0.004
"""A bar line this near second 0 is put there."""
_WHOLE_BARS: Final = 0.5
"""Preference for whole bars of lead-in: a log ratio of tempos."""
_STRAIGHT_S: Final = 0.008
"""Largest error of a beat between two tempo marks."""


@dataclass(frozen=True)
class BeatGrid:
    """Beats and bars from before the first sample to the end of a recording."""

    eighths_s: Array
    """[P] times [s] of eighth notes; the first begins a bar at or before second 0."""
    eighth: NDArray[np.int64]
    """[P] eighth within the bar."""
    compound: NDArray[np.bool_]
    """[P] whether three eighths make a beat here (6/8)."""
    confidence: float
    """0 to 1: lead of the best hypothesis over the next other tempo."""
    other_tempo_bpm: float | None
    """The runner-up at another metrical level."""
    first_hit_s: float
    """Time [s] of the first hit: before it the grid may bend to reach second 0."""

    @property
    def beats(self) -> tuple[Array, NDArray[np.int64]]:
        """Times [s] of the beats and their numbers in the bar, from 1; none before second 0."""
        step = np.where(self.compound, 3, 2)
        chosen = (self.eighth % step == 0) & (self.eighths_s >= -1e-9)
        return self.eighths_s[chosen], (self.eighth // step + 1)[chosen]

    @property
    def downbeats_s(self) -> Array:
        """Times [s] of bar lines from second 0 on."""
        return np.asarray(self.eighths_s[(self.eighth == 0) & (self.eighths_s >= -1e-9)])

    @property
    def tempo_bpm(self) -> float:
        """Median tempo in quarter notes per minute."""
        return float(30.0 / np.median(np.diff(self.eighths_s)))

    def tempo_map(self) -> TempoMap:
        """The grid with as few tempo marks as keep each eighth to `_STRAIGHT_S`.

        Second 0 is tick 0. The beats before the first hit absorb what remains of a beat there; bars are whole where
        that changes their tempo by less than two thirds, else a shorter first bar leads in.
        """
        half = RESOLUTION // 2
        join, num_lead = self._lead_in()
        times_s = self.eighths_s[join:]
        tempos: list[tuple[int, float]] = []
        if num_lead:
            tempos.append((0, round(30.0 * num_lead / float(times_s[0]), 6)))
        for first, last in _segments(times_s):
            tempo_bpm = 30.0 * (last - first) / float(times_s[last] - times_s[first])
            if not tempos or abs(tempo_bpm - tempos[-1][1]) > 1e-6:
                tempos.append((half * (first + num_lead), round(tempo_bpm, 6)))
        return TempoMap(RESOLUTION, tuple(tempos), self._signatures(join, num_lead))

    def _lead_in(self) -> tuple[int, int]:
        """Index of the eighth where the grid proper begins, and how many eighths lead up to it."""
        step_s = float(np.median(np.diff(self.eighths_s[:64])))
        starts = np.flatnonzero(self.eighth == 0)
        length = int(np.median(np.diff(starts))) if len(starts) > 1 else 8
        beats = np.flatnonzero((self.eighth % 2 == 0) & (self.eighths_s > -_AT_START_S))
        if abs(self.eighths_s[beats[0]]) <= _AT_START_S and self.eighth[beats[0]] == 0:
            return int(beats[0]), 0
        before_hit = beats[self.eighths_s[beats] <= self.first_hit_s]
        join = int(before_hit[-1]) if len(before_hit) else int(beats[0])
        if self.eighths_s[join] < step_s:  # no room for a beat before it
            join = int(beats[np.searchsorted(beats, join) + 1]) if join != beats[-1] else join
        natural = float(self.eighths_s[join]) / step_s
        phase = int(self.eighth[join])
        numbers = np.arange(2, max(4, int(2 * natural) + 1), 2)
        ratio = np.abs(np.log(numbers / natural))
        cost = ratio + np.where(numbers % length == phase % length, 0.0, _WHOLE_BARS)
        return join, int(numbers[cost.argmin()])

    def _signatures(self, join: int, num_lead: int) -> tuple[tuple[int, int, int], ...]:
        half = RESOLUTION // 2
        lines = np.flatnonzero(self.eighth == 0)
        lines = lines[lines >= join]
        signatures: list[tuple[int, int, int]] = []
        for index, line in enumerate(lines.tolist()):
            if index + 1 == len(lines) and signatures:  # the end of the recording may cut off the last bar
                break
            length = int(lines[index + 1] - line) if index + 1 < len(lines) else 8
            signature = _signature(length, compound=bool(self.compound[line]))
            if not signatures or signatures[-1][1:] != signature:
                signatures.append((half * (line - join + num_lead), *signature))
        if not signatures:
            return ((0, 4, 4),)
        pickup, (_, top, bottom) = signatures[0][0] // half, signatures[0]
        whole = 8 * top // bottom
        if pickup % whole == 0:
            return ((0, top, bottom), *signatures[1:])
        first = _signature(pickup % whole, compound=False)
        return ((0, *first), (half * (pickup % whole), top, bottom), *signatures[1:])


def _signature(num_eighths: int, *, compound: bool) -> tuple[int, int]:
    return (num_eighths, 8) if compound or num_eighths % 2 else (num_eighths // 2, 4)


def _segments(times_s: Array) -> list[tuple[int, int]]:
    """Runs (first, last) between which all times are on straight lines within `_STRAIGHT_S`."""
    found, first = [], 0
    while first < len(times_s) - 1:
        low, high = first + 1, len(times_s) - 1
        step = 1
        last = low
        while last < high:
            trial = min(last + step, high)
            line_s = np.linspace(times_s[first], times_s[trial], trial + 1 - first)
            if np.abs(line_s - times_s[first : trial + 1]).max() <= _STRAIGHT_S:
                last, step = trial, step * 2
            elif step == 1:
                break
            else:
                step = 1
        found.append((first, last))
        first = last
    return found
