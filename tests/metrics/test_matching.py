"""Matching: as many pairs as mir_eval finds, and of those the closest."""

import mir_eval
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from tests.metrics.drawn import times

from drumline.metrics.matching import match, match_preferring, num_matches

windows = st.sampled_from([0.0, 0.02, 0.03, 0.05, 0.1, 0.3])


def may_pair(reference: np.ndarray, estimate: np.ndarray, window_s: float) -> np.ndarray:
    """[N, M], in mir_eval's own arithmetic."""
    return (reference[:, None] >= estimate - window_s) & (reference[:, None] <= estimate + window_s)


@given(times(20), times(20), windows)
def test_as_many_as_mir_eval(reference: np.ndarray, estimate: np.ndarray, window_s: float) -> None:
    theirs = len(mir_eval.util.match_events(reference, estimate, window_s)) if len(estimate) else 0
    assert num_matches(reference, estimate, window_s=window_s) == theirs
    assert len(match(reference, estimate, window_s=window_s)) == theirs


@given(times(), times(), windows)
def test_one_to_one_inside_the_window_in_order_and_closest(
    reference: np.ndarray, estimate: np.ndarray, window_s: float
) -> None:
    pairs = match(reference, estimate, window_s=window_s)
    assert (np.diff(pairs, axis=0) > 0).all()
    allowed = may_pair(reference, estimate, window_s)
    assert allowed[pairs[:, 0], pairs[:, 1]].all()
    distance_s = np.abs(reference[:, None] - estimate)
    # The twin: an assignment problem in which a forbidden pair costs more than all distances together.
    rows, columns = linear_sum_assignment(np.where(allowed, distance_s, 1000.0))
    kept = allowed[rows, columns]
    least_s = distance_s[rows, columns][kept].sum()
    assert len(pairs) == kept.sum()
    np.testing.assert_allclose(distance_s[pairs[:, 0], pairs[:, 1]].sum(), least_s, atol=1e-9)


@given(times(), times(), windows, st.integers(0, 2**32))
def test_what_is_wanted_and_what_is_charged_are_both_served(
    reference: np.ndarray, estimate: np.ndarray, window_s: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    wanted, charged = rng.random(len(reference)) < 0.5, rng.random(len(estimate)) < 0.5
    pairs = match_preferring(reference, estimate, window_s=window_s, wanted=wanted, charged=charged)
    # Each goal alone would reach no more.
    assert wanted[pairs[:, 0]].sum() == num_matches(reference[wanted], estimate, window_s=window_s)
    assert charged[pairs[:, 1]].sum() == num_matches(reference, estimate[charged], window_s=window_s)


def test_a_roll_of_thousands_is_matched_in_order() -> None:
    """Strokes far closer than the window, where every one could be paired with dozens."""
    strokes = np.arange(5_000) * 0.004
    pairs = match(strokes, strokes + 0.001, window_s=0.05)
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])
    assert len(pairs) == len(strokes)
