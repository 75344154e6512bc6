"""Calibration: what was bent is found and straightened."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from drumline.metrics.calibration import (
    best_threshold,
    cooled,
    offset_correction_s,
    reliability,
    shifts_of_kinds,
    temperature,
)


def honest(seed: int, num: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that mean what they say, and outcomes."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.7, 0.7, num)
    return probability, rng.random(num) < probability


def test_reliability_is_scikit_learns() -> None:
    probability, correct = honest(0)
    found = reliability(probability**2, correct)
    accuracy, confidence = calibration_curve(correct, probability**2, n_bins=15)
    np.testing.assert_allclose(found.accuracy, accuracy)
    np.testing.assert_allclose(found.mean_confidence, confidence)
    assert found.brier == pytest.approx(brier_score_loss(correct, probability**2))
    assert found.expected_error == pytest.approx((found.count * np.abs(accuracy - confidence)).sum() / 20_000)
    assert reliability(probability, correct).expected_error < 0.02 < found.expected_error


def test_nothing_to_be_reliable_about() -> None:
    found = reliability([], [])
    assert np.isnan(found.expected_error)
    assert np.isnan(found.brier)
    assert np.isnan(found.accuracy).all()
    assert reliability([1.0, 0.0], [1, 0]).expected_error == 0


@pytest.mark.parametrize("bent", [0.5, 1.0, 3.0])
def test_a_bent_temperature_is_found(bent: float) -> None:
    probability, correct = honest(1)
    overconfident = cooled(probability, 1 / bent)
    assert temperature(overconfident, correct) == pytest.approx(bent, rel=0.05)
    # But for what probabilities cannot hold: 1 - 1e-12 is the surest they get.
    np.testing.assert_allclose(cooled(overconfident, bent), probability, atol=2e-4)


def test_no_temperature_without_both_outcomes() -> None:
    assert np.isnan(temperature([0.2, 0.9], [1, 1]))
    assert np.isnan(temperature([], []))
    assert np.isfinite(temperature([0.0, 1.0, 0.5], [0, 1, 1]))


def test_shares_of_kinds_that_a_model_learnt_wrong_are_put_right() -> None:
    rng = np.random.default_rng(2)
    shares, thought = np.array([0.7, 0.2, 0.1]), np.full(3, 1 / 3)
    kind = rng.choice(3, 20_000, p=shares)
    heard = np.eye(3)[kind] + rng.normal(0, 0.8, (len(kind), 3))
    likelihood = np.exp(heard / 0.8**2)  # of normal noise; what is left out is the same for all kinds
    told = likelihood * thought / (likelihood @ thought)[:, None]
    np.testing.assert_allclose(shifts_of_kinds(told, kind, most=5.0), np.log(shares / shares[0]), atol=0.1)
    np.testing.assert_allclose(shifts_of_kinds(told, kind, most=1.5), [0.0, *np.log(shares[1:2] / 0.7), -1.5], atol=0.2)


@given(
    st.lists(st.tuples(st.sampled_from(np.linspace(0, 1, 9).tolist()), st.booleans()), min_size=1, max_size=12),
    st.integers(0, 5),
)
def test_no_threshold_is_better(estimates: list[tuple[float, bool]], missed: int) -> None:
    confidence, correct = np.array(estimates).T
    num_reference = int(correct.sum()) + missed
    found = best_threshold(confidence, correct, num_reference=num_reference)
    if not correct.any():
        assert np.isnan(found.confidence)
        return

    def f(threshold: float) -> float:
        kept = confidence >= threshold
        return 2 * correct[kept].sum() / (kept.sum() + num_reference)

    assert f(found.confidence) == pytest.approx(found.f)
    assert found.f == pytest.approx(max(f(threshold) for threshold in np.linspace(-0.01, 1.01, 300)))


def test_a_threshold_stands_between_two_confidences() -> None:
    assert best_threshold([0.9, 0.5], [1, 0], num_reference=1).confidence == pytest.approx(0.7)
    assert best_threshold([0.9, 0.5], [1, 1], num_reference=2).confidence == pytest.approx(0.25)


def test_a_constant_offset_is_taken_back() -> None:
    offset_s = 0.012 + np.random.default_rng(0).normal(0, 0.004, 400)
    assert offset_correction_s(offset_s) == pytest.approx(-0.012, abs=1e-3)
    assert offset_correction_s(offset_s[:29]) == 0
    assert offset_correction_s([]) == 0
