"""Confidence intervals by resampling songs, and the paired comparison of two systems on the same songs.

Songs are drawn with replacement, as often as there are songs; a draw is a row of multinomial weights, and since
statistics of a song add up, all draws are one matrix product. Intervals are percentiles, as `scipy.stats.bootstrap`
with ``method="percentile"`` gives (which would call the statistic on every resampled array of songs, minutes instead
of seconds for all classes, windows and vocabularies). NaN draws (a rare class that no drawn song contains) are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From sums over songs [..., *S] to numbers [..., *V]: for instance ``lambda counts: scores(counts).f``."""


@dataclass(frozen=True)
class Interval:
    """Arrays of shape [*V]."""

    value: NDArray[np.float64]
    """Of the songs as they are."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """B minus A, on the same songs. Arrays of shape [*V]."""

    delta: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]
    """Two-sided: twice the smaller share of draws on either side of 0, counting the real songs as one more draw."""


def bootstrap(
    per_song: NDArray[np.generic],
    statistic: Statistic,
    *,
    seed: int,
    num_draws: int = 1_000,
    level: float = 0.95,
) -> Interval:
    """The interval of a statistic of sums over songs. ``per_song``: [N, *S], one row a song."""
    raise NotImplementedError


def compare(
    per_song_a: NDArray[np.generic],
    per_song_b: NDArray[np.generic],
    statistic: Statistic,
    *,
    seed: int,
    num_draws: int = 1_000,
    level: float = 0.95,
) -> Comparison:
    """How much better B is than A; both [N, *S] with the same songs in the same order, drawn alike."""
    raise NotImplementedError
