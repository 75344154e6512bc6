"""Gain curves against slow twins, and against what they promise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rendering.production.drums import RATE_HZ, one_hit_each

from drumline.effects.dynamics import (
    Compressor,
    block_size,
    compressor_gain,
    emphasis_gain,
    levels_db,
    limiter_gain,
    static_reduction_db,
)

COMPRESSORS = st.builds(
    Compressor,
    threshold_db=st.floats(-50, -3),
    ratio=st.floats(1, 30),
    knee_db=st.floats(0, 12),
    attack_s=st.floats(0.0002, 0.1),
    release_s=st.floats(0.01, 1.0),
    mix=st.floats(0, 1),
)


def slow_compressor_gain(samples: np.ndarray, compressor: Compressor, rate_hz: int) -> np.ndarray:
    """Sample by sample and block by block, as one would write it first."""
    size = block_size(rate_hz)
    release, attack = (math.exp(-size / rate_hz / s) for s in (compressor.release_s, compressor.attack_s))
    held = smooth = 0.0
    edges = []
    for start in range(0, len(samples), size):
        level_db = max(-100.0, 20 * math.log10(max(abs(samples[start : start + size]).max(), 1e-30)))
        over_db, knee_db = level_db - compressor.threshold_db, compressor.knee_db
        if 2 * abs(over_db) < knee_db:
            over_db = (over_db + knee_db / 2) ** 2 / (2 * knee_db)
        held = max(max(over_db, 0.0) * (1 - 1 / compressor.ratio), held * release)
        smooth = attack * smooth + (1 - attack) * held
        edges.append(1 - compressor.mix + compressor.mix * 10 ** (-smooth / 20))
    edges = [edges[0], *edges]
    return np.interp(np.arange(len(samples)) / size, np.arange(len(edges)), edges)


def drums() -> np.ndarray:
    pieces, _ = one_hit_each()
    return np.sum(list(pieces.values()), axis=0)[None, :20_011]


@settings(max_examples=25, deadline=None)
@given(compressor=COMPRESSORS)
def test_the_compressor_is_its_slow_twin(compressor: Compressor) -> None:
    samples = drums()
    fast = compressor_gain(samples, compressor, rate_hz=RATE_HZ)
    np.testing.assert_allclose(fast, slow_compressor_gain(samples[0], compressor, RATE_HZ), rtol=1e-4)


@pytest.mark.parametrize(("level_db", "out_db"), [(-40.0, -40.0), (-20.0, -20.0), (-8.0, -17.0), (0.0, -15.0)])
def test_a_steady_tone_settles_on_the_static_curve(level_db: float, out_db: float) -> None:
    tone = (10 ** (level_db / 20) * np.sin(np.arange(RATE_HZ) * 2 * np.pi * 0.25 + np.pi / 2)).astype(np.float32)
    compressor = Compressor(-20.0, 4.0, 0.0, 0.01, 0.1)
    gain = compressor_gain(tone[None], compressor, rate_hz=RATE_HZ)
    assert level_db + 20 * math.log10(gain[-1]) == pytest.approx(out_db, abs=0.01)


def test_the_knee_bends_and_never_jumps() -> None:
    level_db = np.linspace(-60, 0, 6001)
    reduction_db = static_reduction_db(level_db, Compressor(-20.0, 4.0, 12.0, 0.01, 0.1))
    assert not reduction_db[level_db <= -26].any()
    assert reduction_db[-1] == pytest.approx(15.0)
    assert np.abs(np.diff(reduction_db, 2)).max() < 1e-4


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), ceiling_db=st.floats(-30, 6), length=st.integers(1, 3000))
def test_the_limiter_holds_its_ceiling(seed: int, ceiling_db: float, length: int) -> None:
    samples = np.random.default_rng(seed).laplace(size=(2, length)).astype(np.float32)
    gain = limiter_gain(samples, ceiling_db, release_s=0.1, rate_hz=RATE_HZ)
    assert gain.shape == (length,)
    assert gain.max() <= 1.0
    assert np.abs(samples * gain).max() <= 10 ** (ceiling_db / 20) * (1 + 1e-5)


def test_a_limiter_leaves_what_is_low_enough() -> None:
    samples = drums()
    assert (
        limiter_gain(samples, 20 * math.log10(np.abs(samples).max()) + 0.1, release_s=0.1, rate_hz=RATE_HZ) == 1
    ).all()


def test_emphasis_raises_attacks_and_leaves_the_rest() -> None:
    pieces, onsets = one_hit_each()
    gain = emphasis_gain(np.sum(list(pieces.values()), axis=0)[None], 6.0, rate_hz=RATE_HZ)
    for onset in onsets.values():
        assert gain[onset : onset + 50].max() == pytest.approx(2.0, rel=0.01)
        assert gain[onset + round(0.15 * RATE_HZ)] == pytest.approx(1.0, abs=0.05)


def test_levels_are_the_peaks_of_blocks() -> None:
    samples = drums()
    size = block_size(RATE_HZ)
    assert size == 8
    peaks = [np.abs(samples[:, start : start + size]).max() for start in range(0, samples.shape[1], size)]
    expected_db = np.maximum(20 * np.log10(np.maximum(peaks, 1e-9)), -100)
    np.testing.assert_allclose(levels_db(samples, rate_hz=RATE_HZ), expected_db, atol=1e-4)
