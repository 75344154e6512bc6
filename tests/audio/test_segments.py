"""The loop around a separator's model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.audio.separation.protocol import FLOOR_DB, stem_to_mix_db
from drumline.audio.separation.segments import separate_in_segments


@settings(max_examples=50, deadline=None)
@given(
    num_samples=st.integers(0, 500),
    segment_samples=st.integers(4, 60),
    overlap=st.floats(0, 0.5),
    batch_size=st.integers(1, 5),
    level=st.floats(-0.5, 0.5),
)
def test_a_model_that_changes_nothing_changes_nothing(
    num_samples: int, segment_samples: int, overlap: float, batch_size: int, level: float
) -> None:
    mix = np.random.default_rng(num_samples).uniform(-0.4, 0.4, (2, num_samples)).astype(np.float32) + np.float32(level)
    out = separate_in_segments(
        mix,
        lambda cut: np.stack([cut, cut], axis=1),
        num_sources=2,
        segment_samples=segment_samples,
        overlap=overlap,
        batch_size=batch_size,
    )
    assert out.dtype == np.float32
    for source in out:
        np.testing.assert_allclose(source, mix if num_samples > 1 else 0 * mix, atol=1e-5)  # one has no deviation


def test_silence_stays_silent() -> None:
    out = separate_in_segments(
        np.zeros((2, 100), dtype=np.float32),
        lambda cut: np.tanh(cut)[:, None],
        num_sources=1,
        segment_samples=16,
        overlap=0.25,
        batch_size=1,
    )
    np.testing.assert_array_equal(out, 0)


def test_the_last_segment_hears_what_came_before() -> None:
    """It is 4 samples long, in a window of 10: three of the six others lie before it, and are real sound."""
    heard: list[np.ndarray] = []

    def listen(cut: np.ndarray) -> np.ndarray:
        heard.extend(cut)
        return cut[:, None]

    ramp = np.tile(np.arange(1, 15, dtype=np.float32), (2, 1))
    separate_in_segments(ramp, listen, num_sources=1, segment_samples=10, overlap=0.0, batch_size=1)
    mean, deviation = 7.5, np.arange(1, 15).std(ddof=1)
    last = heard[-1][0] * deviation + mean
    np.testing.assert_allclose(last[:7], [8, 9, 10, 11, 12, 13, 14], rtol=1e-5)
    np.testing.assert_allclose(heard[-1][0][7:], 0)


@pytest.mark.parametrize(("scale", "ratio_db"), [(1.0, 0.0), (0.1, -20.0), (0.0, FLOOR_DB)])
def test_ratio(scale: float, ratio_db: float) -> None:
    mix = np.random.default_rng(0).standard_normal((2, 1000)).astype(np.float32)
    assert stem_to_mix_db(mix * np.float32(scale), mix) == pytest.approx(ratio_db, abs=1e-4)
    assert stem_to_mix_db(mix, np.zeros_like(mix)) == FLOOR_DB
