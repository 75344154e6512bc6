"""Intervals by resampling songs: SciPy's, and honest about two systems that are the same."""

import numpy as np
import pytest
import scipy.stats

from drumline.metrics.bootstrap import bootstrap, compare
from drumline.metrics.scores import ratio, scores


def recall(sums: np.ndarray) -> np.ndarray:
    return ratio(sums[..., 0], sums[..., 0] + sums[..., 1])


def f(counts: np.ndarray) -> np.ndarray:
    return scores(counts).f


def songs(num: int, quality: float, seed: int) -> np.ndarray:
    """TP, FP, FN [num, 2 classes, 3] of songs of 50 hits that differ in difficulty."""
    rng = np.random.default_rng(seed)
    tp = rng.binomial(50, np.clip(quality + rng.normal(0, 0.1, (num, 2)), 0, 1))
    return np.stack([tp, 50 - tp, 50 - tp], axis=-1)


def test_intervals_are_scipys() -> None:
    rows = songs(60, 0.8, 0)[:, 0, [0, 2]]
    ours = bootstrap(rows, recall, seed=1, num_draws=8_000)
    theirs = scipy.stats.bootstrap(
        (rows[:, 0], rows[:, 1]),
        lambda found, missed, axis: found.sum(axis=axis) / (found + missed).sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=8_000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert ours.value == rows[:, 0].sum() / rows.sum()
    np.testing.assert_allclose([ours.low, ours.high], [theirs.low, theirs.high], atol=2e-3)


def test_the_same_seed_gives_the_same_interval() -> None:
    rows = songs(20, 0.7, 0)
    one, again, other = (bootstrap(rows, f, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.low, again.low)
    assert (one.low != other.low).any()
    assert one.value.shape == one.low.shape == (2,)
    assert ((one.low < one.value) & (one.value < one.high)).all()


def test_better_is_seen_and_same_is_not() -> None:
    worse, better = songs(40, 0.6, 0), songs(40, 0.8, 1)
    found = compare(worse, better, statistic=f, seed=0)
    assert (found.low > 0).all()
    np.testing.assert_allclose(found.p_value, 2 / 1_001)  # never 0: the songs themselves are a draw too
    same = compare(worse, worse, statistic=f, seed=0)
    assert (same.p_value == 1).all()
    np.testing.assert_array_equal([same.delta, same.low, same.high], 0)


def test_p_values_of_equal_systems_are_uniform() -> None:
    p_values = [
        compare(songs(30, 0.7, seed), songs(30, 0.7, 1_000 + seed), statistic=f, seed=0, num_draws=200).p_value[0]
        for seed in range(200)
    ]
    assert 0.02 < np.mean(np.array(p_values) < 0.1) < 0.2


def test_a_class_in_few_songs_or_none() -> None:
    rows = songs(30, 0.8, 0)
    rows[1:, 0], rows[:, 1] = 0, 0
    found = bootstrap(rows, f, seed=0)
    assert np.isfinite([found.low[0], found.high[0]]).all()
    assert np.isnan([found.value[1], found.low[1], found.high[1]]).all()
    assert np.isnan(compare(rows, rows, statistic=f, seed=0).p_value[1])


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="no songs"):
        bootstrap(songs(0, 0.5, 0), f, seed=0)
    with pytest.raises(ValueError, match="not the same songs"):
        compare(songs(3, 0.5, 0), songs(4, 0.5, 0), statistic=f, seed=0)
