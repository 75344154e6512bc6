"""Strums sound on the song's beats, in the chosen direction, and are their seed."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.core.errors import ConfigError
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.accompany import Accompaniment, accompany
from drumline.rendering.accompaniment.strums import open_strums, play_strums

RATE_HZ = 22_050


def write_strums(folder: Path) -> str:
    """Clicks whose height is the layer; up strums are negative."""
    folder.mkdir()
    for chord in ("Aminor", "Bflat major"):
        for direction, sign in (("_DOWN", 1), ("_UP", -1)):
            for layer in range(4):
                click = np.zeros(4000, dtype=np.float32)
                click[0] = sign * (layer + 1) / 5
                soundfile.write(folder / f"{chord}{direction}_{layer:02}.flac", click, RATE_HZ)
    return str(folder)


def test_strums_sound_on_the_grid_of_the_song(tmp_path: Path) -> None:
    folder = write_strums(tmp_path / "strums")
    tempo = TempoMap(480, tempos=((0, 90.0),))
    song = AnnotatedSong("test", (Hit(0.0, "kick"),), Metadata(), tempo)
    samples, again = (
        play_strums(song, tempo, [folder], duration_s=20.0, rate_hz=RATE_HZ, channels=2, seed=(1,))[0] for _ in range(2)
    )
    np.testing.assert_array_equal(samples, again)
    assert samples.shape == (2, 20 * RATE_HZ)
    heights = np.abs(samples[0])
    times_s = np.flatnonzero(heights > 0.5 * heights.max()) / RATE_HZ
    sixteenth_s = 60 / 90 / 4
    assert len(times_s) > 10
    assert np.abs((times_s + sixteenth_s / 2) % sixteenth_s - sixteenth_s / 2).max() < 0.04
    config = Accompaniment.model_validate({"ways": {"strums": 1.0, "band": 0.0}, "strum_folders": (folder,)})
    assert accompany(song, config, duration_s=5.0, seed=2)[1].startswith("strums: strums of")


def test_a_song_of_one_bar_may_be_silent(tmp_path: Path) -> None:
    folder, song = write_strums(tmp_path / "strums"), AnnotatedSong("test", (), Metadata(), TempoMap(480))
    shape = {"rate_hz": RATE_HZ, "channels": 1}
    played = [play_strums(song, TempoMap(480), [folder], duration_s=2.0, **shape, seed=(n,))[0] for n in range(20)]
    assert {bool(samples.any()) for samples in played} == {True, False}


def test_a_folder_without_strums_is_an_error(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "kick.wav", np.zeros(10), RATE_HZ)
    with pytest.raises(ConfigError, match=r"no strums; their names end in the layer"):
        open_strums(str(tmp_path))
