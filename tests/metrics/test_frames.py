"""Frame metrics against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

from drumline.metrics.frames import NUM_BINS, areas, frame_counts, frame_histogram
from drumline.metrics.scores import scores


def song(seed: int, num_frames: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    """Activations and targets [T, 3]: rare onsets, overlapping activations, masks."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(np.array([-1, 0, 1], np.int8), p=[0.1, 0.87, 0.03], size=(num_frames, 3))
    logits = rng.normal(-4, 2, targets.shape) + np.array([1, 3, 6]) * (targets == 1)
    return (1 / (1 + np.exp(-logits))).astype(np.float32), targets


@given(st.integers(0, 1_000))
def test_areas_are_scikit_learns_within_the_stated_error(seed: int) -> None:
    songs = [song(seed), song(seed + 5_000, 500)]
    found = areas(sum(frame_histogram(*each) for each in songs))
    activations, targets = (np.concatenate(parts) for parts in zip(*songs, strict=True))
    assert (found.roc_auc_error < 1e-3).all()
    assert (found.pr_auc_error < 0.05).all()
    for column in range(3):
        known = targets[:, column] >= 0
        truth, given_p = targets[known, column], activations[known, column]
        assert found.num_positive[column] + found.num_negative[column] == known.sum()
        assert abs(found.roc_auc[column] - roc_auc_score(truth, given_p)) <= found.roc_auc_error[column] + 1e-12
        assert abs(found.pr_auc[column] - average_precision_score(truth, given_p)) <= found.pr_auc_error[column] + 1e-12


@given(st.integers(0, 1_000))
def test_ties_are_exact(seed: int) -> None:
    """Activations of few values fall into bins of their own: the error is that of rounding."""
    rng = np.random.default_rng(seed)
    activations = rng.choice([0.0, 0.01, 0.3, 0.9, 1.0], size=(200, 1))
    targets = rng.integers(0, 2, (200, 1))
    found = areas(frame_histogram(activations, targets))
    np.testing.assert_allclose(found.roc_auc, roc_auc_score(targets[:, 0], activations[:, 0]), atol=1e-12)
    np.testing.assert_allclose(found.pr_auc, average_precision_score(targets[:, 0], activations[:, 0]), atol=1e-12)


@given(st.lists(st.booleans(), max_size=12), st.integers(1, 6))
def test_the_stated_error_holds_where_the_order_is_lost(low: list[bool], num_above: int) -> None:
    """Distinct activations in one bin, below some false alarms in another."""
    targets = np.array([*low, True, *[False] * num_above], int)
    steps = 1e-5 * np.arange(len(targets), dtype=np.float32)
    activations = np.where(np.arange(len(targets)) <= len(low), 0.501, 0.901) + steps
    histogram = frame_histogram(activations[:, None], targets[:, None])
    assert np.count_nonzero(histogram[0].sum(axis=0)) == 2
    found = areas(histogram)
    assert abs(found.roc_auc[0] - roc_auc_score(targets, activations)) <= found.roc_auc_error[0] + 1e-12
    assert abs(found.pr_auc[0] - average_precision_score(targets, activations)) <= found.pr_auc_error[0] + 1e-12


@pytest.mark.parametrize("value", [-1, 0, 1])
def test_one_sided_targets_have_no_area(value: int) -> None:
    activations, _ = song(0, 50)
    histogram = frame_histogram(activations, np.full((50, 3), value))
    assert histogram.shape == (3, 2, NUM_BINS)
    assert histogram.sum() == (0 if value < 0 else 150)
    found = areas(histogram)
    assert np.isnan(found.roc_auc).all()
    assert np.isnan(found.pr_auc).all()


def test_a_perfect_ranking_has_area_one() -> None:
    targets = np.array([[0], [1], [0], [1]])
    found = areas(frame_histogram(np.where(targets, 0.9, 0.1), targets))
    assert found.roc_auc == found.pr_auc == 1
    assert found.roc_auc_error == found.pr_auc_error == 0


def test_scores_at_a_threshold() -> None:
    activations, targets = song(3)
    found = scores(frame_counts(activations, targets, threshold=np.array([0.3, 0.5, 0.5])))
    for column, threshold in enumerate([0.3, 0.5, 0.5]):
        known = targets[:, column] >= 0
        theirs = precision_recall_fscore_support(
            targets[known, column], activations[known, column] >= threshold, average="binary"
        )
        np.testing.assert_allclose((found.precision[column], found.recall[column], found.f[column]), theirs[:3])
