"""Peak picking against a slow, obvious twin, and what a decoded song looks like."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drumline.core.grid import HIGH
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration, LabelCalibration
from drumline.decoding.peaks import PeakConfig, decode, peaks
from drumline.metrics.vocabulary import LABEL_NAMES

LEVELS = arrays(np.float32, st.integers(0, 60), elements=st.sampled_from([0.0, 0.1, 0.4, 0.5, 0.7, 0.9]))


def slow_peaks(values: np.ndarray, threshold: float, spacing: float, reach: int) -> list[int]:
    """By the words of the definition."""
    tops = [
        n
        for n, value in enumerate(values)
        if value >= threshold and value >= max(values[max(0, n - reach) : n + reach + 1])
    ]
    firsts = [n for n in tops if n - 1 not in tops]
    kept: list[int] = []
    for n in sorted(firsts, key=lambda n: (-values[n], n)):
        if all(abs(n - other) >= spacing for other in kept):
            kept.append(n)
    return sorted(kept)


@given(LEVELS, st.sampled_from([0.05, 0.45]), st.sampled_from([0.0, 1.0, 3.0, 4.5]), st.integers(1, 3))
def test_peaks_equal_their_definition(values: np.ndarray, threshold: float, spacing: float, reach: int) -> None:
    found = peaks(values, threshold=threshold, spacing=spacing, reach=reach)
    assert found.tolist() == slow_peaks(values, threshold, spacing, reach)


def activations(kick: dict[int, float], crash: dict[int, float]) -> Activations:
    probability = np.zeros((200, 2), dtype=np.float32)
    for column, strokes in enumerate((kick, crash)):
        for frame, value in strokes.items():
            probability[frame, column] = value
    velocity = np.full_like(probability, 0.25)
    return Activations(HIGH, ("kick", "crash"), probability, np.zeros(200, "f4"), np.full(200, 0.3, "f4"), velocity)


def test_a_hit_has_its_sub_frame_time_class_velocity_and_confidence() -> None:
    hits = decode(activations({100: 0.8}, {40: 0.6, 42: 0.9}), PeakConfig())
    np.testing.assert_allclose(hits.time_s, np.array([42.3, 100.3]) * HIGH.frame_s)
    assert [LABEL_NAMES[number] for number in hits.label] == ["crash", "kick"]
    np.testing.assert_allclose(hits.confidence, [0.9, 0.8])
    np.testing.assert_allclose(hits.velocity, 0.25)


def test_a_calibration_moves_times_and_thresholds() -> None:
    labels = {"kick": LabelCalibration(threshold=0.85, offset_s=0.01), "crash": LabelCalibration(offset_s=0.02)}
    calibrated = decode(activations({100: 0.8}, {40: 0.9}), PeakConfig(), Calibration(labels=labels))
    np.testing.assert_allclose(calibrated.time_s, [40.3 * HIGH.frame_s + 0.02])


def test_silence_has_no_hits() -> None:
    assert len(decode(activations({}, {}), PeakConfig())) == 0
