"""The onset of a recording whose beginning is known, and what must not be taken for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.rendering.kits.onset import level_db, onset_of
from drumline.rendering.kits.recording import MAX_S, trimmed

RATE_HZ = 44_100


def stroke(lead: int, *, pitch_hz: float = 60.0, seed: int = 0) -> np.ndarray:
    """A drum of which the first sample is the loudest, after ``lead`` samples of nothing."""
    at = np.arange(round(0.4 * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(seed).standard_normal(at.size)
    body = (0.8 * np.cos(2 * np.pi * pitch_hz * at) + 0.05 * noise) * np.exp(-at / 0.1)
    return np.concatenate([np.zeros(lead), body]).astype(np.float32)


@given(
    lead=st.integers(0, 4000),
    gain=st.floats(1e-3, 2.0),
    offset=st.floats(-0.1, 0.1),
    pitch_hz=st.floats(50, 5000),
    noise_db=st.floats(-90, -40),
    seed=st.integers(0, 99),
)
def test_the_onset_is_where_the_stroke_begins(
    lead: int, gain: float, offset: float, pitch_hz: float, noise_db: float, seed: int
) -> None:
    clean = stroke(lead, pitch_hz=pitch_hz, seed=seed)
    noise = 10 ** (noise_db / 20) / 4 * np.random.default_rng(seed).standard_normal(clean.size)
    assert onset_of(np.float32(gain) * (clean + noise.astype(np.float32) + np.float32(offset)), RATE_HZ) == lead


def test_a_swish_before_the_stroke_is_not_its_onset() -> None:
    lead = 3000
    samples = stroke(lead)
    at = np.arange(2000)
    swish = 0.2 * np.sin(np.pi * at / 2000) * np.random.default_rng(1).uniform(-1, 1, 2000)
    samples[: at.size] += swish.astype(np.float32)
    assert onset_of(samples, RATE_HZ) == lead


def test_a_low_drum_is_heard_from_its_first_swing() -> None:
    at = np.arange(RATE_HZ) / RATE_HZ
    swelling = np.sin(2 * np.pi * 50 * at) * np.minimum(1.0, at / 0.02) * np.exp(-at / 0.2)
    assert onset_of(swelling.astype(np.float32), RATE_HZ) < 0.004 * RATE_HZ


def test_silence_has_a_level_and_an_onset() -> None:
    silence = np.zeros(100, dtype=np.float32)
    assert onset_of(silence, RATE_HZ) == 0
    assert level_db(silence, 0, RATE_HZ) == -120.0
    assert onset_of(silence[:0], RATE_HZ) == 0


def test_a_level_is_decibels() -> None:
    samples = stroke(100)
    louder = level_db(np.float32(2) * samples, 100, RATE_HZ) - level_db(samples, 100, RATE_HZ)
    assert louder == pytest.approx(6.02, abs=0.01)


def test_tails_end_where_they_are_inaudible_and_at_the_limit() -> None:
    at = np.arange(30 * RATE_HZ) / RATE_HZ
    short = (np.sin(2 * np.pi * 400 * at) * 10 ** (-60 * at / 20)).astype(np.float32)  # 60 dB a second
    kept = trimmed(short, RATE_HZ)
    assert 1.0 * RATE_HZ < kept.size < 1.1 * RATE_HZ
    np.testing.assert_array_equal(kept[: RATE_HZ // 2], short[: RATE_HZ // 2])
    endless = trimmed(np.sin(at).astype(np.float32), RATE_HZ)
    assert endless.size == MAX_S * RATE_HZ
    assert np.abs(endless[-10:]).max() < 1e-3
