"""Notes of game charts on the grid: hits that sound together are one chord on one tick.

Each quarter note takes the division that fits its hits: sixteenths, their triplets, thirty-seconds or thirty-second
triplets, finer ones at a price per hit. A hit further than `LIMIT_S` from every line of its division goes to the
nearest forty-eighth of a quarter note instead, so that nothing moves further than the limit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.core.tempo import TempoMap

LIMIT_S: Final = 0.04
"""The furthest that a note moves [s]."""
_CHORD_S: Final = 0.018
"""Hits at most this far after the first of a chord belong to it."""
_DIVISIONS: Final = ((4, 0.0), (6, 1.2), (8, 1.6), (12, 2.8))
"""Notes in a quarter, and the price of a hit there [nats]."""
_DEVIATION_S: Final = 0.012
"""Standard deviation of played onsets about the grid [s]."""
_FINEST: Final = 48


@dataclass(frozen=True)
class GridTicks:
    """Positions of hits in a chart. All [N], in the order of the hits."""

    ticks: NDArray[np.int64]
    moved_s: NDArray[np.float64]
    """Distance from the played time [s], positive where the note is later."""


def snap(times_s: ArrayLike, tempo: TempoMap) -> GridTicks:
    """Find the tick of each hit.

    Parameters
    ----------
    times_s
        Seconds [N] on the tempo map, in any order.
    tempo
        The grid.

    Returns
    -------
    GridTicks
    """
    times = np.asarray(times_s, np.float64)
    if not len(times):
        return GridTicks(np.zeros(0, np.int64), np.zeros(0))
    chord_of, onsets_s = _chords(times)
    quarters = tempo.ticks(onsets_s) / tempo.resolution
    ticks = _nearest(quarters, tempo)
    moved = tempo.seconds(ticks) - onsets_s
    far = np.abs(moved) > LIMIT_S
    ticks[far] = np.round(quarters[far] * _FINEST) * tempo.resolution / _FINEST
    found = np.maximum(np.round(ticks), 0).astype(np.int64)[chord_of]
    return GridTicks(found, tempo.seconds(found) - times)


def _chords(times: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The chord of each hit [N], and the mean time of each chord."""
    order = np.argsort(times, kind="stable")
    chord_of = np.empty(len(times), np.int64)
    chord, first = -1, -np.inf
    for index in order.tolist():
        if times[index] - first > _CHORD_S:
            chord, first = chord + 1, float(times[index])
        chord_of[index] = chord
    return chord_of, np.bincount(chord_of, times) / np.bincount(chord_of)


def _nearest(quarters: NDArray[np.float64], tempo: TempoMap) -> NDArray[np.float64]:
    """The nearest line [ticks] of the division that each quarter note takes."""
    quarter = np.floor(quarters + 1 / 24).astype(np.int64)  # a hit just before a quarter belongs to it
    quarter -= quarter.min()
    beat_s = np.abs(
        tempo.seconds((quarters + 0.5) * tempo.resolution) - tempo.seconds((quarters - 0.5) * tempo.resolution)
    )
    lines = np.stack([np.round(quarters * division) / division for division, _ in _DIVISIONS])
    # Beyond three deviations a hit is wrong on any grid: it must not decide for all others.
    error = np.minimum(np.square((lines - quarters) * beat_s / _DEVIATION_S), 9.0) / 2
    price = error + np.array([price for _, price in _DIVISIONS])[:, np.newaxis]
    cost = np.stack([np.bincount(quarter, row) for row in price])
    chosen = cost.argmin(axis=0)[quarter]
    return np.asarray(lines[chosen, np.arange(len(quarters))] * tempo.resolution)
