"""A package that listens: in pieces as in one, in bounded memory, and without what the command line cannot afford."""

import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.audio.tiny_demucs import save_bag, save_safetensors, tiny_model
from tests.export.tiny import FEATURES, noise, tiny_network, write_package
from tests.transcription.test_imports import HEAVY

from drumline.audio.recording import Recording
from drumline.audio.separation.weights import VARIABLE
from drumline.core.errors import ConfigError, DrumlineError
from drumline.decoding.activations import Activations
from drumline.decoding.cache import RecordingActivations
from drumline.decoding.infer import read_network
from drumline.decoding.infer_onnx import OnnxNetwork
from drumline.decoding.model_package import NAME, WEIGHTS
from drumline.decoding.peak_picking import decode
from drumline.decoding.presets import load_preset
from drumline.decoding.second_pass import dense_passages
from drumline.features.logmel import LogMelConfig
from drumline.model.branches import PREDICTED
from drumline.transcription.doctor import examine
from drumline.transcription.engine import open_engine
from drumline.transcription.formats import json as our_json
from drumline.transcription.formats.registry import named
from drumline.transcription.sources import find_sources, open_recording


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32", "int8")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "song.flac"
    soundfile.write(path, noise(25.0), 22_050)
    return path


@pytest.mark.parametrize(("graph", "tolerance"), [("model.onnx", 1e-4), ("model.int8.onnx", 0.2)])
def test_pieces_say_what_one_pass_says(package: Path, graph: str, tolerance: float) -> None:
    samples = noise(25.0)
    found = []
    for chunk_s in (60.0, 7.0):
        network = OnnxNetwork(
            package / graph, features=FEATURES, classes=PREDICTED, margin_s=2.0, threads=1, chunk_s=chunk_s
        )
        found.append(list(network.infer(lambda start, stop: samples[start:stop], len(samples))))
    whole, pieces = found
    assert (len(whole), len(pieces)) == (1, 4)
    joined = np.concatenate([piece.probability for piece in pieces])
    assert joined.shape == whole[0].probability.shape == (FEATURES.grid.num_frames(len(samples)), len(PREDICTED))
    np.testing.assert_allclose(joined, whole[0].probability, atol=tolerance)
    if graph == "model.onnx":
        one, other = (decode(each, load_preset("default")) for each in found)
        assert len(one.events) > 50
        np.testing.assert_array_equal(one.events.label, other.events.label)
        np.testing.assert_allclose(one.events.time_s, other.events.time_s, atol=1e-5)


def test_the_fastest_graph_is_taken_unless_another_is_asked_for(package: Path) -> None:
    assert open_engine(str(package)).precision == "int8"
    assert open_engine(str(package), precision="float32", preset="aggressive").transcriber.preset == "aggressive"
    with pytest.raises(ConfigError, match="no graph in float16; has float32, int8"):
        open_engine(str(package), precision="float16")


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.3])
def test_scraps_are_heard(package: Path, seconds: float) -> None:
    with Recording([noise(seconds)]) as recording:
        open_engine(str(package)).detect(recording, lambda seconds: None)


PEAK = """
import resource, sys
import numpy as np
from drumline.audio.recording import Recording
from drumline.transcription.doctor import examine
from drumline.transcription.engine import open_engine
from drumline.transcription.formats import json as our_json
from drumline.transcription.sources import find_sources, open_recording
minute = np.random.default_rng(0).standard_normal(60 * 22_050).astype(np.float32)
engine = open_engine(sys.argv[1], threads=1)
with Recording(minute for _ in range(int(sys.argv[2]))) as recording:
    engine.detect(recording, lambda seconds: None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_mb(package: Path, minutes: int) -> float:
    run = subprocess.run(
        [sys.executable, "-c", PEAK, str(package), str(minutes)], check=True, capture_output=True, text=True
    )
    return int(run.stdout) / (1024 if sys.platform == "linux" else 1 << 20)


def test_memory_does_not_grow_with_the_recording(package: Path) -> None:
    short, long = peak_mb(package, 2), peak_mb(package, 20)
    assert long - short < 60  # 20 minutes of samples are 106 MB, their activations 20


def transcribe(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """In a fresh process that tells on standard error what it imported."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('IMPORTED', *sys.modules, file=sys.stderr))\n"
        "from drumline.cli import main\nmain()"
    )
    command = [sys.executable, "-c", code, "transcribe", *arguments]
    return subprocess.run(command, check=False, capture_output=True, input=stdin)


