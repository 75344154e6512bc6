"""Gain to -14 LUFS, headroom for storage, FLAC without loss."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.encoding import hits, tune

from drumline.audio.loudness import PEAK_DB, TARGET_LUFS, amplify, decode_flac, encode_flac, integrated_lufs, measure
from drumline.core.grid import RATE_HZ


def test_reference_tone() -> None:
    """BS.1770: a full-scale 997 Hz sine in one channel is -3.01 LUFS (the filters bend a little at our rate)."""
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * RATE_HZ) / RATE_HZ).astype(np.float32)
    assert integrated_lufs(tone) == pytest.approx(-3.01, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(gain_db=st.floats(-30, 10), spacing_s=st.floats(0.1, 1.0))
def test_stored_audio_never_clips_and_comes_back_whole(gain_db: float, spacing_s: float) -> None:
    source = amplify(hits(4.0, RATE_HZ, list(np.arange(0, 4, spacing_s))), gain_db)
    loudness = measure(source)
    stored = decode_flac(encode_flac(amplify(source, loudness.stored_gain_db)))
    assert 20 * math.log10(np.abs(stored).max()) <= PEAK_DB + 0.01
    trained, step = amplify(stored, loudness.headroom_db), 10 ** (loudness.headroom_db / 20) * 2**-15
    np.testing.assert_allclose(trained, amplify(source, loudness.gain_db), atol=step)


@settings(max_examples=10, deadline=None)
@given(gain_db=st.floats(-30, 10), seed=st.integers(0, 3))
def test_the_gain_leads_to_the_target(gain_db: float, seed: int) -> None:
    source = amplify(tune(seed, 6.0), gain_db)
    assert integrated_lufs(amplify(source, measure(source).gain_db)) == pytest.approx(TARGET_LUFS, abs=0.02)


def test_no_headroom_where_none_is_needed() -> None:
    noise = np.random.default_rng(0).uniform(-0.01, 0.01, 4 * RATE_HZ).astype(np.float32)
    loudness = measure(noise)
    assert loudness.headroom_db == 0
    assert loudness.stored_gain_db == loudness.gain_db > 20


@pytest.mark.parametrize("samples", [np.zeros(RATE_HZ), np.full(RATE_HZ, 1e-6), np.ones(100)], ids=str)
def test_silence_and_scraps_have_no_loudness(samples: np.ndarray) -> None:
    loudness = measure(samples.astype(np.float32))
    assert (loudness.lufs, loudness.gain_db, loudness.headroom_db) == (-math.inf, 0, 0)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9000), st.sampled_from([(), (2,)]), st.integers(0, 2**32))
def test_flac_is_exact_and_deterministic(num_samples: int, channels: tuple[int, ...], seed: int) -> None:
    steps = np.random.default_rng(seed).integers(-32768, 32768, (num_samples, *channels))
    samples = (steps / 32768).astype(np.float32)
    data = encode_flac(samples)
    np.testing.assert_array_equal(decode_flac(data), samples)
    assert encode_flac(samples.copy()) == data


def test_flac_clips_instead_of_wrapping() -> None:
    np.testing.assert_array_equal(
        decode_flac(encode_flac(np.array([2.0, -2.0], dtype=np.float32))), [32767 / 32768, -1]
    )
