"""The strokes of one recording as arrays, and the shapes in them that rules look for: runs, graces, steady time.

N strokes in order of time; each belongs to one of the recording's E events. NaN is what is not told.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Strokes:
    """One recording."""

    event: Ints
    """[N]: which event a stroke belongs to."""
    time_s: Floats
    """[N], never falling."""
    label: NDArray[np.str_]
    """[N]: labels of `core.taxonomy`."""
    name: NDArray[np.str_]
    """[N]: what the file calls the component."""
    variant: NDArray[np.str_]
    """[N]: which of several instruments, where the file says so."""
    velocity: Floats
    """[N]: 0 to 1."""
    openness: Floats
    """[N]: 0 to 1."""
    length_s: Floats
    """[N]: from onset to offset."""
    event_time_s: Floats
    """[E], never falling."""
    tempo_bpm: Floats
    """[E]."""
    metre: NDArray[np.str_]
    """[E]: ``4/4``; empty where it is not told."""

    def on(self, labels: Collection[str]) -> Ints:
        """The strokes on any of these labels, in order."""
        return np.flatnonzero(np.isin(self.label, list(labels)))

    def called(self, names: Collection[str]) -> Ints:
        """The strokes that the file calls by any of these names."""
        return np.flatnonzero(np.isin(self.name, list(names)))

    @cached_property
    def loudness(self) -> Floats:
        """[N]: velocities, 0.7 where they are not told."""
        return np.where(np.isnan(self.velocity), 0.7, self.velocity)

    def runs(self, strokes: Ints, *, longest_s: float, shortest_s: float = 0.0) -> Iterator[Ints]:
        """Stretches of two strokes or more, each interval between the two limits."""
        gaps_s = np.diff(self.time_s[strokes])
        fits = (gaps_s <= longest_s) & (gaps_s >= shortest_s)
        for part in np.split(np.arange(len(strokes)), np.flatnonzero(~fits) + 1):
            if len(part) > 1:
                yield strokes[part]

    def steady(self, strokes: Ints, *, fastest_s: float, slowest_s: float, tolerance: float) -> Iterator[Ints]:
        """Runs whose intervals stay within ``tolerance`` (a share) of their median."""
        for run in self.runs(strokes, longest_s=slowest_s, shortest_s=fastest_s):
            gaps_s = np.diff(self.time_s[run])
            even = np.abs(gaps_s / np.median(gaps_s) - 1) <= tolerance
            for part in np.split(np.arange(len(run)), np.flatnonzero(~even) + 1):
                if len(part) > 1:
                    yield run[part]

    def between(self, strokes: Ints, start_s: float, end_s: float) -> Ints:
        """Those of some strokes that lie within a time, both ends included."""
        times_s = self.time_s[strokes]
        return strokes[np.searchsorted(times_s, start_s) : np.searchsorted(times_s, end_s, side="right")]


def joined(parts: Iterator[Ints] | list[Ints]) -> Ints:
    """All strokes of several groups."""
    return np.concatenate([np.zeros(0, np.int64), *parts])