def test_the_command_writes_what_is_asked_for_and_imports_no_more(package: Path, song: Path, tmp_path: Path) -> None:
    run = transcribe(str(song), "--model", str(package), "--format", "midi,json,mid", "--output", str(tmp_path))
    told = run.stderr.decode()
    assert run.returncode == 0, told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.json", "song.mid", "song.notes.mid"]
    assert "song.flac (0:25): kick" in told
    imported = set(told.partition("IMPORTED")[2].split())
    assert not imported & {*HEAVY, "pyarrow", "pyloudnorm"}
    result = json.loads((tmp_path / "song.json").read_text())
    assert result["transcriber"] == {"model": "tiny", "version": "1.0", "preset": "default"}
    assert result["audio"]["rate_hz"] == 22_050
    assert {"time_s", "class", "velocity", "confidence", "branches"} <= result["hits"][0].keys()


def test_a_pipe_goes_on_through_a_pipe(package: Path, song: Path, tmp_path: Path) -> None:
    piped = transcribe("-", "--model", str(package), "--format", "csv", stdin=song.read_bytes())
    assert piped.returncode == 0
    assert transcribe(str(song), "--model", str(package), "-o", str(tmp_path / "song.csv")).returncode == 0
    assert piped.stdout == (tmp_path / "song.csv").read_bytes()


def test_one_bad_song_does_not_stop_the_others(package: Path, song: Path, tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"no audio")
    (tmp_path / "b.flac").write_bytes(song.read_bytes())
    run = transcribe(str(tmp_path / "*.flac"), "--model", str(package), "--quiet")
    assert run.returncode == 1
    assert b"a: audio_undecodable: a.flac" in run.stderr
    assert sorted(path.name for path in tmp_path.glob("*.mid")) == ["b.mid"]


