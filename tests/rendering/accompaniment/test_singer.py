"""A singer on the beats, with consonants; guitars through amplifiers."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.errors import ConfigError
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.accompany import Accompaniment, accompany, check_accompaniment
from drumline.rendering.accompaniment.amp import Amp, amplified
from drumline.rendering.accompaniment.singer import SingerConfig, sing

RATE_HZ = 22_050
SONG = AnnotatedSong("test", tuple(Hit(0.5 * index, "kick") for index in range(80)), tempo=TempoMap(480))
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="the flite program is not installed")


@needs_flite
def test_somebody_sings_vowels_and_consonants_and_the_same_again() -> None:
    (voice, told), (again, _), (other, _) = (sing(SONG, duration_s=40.0, rate_hz=RATE_HZ, seed=(s,)) for s in (1, 1, 2))
    assert voice.shape == (1, 40 * RATE_HZ)
    assert "sings at" in told
    np.testing.assert_array_equal(voice, again)
    assert not np.array_equal(voice, other)
    frames = np.abs(np.fft.rfft(voice[0, : 40 * RATE_HZ // 512 * 512].reshape(-1, 512))) ** 2
    share_of_highs = frames[:, 93:].sum(axis=1) / (frames.sum(axis=1) + 1e-9)  # above 4 kHz
    loud = frames.sum(axis=1) > 1e-3 * frames.sum(axis=1).max()
    assert np.mean(share_of_highs[loud] > 0.5) > 0.01
    assert np.mean(share_of_highs[loud] < 0.1) > 0.3


@needs_flite
def test_a_singer_is_part_of_what_accompanies() -> None:
    told = [
        accompany(
            SONG, Accompaniment(singer=SingerConfig(probability=0.5)), duration_s=4.0, rate_hz=RATE_HZ, seed=seed
        )[1]
        for seed in range(8)
    ]
    assert 0 < sum("sings" in each for each in told) < 8


def test_a_missing_program_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="apt install flite"):
        check_accompaniment(Accompaniment(singer=SingerConfig(probability=0.1)))


@settings(max_examples=20, deadline=None)
@given(drive_db=st.floats(0, 42), level=st.floats(0.001, 10), cabinet_hz=st.floats(3500, 8000))
def test_an_amplifier_adds_harmonics_and_keeps_the_level(drive_db: float, level: float, cabinet_hz: float) -> None:
    tone = (level * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)[np.newaxis]
    heard = amplified(tone, Amp(drive_db, cabinet_hz, 3.0), rate_hz=RATE_HZ)
    assert np.std(heard) == pytest.approx(np.std(tone), rel=0.02)
    power = np.abs(np.fft.rfft(heard[0, RATE_HZ // 10 :] * np.hanning(heard.shape[1] - RATE_HZ // 10))) ** 2
    third = round(3 * 440 * 0.9)
    harmonics = power[third - 30 : third + 30].sum() / power.sum()
    assert harmonics > (0.03 if drive_db > 20 else 0.0)
    assert harmonics < 0.5


def test_silence_passes_an_amplifier() -> None:
    assert not amplified(np.zeros((1, 100), np.float32), Amp(40, 5000, 3), rate_hz=RATE_HZ).any()
