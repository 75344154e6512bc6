"""Delays between microphones: band-limited shifts are found to a fraction of a sample, slopes as a line has them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.alignment.microphones import Delays, drift, find_onsets, rough_delay_s, stroke_delay
from drumline.core.grid import HIGH
from drumline.features.onset_envelope import onset_envelope


def stroke(seed: int, num_samples: int = 2_000) -> np.ndarray:
    """A decaying burst of noise, and silence around it."""
    rng = np.random.default_rng(seed)
    burst = rng.standard_normal(num_samples) * np.exp(-np.arange(num_samples) / 300)
    return np.concatenate([np.zeros(200), burst, np.zeros(800)])


def later(signal: np.ndarray, samples: float) -> np.ndarray:
    """The oracle: a shift in the frequency domain."""
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(signal)) * samples)
    return np.fft.irfft(np.fft.rfft(signal) * turn, len(signal))


@settings(deadline=None, max_examples=40)
@given(st.floats(5, 395), st.integers(0, 9), st.sampled_from([1.0, -0.2]), st.floats(0, 0.05))
def test_a_shift_is_found_whatever_its_sign_and_level(true: float, seed: int, gain: float, noise: float) -> None:
    signal = stroke(seed)
    heard = gain * later(signal, true) + noise * gain * np.random.default_rng(seed).standard_normal(len(signal))
    at, likeness = stroke_delay(signal[:1_800].astype(np.float32), heard[:2_200].astype(np.float32))
    assert at == pytest.approx(true, abs=0.01 + noise)
    assert likeness > 0.7


def test_what_is_not_heard_is_not_alike() -> None:
    noise = np.random.default_rng(7).standard_normal(2_200).astype(np.float32)
    assert stroke_delay(stroke(1)[:1_800].astype(np.float32), noise)[1] < 0.3
    assert stroke_delay(np.zeros(100, np.float32), np.zeros(300, np.float32))[1] == 0


@given(st.floats(-50, 50), st.floats(-5, 5))
def test_drift_is_the_slope_and_shrugs_at_wrong_matches(slope: float, start: float) -> None:
    time_s = np.linspace(0, 300, 60)
    delays = start + slope * time_s / 60
    found = drift(Delays(time_s, delays), rate_hz=48_000, level=0.95)
    assert found.samples_per_minute == pytest.approx(np.polyfit(time_s / 60, delays, 1)[0], abs=1e-6)
    delays[::10] += 200
    found = drift(Delays(time_s, delays), rate_hz=48_000, level=0.95)
    assert found.samples_per_minute == pytest.approx(slope, abs=1e-6)
    assert np.isnan(drift(Delays(time_s[:2], delays[:2]), rate_hz=48_000, level=0.95).samples_per_minute)


@pytest.mark.parametrize("offset_s", [-0.3, 0.0, 0.21])
def test_the_rough_delay_is_within_a_frame(offset_s: float) -> None:
    rng = np.random.default_rng(0)
    starts_s = np.cumsum(rng.uniform(0.2, 0.5, 30)) + 0.5
    signals = []
    for shift_s in (0.0, offset_s):
        signal = np.zeros(15 * 22_050)
        for n, start_s in enumerate(starts_s):
            start = round((start_s + shift_s) * 22_050)
            signal[start : start + 2_000] += stroke(n)[200:2_200]
        signals.append(onset_envelope(signal.astype(np.float32)))
    assert rough_delay_s(*signals, reach_s=0.5) == pytest.approx(offset_s, abs=HIGH.frame_s)
    found = find_onsets(signals[0])
    assert len(found) == 30
    np.testing.assert_allclose(found, starts_s, atol=2 * HIGH.frame_s)
