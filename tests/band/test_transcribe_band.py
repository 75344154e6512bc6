"""`drumline transcribe --all`: stems of a folder, or of a separator, to a ZIP of MIDI files in time with each other."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile
import symusic
from click.testing import CliRunner, Result
from tests.audio.tiny_demucs import save_bag, save_safetensors, tiny_model
from tests.band.test_note_creation import melody, played

from drumline.audio.separation.weights import VARIABLE
from drumline.cli import main
from drumline.core.grid import RATE_HZ

SECONDS = 15


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A song folder: drums at 120 bpm, bass, guitar, and keys that hardly sound."""
    folder = tmp_path_factory.mktemp("songs") / "song"
    folder.mkdir()
    random = np.random.default_rng(0)
    drums = np.zeros(SECONDS * RATE_HZ, np.float32)
    for beat in range(4, 2 * SECONDS - 2):
        start, decay = beat * RATE_HZ // 2, np.exp(-np.arange(RATE_HZ // 8) / 600)
        times_s = np.arange(len(decay)) / RATE_HZ
        sound = np.sin(2 * np.pi * 60 * times_s) if beat % 2 == 0 else random.standard_normal(len(decay))
        drums[start : start + len(decay)] += 0.5 * decay * sound
    soundfile.write(folder / "drums.flac", drums, RATE_HZ)
    for name, pitches, voices in (("bass", range(28, 48), 1), ("guitar", range(50, 76), 3)):
        with played(melody(pitches, voices=voices, seed=voices)) as recording:
            samples = recording.read(0, recording.num_samples)
        soundfile.write(folder / f"{name}.flac", 0.3 * samples / np.abs(samples).max(), RATE_HZ)
    soundfile.write(folder / "keys.flac", 1e-4 * random.standard_normal(SECONDS * RATE_HZ), RATE_HZ)
    return folder


def transcribe(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["transcribe", "--all", "--heuristic", *map(str, arguments)])


def test_each_stem_of_a_folder_becomes_a_part_in_time(song: Path, tmp_path: Path) -> None:
    result = transcribe(song, "-o", f"{tmp_path}/", "--bends")
    assert result.exit_code == 0, result.output
    archive = zipfile.ZipFile(tmp_path / "song.zip")
    assert set(archive.namelist()) == {"drums.mid", "bass.mid", "guitar.mid", "all.mid", "manifest.json"}
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["silent"] == ["keys"]
    assert {part["instrument"] for part in manifest["parts"]} == {"drums", "bass", "guitar"}
    everything = pretty_midi.PrettyMIDI(io.BytesIO(archive.read("all.mid")))
    by_name = {each.name: each for each in everything.instruments}
    assert by_name["Drums"].is_drum
    assert (by_name["Bass"].program, by_name["Guitar"].program) == (33, 27)
    assert manifest["tempo_bpm"] == pytest.approx(120, abs=2)  # the heuristic times clicks by frames
    for part in manifest["parts"]:
        alone = pretty_midi.PrettyMIDI(io.BytesIO(archive.read(part["file"])))
        (instrument,) = alone.instruments
        together = by_name[instrument.name]
        assert [note.start for note in instrument.notes] == [note.start for note in together.notes]
        assert len(instrument.notes) == part["num_notes"]
        np.testing.assert_array_equal(alone.get_tempo_changes()[1], everything.get_tempo_changes()[1])
        score = symusic.Score.from_midi(archive.read(part["file"]))
        assert sum(len(track.notes) for track in score.tracks) == part["num_notes"]
        assert all(note.duration > 0 for track in score.tracks for note in track.notes)
    bass = melody(range(28, 48), voices=1, seed=1)
    onsets = np.array([note.start for note in by_name["Bass"].notes])
    assert np.median([np.abs(onsets - start_s).min() for start_s in bass.start_s]) < 0.02


def test_the_same_song_gives_the_same_bytes_and_a_persons_file_stays(song: Path, tmp_path: Path) -> None:
    archives = []
    for _ in range(2):
        assert transcribe(song, "-o", f"{tmp_path}/").exit_code == 0  # our own file is written again
        archives.append((tmp_path / "song.zip").read_bytes())
    assert archives[0] == archives[1]
    (tmp_path / "song.zip").write_bytes(b"a person's")
    refused = transcribe(song, "-o", f"{tmp_path}/")
    assert refused.exit_code == 2
    assert (tmp_path / "song.zip").read_bytes() == b"a person's"


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_file_is_separated_first(song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    save_safetensors(tiny_model(seed=0), weights, "tiny")
    save_bag(weights, "htdemucs", ["tiny"])
    monkeypatch.setenv(VARIABLE, str(weights))
    result = transcribe(song / "guitar.flac", "-o", f"{tmp_path}/")
    assert result.exit_code == 0, result.output
    assert "separating 1 min of audio" in result.stderr
    manifest = json.loads(zipfile.ZipFile(tmp_path / "guitar.zip").read("manifest.json"))
    files = {part["file"] for part in manifest["parts"]}
    assert files <= {"drums.mid", "bass.mid", "other.mid", "vocals.mid"}
    monkeypatch.delenv(VARIABLE)
    refused = transcribe(song / "guitar.flac", "-o", f"{tmp_path}/", "--overwrite")
    assert refused.exit_code == 1
    assert VARIABLE in refused.stderr


def test_all_takes_no_other_format(song: Path) -> None:
    refused = transcribe(song, "--format", "midi")
    assert refused.exit_code == 2
    assert "--all takes neither" in refused.stderr


def test_all_works_on_files_not_pipes(song: Path) -> None:
    for arguments in (("-",), (str(song), "-o", "-")):
        refused = transcribe(*arguments)
        assert refused.exit_code == 2
        assert "not through a pipe" in refused.stderr


def test_two_songs_of_one_name_are_refused_as_elsewhere(song: Path, tmp_path: Path) -> None:
    shutil.copytree(song, tmp_path / "other" / "song")
    refused = transcribe(song, tmp_path / "other" / "song", "-o", f"{tmp_path}/out/")
    assert refused.exit_code == 2
    assert "two songs would be written to" in refused.stderr


def test_the_name_of_the_format_is_the_option(song: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["transcribe", "--heuristic", "--format", "band", str(song), "-o", f"{tmp_path}/"]
    )
    assert result.exit_code == 0, result.output
    assert "bass.mid" in zipfile.ZipFile(tmp_path / "song.zip").namelist()
