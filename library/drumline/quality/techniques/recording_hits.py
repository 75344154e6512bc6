"""Hits of one recording as arrays, and the patterns that rules search for: runs, grace notes, steady intervals.

N hits in order of time, each belonging to one of the recording's E events. NaN marks unknown values.
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
class RecordingHits:
    """Hits of one recording as arrays."""

    event: Ints
    """[N]: index of the event that the hit belongs to."""
    time_s: Floats
    """[N]: onset times [s], never decreasing."""
    label: NDArray[np.str_]
    """[N]: labels of `core.taxonomy`."""
    name: NDArray[np.str_]
    """[N]: label of the component in the file."""
    variant: NDArray[np.str_]
    """[N]: variant among several instruments of a kind, if the file gives one."""
    velocity: Floats
    """[N]: 0 to 1, NaN if unknown."""
    openness: Floats
    """[N]: 0 (closed) to 1 (open), NaN if unknown."""
    length_s: Floats
    """[N]: time from onset to offset [s], NaN if unknown."""
    event_time_s: Floats
    """[E]: event times [s], never decreasing."""
    tempo_bpm: Floats
    """[E]: tempo in beats per minute, 0 if unknown."""
    metre: NDArray[np.str_]
    """[E]: time signature such as ``4/4``; empty if unknown."""

    def on(self, labels: Collection[str]) -> Ints:
        """Indices of the hits with any of these labels, in order."""
        return np.flatnonzero(np.isin(self.label, list(labels)))

    def called(self, names: Collection[str]) -> Ints:
        """Indices of the hits whose component has any of these names in the file."""
        return np.flatnonzero(np.isin(self.name, list(names)))

    @cached_property
    def loudness(self) -> Floats:
        """[N]: velocities, 0.7 where unknown."""
        return np.where(np.isnan(self.velocity), 0.7, self.velocity)

    def runs(self, hits: Ints, *, longest_s: float, shortest_s: float = 0.0) -> Iterator[Ints]:
        """Maximal runs of two or more hits whose intervals are between ``shortest_s`` and ``longest_s``."""
        intervals_s = np.diff(self.time_s[hits])
        fits = (intervals_s <= longest_s) & (intervals_s >= shortest_s)
        for part in np.split(np.arange(len(hits)), np.flatnonzero(~fits) + 1):
            if len(part) > 1:
                yield hits[part]

    def steady(self, hits: Ints, *, fastest_s: float, slowest_s: float, tolerance: float) -> Iterator[Ints]:
        """Runs whose intervals differ from their median by at most ``tolerance`` (a ratio)."""
        for run in self.runs(hits, longest_s=slowest_s, shortest_s=fastest_s):
            intervals_s = np.diff(self.time_s[run])
            even = np.abs(intervals_s / np.median(intervals_s) - 1) <= tolerance
            for part in np.split(np.arange(len(run)), np.flatnonzero(~even) + 1):
                if len(part) > 1:
                    yield run[part]

    def between(self, hits: Ints, start_s: float, end_s: float) -> Ints:
        """Given hits whose onsets are between two times, both included."""
        times_s = self.time_s[hits]
        return hits[np.searchsorted(times_s, start_s) : np.searchsorted(times_s, end_s, side="right")]


def joined(parts: Iterator[Ints] | list[Ints]) -> Ints:
    """Concatenate groups of hits."""
    return np.concatenate([np.zeros(0, np.int64), *parts])
