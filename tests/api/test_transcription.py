"""The Python API of transcribing: files as arrays, what is saved, what is refused, and what is imported."""

import os
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

import drumline
from drumline.charts.provenance import is_unchanged
from drumline.core.errors import ConfigError
from drumline.transcription.ownership import ForeignFileError

RATE_HZ = 44_100
CODE = "import sys, drumline; {}; print(*sys.modules)"


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Bursts of noise twice a second, in two channels."""
    mono = np.zeros(4 * RATE_HZ)
    burst = 0.4 * np.random.default_rng(0).standard_normal(8_000) * np.exp(-np.arange(8_000) / 1_500)
    for start in range(RATE_HZ // 2, len(mono) - 8_000, RATE_HZ // 2):
        mono[start : start + 8_000] = burst
    return np.stack([mono, 0.5 * mono], axis=1)


@pytest.fixture(scope="module")
def model() -> drumline.Model:
    return drumline.load_model()


def loaded(code: str) -> set[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(drumline.__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(code)], check=True, capture_output=True, text=True, env=environment
    )
    return set(run.stdout.split())


def test_the_package_imports_nothing_until_it_is_used() -> None:
    assert not {name for name in loaded("drumline.__version__") if name.startswith(("drumline.", "numpy"))}
    assert set(dir(drumline)) >= set(drumline.__all__)
    assert all(getattr(drumline, name) is not None for name in drumline.__all__)
    with pytest.raises(AttributeError, match="no attribute 'transcibe'"):
        _ = drumline.transcibe  # type: ignore[attr-defined]


def test_transcribing_and_charts_need_neither_torch_nor_ray_nor_pyarrow() -> None:
    heavy = {"torch", "ray", "pyarrow", "pandas", "matplotlib", "librosa"}
    assert not heavy & loaded("drumline.transcribe, drumline.load_model, drumline.read_chart, drumline.Hits")


def test_a_file_and_its_samples_give_the_same_hits(samples: np.ndarray, model: drumline.Model, tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    of_file, of_array = model.transcribe(path), model.transcribe(samples, RATE_HZ)
    assert len(of_file.hits) >= 6
    np.testing.assert_array_equal(of_file.hits.label, of_array.hits.label)
    np.testing.assert_allclose(of_file.hits.time_s, of_array.hits.time_s, atol=1e-4)
    assert of_array.duration_s == pytest.approx(4.0, abs=1e-3)


def test_hits_become_a_data_frame(samples: np.ndarray, model: drumline.Model) -> None:
    pytest.importorskip("pandas")
    hits = model.transcribe(samples, RATE_HZ).hits
    frame = hits.to_pandas()
    assert list(frame.columns) == ["time_s", "label", "velocity", "confidence"]
    assert frame["label"].tolist() == hits.label.tolist()


def test_what_is_saved_is_marked_and_read_again(samples: np.ndarray, model: drumline.Model, tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, samples, RATE_HZ)
    song = model.transcribe(path, tempo_bpm=120.0)
    for name in ("a.mid", "a.json", "a.csv", "a.jams", "a.txt", "a.chart", "a.bsm", "notes.mid"):
        assert is_unchanged(song.save(tmp_path / name).read_bytes()), name
    for name in ("a.mid", "a.chart", "a.bsm", "notes.mid"):
        distances_s = np.abs(drumline.read_chart(tmp_path / name).hits.time_s[:, np.newaxis] - song.hits.time_s)
        assert max(distances_s.min(axis=0).max(), distances_s.min(axis=1).max()) < 1.5e-3, name
    notes = [each for track in song.to_midi().tracks for each in track if each.type == "note_on"]
    assert isinstance(song.to_midi(), mido.MidiFile)
    assert len(notes) == len(song.hits)
    song.save(tmp_path / "game", format="folder")
    assert len(drumline.read_chart(tmp_path / "game").hits) == len(song.hits)


def test_a_persons_file_stays(model: drumline.Model, tmp_path: Path) -> None:
    song = model.transcribe(np.zeros(RATE_HZ), RATE_HZ)
    path = tmp_path / "song.mid"
    path.write_bytes(b"my own take")
    with pytest.raises(ForeignFileError, match=r"song\.mid: not replaced.*set overwrite=True"):
        song.save(path)
    assert path.read_bytes() == b"my own take"
    assert is_unchanged(song.save(path, overwrite=True).read_bytes())
    song.save(path)  # our own is written again
    with pytest.raises(ConfigError, match="no format has such an ending"):
        song.save(tmp_path / "song.docx")
    with pytest.raises(ValueError, match="needs the song's audio"):
        song.save(tmp_path / "game", format="folder")


@pytest.mark.parametrize(
    ("values", "rate", "message"),
    [
        (np.zeros(9), None, "an array needs a whole number of Hz"),
        (np.zeros(9), 100, "an array needs a whole number of Hz"),
        (np.zeros((2, 900)), 44_100, "channels last"),
        (np.zeros(9, np.int16), 44_100, "int16"),
        (np.full(9, np.nan), 44_100, "finite"),
        ("song.wav", 44_100, "a file states its own"),
    ],
)
def test_what_cannot_be_meant_is_refused(model: drumline.Model, values: object, rate: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.transcribe(values, rate)  # type: ignore[arg-type]


def test_what_is_not_there_is_refused(model: drumline.Model, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.wav"):
        model.transcribe(tmp_path / "nothing.wav")
    with pytest.raises(ConfigError, match="no model package there"):
        drumline.load_model("nothing")
