"""Log-mel: the same as librosa's, frame for frame and band for band, and silent where there is silence."""

import librosa
import numpy as np
import pytest

from drumline.core.config import parse_config
from drumline.core.errors import ConfigError
from drumline.core.grid import RATE_HZ
from drumline.features.logmel import FRAMES_A_CHUNK, LogMelConfig, log_mel, magnitudes, mel_filters

HIGH = LogMelConfig()
MICRO = LogMelConfig(hop=64, n_fft=512)


def noise(num_samples: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


@pytest.mark.parametrize("config", [HIGH, MICRO], ids=["high", "micro"])
def test_the_filters_are_librosas(config: LogMelConfig) -> None:
    theirs = librosa.filters.mel(
        sr=RATE_HZ, n_fft=config.n_fft, n_mels=config.bands, fmin=config.low_hz, fmax=config.high_hz, norm=1
    )
    np.testing.assert_allclose(mel_filters(config), theirs, atol=1e-6)


@pytest.mark.parametrize("config", [HIGH, MICRO], ids=["high", "micro"])
@pytest.mark.parametrize("num_samples", [0, 1, 1000, 128 * FRAMES_A_CHUNK - 1, 128 * FRAMES_A_CHUNK, 200_003])
def test_the_spectrogram_is_librosas(config: LogMelConfig, num_samples: int) -> None:
    samples = noise(num_samples)
    ours = log_mel(samples, config)
    assert ours.dtype == np.float32
    assert ours.shape == (config.grid.num_frames(num_samples), config.bands)
    padded = np.pad(samples, config.n_fft // 2)
    stft = librosa.stft(padded, n_fft=config.n_fft, hop_length=config.hop, center=False)
    theirs = mel_filters(config) @ (np.abs(stft) * 4 / config.n_fft)  # a Hann window sums to n_fft / 2
    np.testing.assert_allclose(ours, np.log1p(config.gain * theirs).T, atol=2e-4)


def test_silence_is_zero_and_a_full_scale_sine_is_near_one_in_both_grids() -> None:
    assert not log_mel(np.zeros(5000, np.float32), HIGH).any()
    seconds = np.arange(RATE_HZ) / RATE_HZ
    for config in (HIGH, MICRO):
        bin_hz = RATE_HZ / config.n_fft
        sine = np.sin(2 * np.pi * round(440 / bin_hz) * bin_hz * seconds).astype(np.float32)
        peak = magnitudes(log_mel(sine, config), config)[50:-50].max(axis=1)
        assert np.all((peak > 0.4) & (peak < 1.001))


def test_a_click_peaks_in_the_frame_that_the_grid_says() -> None:
    for config in (HIGH, MICRO):
        for frame in (0, 7, 500):
            samples = np.zeros(100_000, np.float32)
            samples[frame * config.hop] = 1.0
            assert np.argmax(log_mel(samples, config).sum(axis=1)) == frame


def test_more_audio_after_changes_no_frame_before() -> None:
    samples = noise(300_000)
    whole, part = log_mel(samples, HIGH), log_mel(samples[:260_000], HIGH)
    settled = (260_000 - HIGH.n_fft // 2) // HIGH.hop
    np.testing.assert_array_equal(whole[:settled], part[:settled])


def test_bad_input_is_told() -> None:
    with pytest.raises(ValueError, match="one channel of float32"):
        log_mel(np.zeros((2, 100), np.float32), HIGH)
    with pytest.raises(ConfigError, match="holds no bin of n_fft 256"):
        parse_config(LogMelConfig, {"n_fft": 256}, location="features")
