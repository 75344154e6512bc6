"""Confidence intervals by resampling songs, and the paired comparison of two systems on the same songs.

Songs are drawn with replacement, as often as there are songs. A draw is a row of multinomial weights, and since a
song's statistics add up, all draws are one matrix product. Intervals are percentiles, as `scipy.stats.bootstrap`
with ``method="percentile"`` gives (which would call the statistic on every resampled array of songs, minutes instead
of seconds for all classes, windows and vocabularies). Draws that are NaN, when no drawn song has a rare class, are left
out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.core.config import Config

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From sums over songs [..., *S] to numbers [..., *V], for instance ``lambda counts: scores(counts).f``."""

_CHUNK: Final = 100
"""Draws at a time, for memory: 100 x 3,000 songs are 2.4 MB of weights."""


class BootstrapConfig(Config):
    """Intervals, by drawing songs with replacement."""

    num_draws: int = Field(default=1_000, ge=100)
    """Draws."""
    level: float = Field(default=0.95, gt=0, lt=1)
    """Share of the draws that an interval holds."""
    seed: int = 0
    """Random seed of the resamples: the same seed gives the same intervals."""


@dataclass(frozen=True)
class Interval:
    """Arrays of shape [*V]."""

    value: NDArray[np.float64]
    """Value of the songs as they are."""
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
    draws = np.concatenate([statistic(sums) for (sums,) in _draws(per_song, seed=seed, num_draws=num_draws)])
    low, high = _percentiles(draws, level)
    return Interval(statistic(per_song.sum(axis=0, dtype=np.float64)), low, high)


def resample(per_song: NDArray[np.generic], statistic: Statistic, config: BootstrapConfig) -> Interval:
    """The interval that the configuration asks for; none where a single song leaves nothing to draw."""
    if len(per_song) < 2:
        value = statistic(per_song.sum(axis=0, dtype=np.float64))
        return Interval(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
    return bootstrap(per_song, statistic, seed=config.seed, num_draws=config.num_draws, level=config.level)


def resample_weighted(
    num_songs: int, statistic: Statistic, config: BootstrapConfig, *, chunk: int = _CHUNK
) -> Interval:
    """The interval of a statistic that no sums can tell: a function of weights [..., num_songs], how often each song
    was drawn. ``chunk`` draws are made at a time. A single song leaves no interval."""
    value = statistic(np.ones(num_songs))
    if num_songs < 2:
        return Interval(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
    every = _weights(num_songs, seed=config.seed, num_draws=config.num_draws, chunk=chunk)
    draws = np.concatenate([statistic(weights) for weights in every])
    return Interval(value, *_percentiles(draws, config.level))


def compare(
    per_song_a: NDArray[np.generic],
    per_song_b: NDArray[np.generic],
    *,
    statistic: Statistic,
    seed: int,
    num_draws: int = 1_000,
    level: float = 0.95,
) -> Comparison:
    """How much better B is than A; both [N, *S] with the same songs in the same order, drawn alike."""
    if per_song_a.shape != per_song_b.shape:
        raise ValueError(f"not the same songs and statistics: {per_song_a.shape} and {per_song_b.shape}")
    delta = statistic(per_song_b.sum(axis=0, dtype=np.float64)) - statistic(per_song_a.sum(axis=0, dtype=np.float64))
    draws = np.concatenate(
        [statistic(b) - statistic(a) for a, b in _draws(per_song_a, per_song_b, seed=seed, num_draws=num_draws)]
    )
    low, high = _percentiles(draws, level)
    known = (~np.isnan(draws)).sum(axis=0)
    tail = 1 + np.minimum((draws <= 0).sum(axis=0), (draws >= 0).sum(axis=0))
    p_value = np.where(np.isnan(delta), np.nan, np.minimum(2.0 * tail / (known + 1), 1.0))
    return Comparison(delta, low, high, p_value)


def _draws(*per_song: NDArray[np.generic], seed: int, num_draws: int) -> Iterator[tuple[NDArray[np.float64], ...]]:
    """Sums over drawn songs [_CHUNK, *S], for each of the systems with the same draws."""
    num_songs = len(per_song[0])
    if num_songs == 0:
        raise ValueError("there are no songs to draw from")
    rows = [np.asarray(each, dtype=np.float64).reshape(num_songs, -1) for each in per_song]
    for weights in _weights(num_songs, seed=seed, num_draws=num_draws, chunk=_CHUNK):
        yield tuple(
            (weights @ row).reshape(len(weights), *each.shape[1:]) for row, each in zip(rows, per_song, strict=True)
        )


def _weights(num_songs: int, *, seed: int, num_draws: int, chunk: int) -> Iterator[NDArray[np.float64]]:
    """How often each song is drawn [up to chunk, num_songs]; the same draws whatever the chunk."""
    rng = np.random.default_rng((seed, num_songs))
    for start in range(0, num_draws, chunk):
        size = min(chunk, num_draws - start)
        yield rng.multinomial(num_songs, np.full(num_songs, 1 / num_songs), size=size).astype(np.float64)


def _percentiles(draws: NDArray[np.float64], level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    tail = (1.0 - level) / 2
    empty = np.isnan(draws).all(axis=0)
    low, high = np.nanquantile(np.where(empty, 0.0, draws), [tail, 1.0 - tail], axis=0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)
