"""What is mixed with the drums: as long as asked, at its level, the same for the same seed, from whatever there is."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rendering.accompaniment.test_strums import write_strums
from tests.rendering.accompaniment.tiny_guitar import tiny_capture, tiny_guitar
from tests.rendering.accompaniment.tiny_soundfont import tiny_soundfont

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.errors import AudioError, ConfigError
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.accompany import Accompaniment, Ways, accompany, check_accompaniment
from drumline.rendering.accompaniment.files import looped
from drumline.rendering.accompaniment.guitars import GuitarsConfig
from drumline.rendering.accompaniment.score import Note, Part, parts_of_midi
from drumline.rendering.accompaniment.soundfont import render_parts

RATE_HZ = 22_050
TEMPO = TempoMap(480, ((0, 90.0), (960, 120.0)))
SONG = AnnotatedSong("test", tuple(Hit(0.5 * index, "kick") for index in range(12)), tempo=TEMPO)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SoundFont, a folder of audio, one of MIDI, a guitar and an amplifier."""
    folder = tmp_path_factory.mktemp("material")
    (folder / "tiny.sf2").write_bytes(tiny_soundfont((0, 33)))
    for name, seconds, channels in (("long", 9.0, 2), ("short", 1.5, 1)):
        at = np.arange(round(seconds * 44_100)) / 44_100
        tone = 0.3 * np.sin(2 * np.pi * 220 * at) * (1 + at)
        (folder / "audio").mkdir(exist_ok=True)
        soundfile.write(folder / "audio" / f"{name}.flac", np.stack([tone / 10] * channels, axis=1), 44_100)
    tiny_guitar(folder / "guitar")
    tiny_capture(folder / "amps/one.nam")
    (folder / "midi").mkdir()
    (folder / "midi/song.mid").write_bytes(midi_file())
    write_strums(folder / "strums")
    return folder


def midi_file() -> bytes:
    score = symusic.Score(192)
    piano, drums = symusic.Track(program=5), symusic.Track(is_drum=True)
    for beat in range(8):
        piano.notes.append(symusic.Note(beat * 192, 96, 60 + beat, 80))
        drums.notes.append(symusic.Note(beat * 192, 96, 38, 80))
    score.tracks.append(drums)
    score.tracks.append(piano)
    return bytes(score.dumps_midi())


def only(way: str, folder: Path) -> Accompaniment:
    weights = {name: float(name == way) for name in Ways.model_fields}
    return Accompaniment(
        ways=Ways(**weights),
        audio_folders=(str(folder / "audio"),),
        strum_folders=(str(folder / "strums"),),
        midi_folders=(str(folder / "midi"),),
        soundfonts=(str(folder / "tiny.sf2"),),
        guitars=GuitarsConfig(
            guitars=(str(folder / "guitar/guitar.sfz"),),
            basses=(str(folder / "guitar/guitar.sfz"),),
            amps=(str(folder / "amps"),),
        ),
    )


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("way", list(Ways.model_fields))
def test_every_way_gives_what_was_asked_and_gives_it_again(folder: Path, way: str, channels: int) -> None:
    if way == "mma" and shutil.which("mma") is None:
        pytest.skip("the mma program is not installed")
    config = only(way, folder)
    check_accompaniment(config)

    def play(seed: int) -> tuple[np.ndarray, str]:
        return accompany(SONG, config, duration_s=6.0, rate_hz=RATE_HZ, channels=channels, seed=seed)

    (samples, told), (again, told_again), (other, _) = play(1), play(1), play(2)
    assert (samples.shape, samples.dtype) == ((channels, 6 * RATE_HZ), np.float32)
    np.testing.assert_array_equal(samples, again)
    assert told == told_again
    assert told.startswith(f"{way}: ")
    if way != "midi":  # there is one file, shorter than the song
        assert not np.array_equal(samples, other)
    level_db = 20 * np.log10(np.sqrt(np.mean(samples**2)))
    assert level_db == pytest.approx(-20, abs=0.1) or np.abs(samples).max() == pytest.approx(0.98, abs=1e-3)


def test_ways_without_material_are_not_drawn(folder: Path) -> None:
    bare = Accompaniment(ways=Ways(mma=1.0))
    assert {accompany(SONG, bare, duration_s=0.5, rate_hz=RATE_HZ, seed=seed)[1] for seed in range(9)} == {
        "synth: oscillators"
    }
    some = Accompaniment(audio_folders=(str(folder / "audio"),), soundfonts=(str(folder / "tiny.sf2"),))
    told = [
        accompany(SONG, some, duration_s=0.5, rate_hz=RATE_HZ, seed=seed)[1].partition(":")[0] for seed in range(30)
    ]
    assert set(told) == {"audio", "band"}


def test_a_song_without_a_tempo_map_has_company_too(folder: Path) -> None:
    song = AnnotatedSong("test", SONG.hits)
    assert accompany(song, only("band", folder), duration_s=2.0, rate_hz=RATE_HZ, seed=0)[0].any()


def test_midi_is_laid_on_the_songs_own_beats_without_its_drums() -> None:
    (part,) = parts_of_midi(midi_file(), TEMPO, name="song.mid", end_s=100.0)
    assert part.program == 5
    expected_s = TEMPO.seconds(480 * np.arange(8))  # 2 beats at 90, then 120
    np.testing.assert_allclose([note.start_s for note in part.notes], expected_s)
    np.testing.assert_allclose([note.end_s for note in part.notes], TEMPO.seconds(480 * np.arange(8) + 240))
    (later,) = parts_of_midi(midi_file(), TEMPO, name="song.mid", end_s=2.0, start_beat=4)
    assert [note.pitch for note in later.notes] == [64, 65, 66, 67]


