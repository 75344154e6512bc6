"""Scores of counts: defined for all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drumline.metrics.scores import false_positives_per_minute, macro, micro, scores, table

NAN = float("nan")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([0, 0, 0], (NAN, NAN, NAN)),
        ([0, 3, 0], (0.0, NAN, 0.0)),
        ([0, 0, 3], (NAN, 0.0, 0.0)),
        ([3, 1, 0], (0.75, 1.0, 6 / 7)),
        ([5, 0, 0], (1.0, 1.0, 1.0)),
    ],
)
def test_every_count_has_scores(counts: list[int], expected: tuple[float, float, float]) -> None:
    found = scores(counts)
    np.testing.assert_array_equal([found.precision, found.recall, found.f], expected)


@given(arrays(np.int64, (5, 3), elements=st.integers(0, 9)))
def test_f_is_the_harmonic_mean_and_means_are_means(counts: np.ndarray) -> None:
    each = scores(counts)
    total = each.precision + each.recall
    harmonic = 2 * each.precision * each.recall / np.where(total > 0, total, 1)
    both = ~np.isnan(harmonic)
    np.testing.assert_allclose(each.f[both], harmonic[both])
    np.testing.assert_array_equal(micro(counts).f, scores(counts.sum(axis=0)).f)
    occurs = counts[:, 0] + counts[:, 2] > 0
    if occurs.any():
        np.testing.assert_allclose(macro(counts).f, each.f[occurs].mean())
        np.testing.assert_allclose(macro(counts).recall, each.recall[occurs].mean())
        np.testing.assert_allclose(macro(counts).precision, np.nan_to_num(each.precision[occurs]).mean())
    else:
        assert np.isnan(macro(counts).f)


def test_false_alarms_a_minute() -> None:
    np.testing.assert_array_equal(false_positives_per_minute([[1, 6, 2], [0, 0, 0]], [120.0, 0.0]), [3.0, NAN])


def test_table_counts_cells() -> None:
    np.testing.assert_array_equal(table((np.array([0, 1, 1]), np.array([2, 0, 0])), (2, 3)), [[0, 0, 1], [2, 0, 0]])
    assert table((np.array([], int), np.array([], int)), (2, 3)).sum() == 0