def test_what_is_out_of_the_ordinary_in_a_recording_is_said(package: Path, song: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.flac").write_bytes(song.read_bytes()[: song.stat().st_size // 2])
    samples, rate_hz = soundfile.read(song, dtype="float32")
    soundfile.write(tmp_path / "inverted.flac", np.stack([samples, -samples], axis=1), rate_hz)
    run = transcribe(str(tmp_path / "*.flac"), "--model", str(package), "--quiet", "--format", "json")
    assert run.returncode == 0, run.stderr.decode()
    assert b"cut.flac: warning: truncated: FLAC data stops or breaks after 1" in run.stderr
    assert b"inverted.flac: warning: the channels cancel in their mean: difference is transcribed" in run.stderr
    cut, inverted = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("cut", "inverted"))
    assert cut["audio"]["truncated"] is True
    assert "truncated" not in inverted["audio"]
    assert inverted["audio"]["downmix"] == "difference"
    assert len(inverted["hits"]) > 10
    for name in ("cut", "inverted"):
        found = our_json.read((tmp_path / f"{name}.json").read_bytes(), name)
        assert named("json").write(found) == (tmp_path / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.ogg"], "no.ogg: no such file"),
        (["SONG", "--format", "wav"], "format 'wav' is not one of"),
        (["SONG", "SONG2", "-o", "x.mid"], "takes one song in one format"),
        (["SONG", "SONG2", "-o", "out"], "two songs would be written to out/song.mid"),
        (["SONG", "--preset", "loud"], "preset 'loud' is not one of"),
        (["SONG", "--tempo", "9000"], "9000 bpm is outside"),
    ],
)
def test_mistakes_are_told_before_any_work(
    arguments: list[str], message: str, package: Path, song: Path, tmp_path: Path
) -> None:
    other = tmp_path / "song.flac"
    other.write_bytes(song.read_bytes())
    told = {"SONG": str(song), "SONG2": str(other)}
    run = transcribe(*(told.get(each, each) for each in arguments), "--model", str(package))
    assert run.returncode == 2
    assert message in run.stderr.decode()


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_drums_are_taken_out_where_there_is_a_separator(
    package: Path, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_safetensors(tiny_model(seed=0), tmp_path, "tiny")
    save_bag(tmp_path, "htdemucs", ["tiny"])
    (source,) = find_sources([str(song)], "separate")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    recording, audio = open_recording(source, "separate")
    with recording:
        assert audio.duration_s == pytest.approx(25.0)
        assert recording.read(0, 22_050).std() > 0
    run = transcribe(str(song), "--model", str(package), "--stem", "separate")  # in a process that is told nothing else
    assert run.returncode == 0
    monkeypatch.delenv(VARIABLE)
    run = transcribe(str(song), "--model", str(package), "--stem", "separate")
    assert run.returncode == 1
    assert VARIABLE.encode() in run.stderr


def test_a_song_folder_gives_its_drums_or_everything(song: Path, tmp_path: Path) -> None:
    for name in ("song.flac", "drums.flac", "preview.flac"):
        (tmp_path / name).write_bytes(song.read_bytes())
    (drums,), (everything,) = (find_sources([str(tmp_path)], stem) for stem in ("auto", "mix"))
    assert [path.name for path in drums.files] == ["drums.flac"]
    assert [path.name for path in everything.files] == ["song.flac", "drums.flac"]
    recording, _ = open_recording(everything, "mix")
    with recording:
        assert recording.num_samples == 25 * 22_050


def test_the_doctor_says_what_there_is_and_how_to_get_the_rest(package: Path, tmp_path: Path) -> None:
    found = {finding.what: finding for finding in examine(str(package))}
    assert found["model"].detail == f"tiny 1.0 (float32, int8), preset default: {package}"
    assert {finding.state for finding in found.values()} <= {"ok", "absent"}
    assert next(each for each in examine(str(tmp_path)) if each.what == "model").state == "missing"


def test_torch_hears_many_recordings_together_as_the_graph_hears_each_alone(package: Path) -> None:
    songs = {number: noise(seconds, number) for number, seconds in enumerate((25.0, 0.3, 61.0, 25.0, 44.5))}
    alone = open_engine(str(package), precision="float32")
    batched = open_engine(str(package), runtime="torch", threads=1, together=3)
    assert alone.key("a" * 64) != batched.key("a" * 64) != open_engine(str(package)).key("a" * 64)
    with ExitStack() as stack:
        recordings = {number: stack.enter_context(Recording([samples])) for number, samples in songs.items()}
        for threads in (0, 2):
            found = dict(batched.network.infer_batched(recordings.items(), threads=threads))
            assert found.keys() == recordings.keys()
            for number, recording in recordings.items():
                told = found[number].rounded()
                for same, tolerance in ((batched, 0.0), (alone, 0.001)):
                    expected = Activations.joined(list(same.infer(recording)))
                    np.testing.assert_allclose(told.probability, expected.probability, atol=tolerance)
                    one, other = (
                        same.decode(RecordingActivations.of(each, recording), same.decoding)[0].events
                        for each in (told, expected)
                    )
                    np.testing.assert_array_equal(one.label, other.label)
                    np.testing.assert_allclose(one.time_s, other.time_s, atol=10 * tolerance)  # a plateau's next frame


def test_weights_that_are_not_there_or_damaged_are_told(package: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(package, tmp_path / "copy")
    (copy / WEIGHTS).write_bytes(b"PK")
    with pytest.raises(DrumlineError, match=r"weights\.npz: not the weights of this network"):
        read_network(tiny_network().config, copy / WEIGHTS, device="cpu")
    told = json.loads((copy / NAME).read_text())
    del told["files"][WEIGHTS]
    (copy / NAME).write_text(json.dumps(told))
    with pytest.raises(ConfigError, match=r"has no weights\.npz, so it cannot run on torch"):
        open_engine(str(copy), runtime="torch")


def test_a_micro_model_reads_dense_passages_again(tmp_path: Path) -> None:
    micro = LogMelConfig(hop=64, n_fft=512)
    write_package(tmp_path / "fine-1.0", "float32", features=micro)
    folder = write_package(tmp_path / "tiny-1.0", "float32", micro="fine-1.0")
    plain, twice = open_engine(str(folder), preset="default"), open_engine(str(folder), preset="micro")
    assert (plain.micro, twice.micro.package.features.hop) == (None, 64)
    with Recording([noise(25.0)]) as recording:
        first = plain.detect(recording, lambda seconds: None)
        passages = dense_passages(first.events, twice.decoding.micro, duration_s=recording.duration_s)
        assert 0 < sum(passage.end_s - passage.start_s for passage in passages) < 25.0
        both = twice.detect(recording, lambda seconds: None)
    again = np.any([(both.events.time_s >= p.start_s) & (both.events.time_s < p.end_s) for p in passages], axis=0)
    for name, values in vars(first.events).items():  # without the passages nothing has changed
        outside = np.all([(first.events.time_s < p.start_s) | (first.events.time_s >= p.end_s) for p in passages], 0)
        np.testing.assert_array_equal(getattr(both.events, name)[~again], values[outside])
    assert again.any()
    assert np.all(np.diff(both.events.time_s) >= 0)


def test_without_a_micro_model_its_preset_is_refused(package: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"names none \(no micro model is released yet\); take another preset"):
        open_engine(str(package), preset="micro")
    folder = write_package(tmp_path / "tiny-1.0", "float32", micro="fine-1.0")
    with pytest.raises(ConfigError, match=r"fine-1\.0: no model package there"):
        open_engine(str(folder), preset="micro")