def render(parts: list[Part], folder: Path, channels: int = 1, max_rate_hz: int = RATE_HZ) -> np.ndarray:
    return render_parts(
        parts,
        soundfont=str(folder / "tiny.sf2"),
        duration_s=2.0,
        rate_hz=RATE_HZ,
        channels=channels,
        max_synthesis_rate_hz=max_rate_hz,
    )


@settings(max_examples=20, deadline=None)
@given(start_s=st.floats(0.0, 1.4), pitch=st.integers(40, 90))
def test_a_note_sounds_at_its_sample_and_pitch(folder: Path, start_s: float, pitch: int) -> None:
    samples = render([Part(0, (Note(start_s, start_s + 0.5, pitch, 100),))], folder)[0]
    start = round(start_s * RATE_HZ)
    assert not samples[:start].any()
    assert samples[start : start + RATE_HZ // 100].any()
    held = samples[start + 2000 : start + 10_000] * np.hanning(8_000)
    peak_hz = np.argmax(np.abs(np.fft.rfft(held, 1 << 17))) * RATE_HZ / (1 << 17)
    assert peak_hz == pytest.approx(441 * 2 ** ((pitch - 69) / 12), rel=0.01)


def test_a_note_does_not_depend_on_those_before_it(folder: Path) -> None:
    low, high = Note(0.0, 0.3, 50, 100), Note(0.0, 0.3, 80, 100)
    alone = render([Part(0, (low,))], folder)
    render([Part(33, (high,))], folder)
    np.testing.assert_array_equal(render([Part(0, (low,))], folder), alone)
    together = render([Part(0, (low, high))], folder)
    np.testing.assert_allclose(together, alone + render([Part(0, (high,))], folder), atol=1e-6)


def test_velocity_gain_and_pan_are_heard(folder: Path) -> None:
    def rms(velocity: int = 100, gain_db: float = 0.0, pan: float = 0.0) -> np.ndarray:
        part = Part(0, (Note(0.0, 1.0, 69, velocity),), gain_db=gain_db, pan=pan)
        return np.sqrt(np.mean(render([part], folder, channels=2) ** 2, axis=1))

    assert rms(velocity=120)[0] > 1.9 * rms(velocity=50)[0]
    np.testing.assert_allclose(rms(gain_db=-6.02), rms() / 2, rtol=1e-3)
    left, right = rms(pan=-1.0)
    assert left == pytest.approx(np.sqrt(2) * rms()[0], rel=1e-3)
    assert right == pytest.approx(0.0, abs=1e-6)


def test_a_lower_rate_of_synthesis_sounds_alike(folder: Path) -> None:
    parts = [Part(0, (Note(0.2, 1.2, 60, 100), Note(0.7, 1.2, 64, 100)))]
    whole, lower = render(parts, folder)[0], render(parts, folder, max_rate_hz=11_025)[0]
    assert lower.shape == whole.shape
    assert np.corrcoef(whole, lower)[0, 1] > 0.99


@given(num_samples=st.integers(1, 60), length=st.integers(1, 200), fade=st.integers(0, 40))
def test_a_loop_is_as_long_as_asked_and_begins_as_the_file(num_samples: int, length: int, fade: int) -> None:
    samples = np.ones((1, num_samples), dtype=np.float32)
    result = looped(samples, length, fade=fade)
    assert result.shape == (1, length)
    assert ((result > 0.99) & (result < 1.42)).all()  # at most the sum of two equal signals at equal power


def test_what_is_missing_is_told_before_any_work(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "not.sf2").write_text("no RIFF")
    (tmp_path / "kit.sf2").write_bytes(tiny_soundfont((0,), bank=128))
    for config, message in (
        (Accompaniment(audio_folders=("nowhere",)), "nowhere: no such folder"),
        (Accompaniment(midi_folders=(str(folder / "audio"),)), r"no \.mid, \.midi file in it"),
        (Accompaniment(guitars=GuitarsConfig(guitars=("nowhere.sfz",))), r"nowhere\.sfz: cannot be read"),
        (Accompaniment(guitars=GuitarsConfig(amps=(str(folder / "audio"),))), r"no \.nam file in it"),
        (Accompaniment(soundfonts=(str(tmp_path / "not.sf2"),)), "cannot be read as a SoundFont"),
        (Accompaniment(soundfonts=(str(tmp_path / "kit.sf2"),)), "holds no melodic programs"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_accompaniment(config)


def test_a_missing_program_or_package_is_told_with_its_remedy(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="apt install mma"):
        check_accompaniment(only("mma", folder))
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    with pytest.raises(ConfigError, match="pip install --no-deps 'tinysoundfont"):
        check_accompaniment(Accompaniment(soundfonts=("other.sf2",)))


def test_broken_and_silent_files_are_passed_over_while_there_are_others(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF and no more")
    soundfile.write(tmp_path / "silent.wav", np.zeros(8_000), 8_000)
    config = Accompaniment(audio_folders=(str(tmp_path),))
    with pytest.raises(AudioError, match=r"broken\.wav|silent\.wav"):
        accompany(SONG, config, duration_s=1.0, rate_hz=RATE_HZ, seed=0)
    more = tmp_path / "more"
    more.mkdir()
    soundfile.write(more / "good.wav", 0.1 * np.random.default_rng(0).standard_normal(8_000), 8_000)
    both = Accompaniment(audio_folders=(str(tmp_path), str(more)))
    assert {accompany(SONG, both, duration_s=1.0, rate_hz=RATE_HZ, seed=seed)[1] for seed in range(6)} == {
        "audio: good.wav from 0.0 s"
    }
