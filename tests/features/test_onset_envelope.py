"""The envelope peaks where strokes begin, whatever the gain, and in the same bytes every time."""

from functools import cache

import numpy as np
import pytest
import soxr

from drumline.core.grid import HIGH, RATE_HZ
from drumline.core.hits import Hit
from drumline.features import onset_envelope as module
from drumline.features.onset_envelope import BANDS, onset_envelope
from drumline.rendering.play import render
from drumline.rendering.synth_kit import synth_kit

BAND_OF = {"kick": "kick", "snare_head": "drum", "tom_mid": "drum", "hihat_closed": "cymbal", "crash": "cymbal"}


KIT = cache(synth_kit)


def strokes(drum: str, times_s: np.ndarray) -> np.ndarray:
    hits = [Hit(float(time_s), drum, 0.8) for time_s in times_s]
    audio = render(hits, kit=KIT(2), duration_s=float(times_s[-1]) + 1.0)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(audio))
    return soxr.resample(audio + noise.astype(np.float32), 44_100, RATE_HZ)


@pytest.mark.parametrize("drum", BAND_OF)
def test_it_peaks_on_the_stroke(drum: str) -> None:
    times_s = 0.5 + 0.4 * np.arange(40) + np.linspace(0, HIGH.frame_s, 40)  # every place within a frame
    row = onset_envelope(strokes(drum, times_s))[BANDS.index(BAND_OF[drum])]
    frames = HIGH.frame(times_s)
    peaks = frames - 4 + np.argmax(np.stack([row[frames + shift] for shift in range(-4, 5)]), axis=0)
    assert abs(np.median(HIGH.seconds(peaks) - times_s)) < 0.003


def test_gain_changes_nothing_and_silence_is_zero() -> None:
    samples = strokes("snare_head", np.array([0.3, 0.9, 1.4]))
    envelope = onset_envelope(samples)
    assert envelope.shape == (3, HIGH.num_frames(len(samples)))
    assert envelope.dtype == np.float32
    np.testing.assert_allclose(envelope.mean(axis=1), 1.0, rtol=1e-4)
    np.testing.assert_allclose(onset_envelope(samples * np.float32(0.01)), envelope, atol=1e-3)
    assert not onset_envelope(np.zeros(5_000, dtype=np.float32)).any()
    assert onset_envelope(np.zeros(0, dtype=np.float32)).shape == (3, 1)


def test_the_chunk_size_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = strokes("crash", np.array([0.3, 0.9, 1.4]))
    whole = onset_envelope(samples)
    monkeypatch.setattr(module, "_CHUNK", 37)
    np.testing.assert_array_equal(onset_envelope(samples), whole)
