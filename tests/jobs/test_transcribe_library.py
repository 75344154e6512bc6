"""The library job: the hits of the command line, one bad file one row, nothing heard twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from tests.audio.tiny_demucs import save_bag, save_safetensors, tiny_model
from tests.export.tiny import write_package
from tests.jobs.conftest import ROOT, run_command, stop
from tests.jobs.libraries import NAMES, REJECTED, SONGS, config_for, content, write_library

from drumline.audio.separation.weights import VARIABLE
from drumline.cli import main
from drumline.core.config import parse_config
from drumline.core.errors import ConfigError, DrumlineError
from drumline.evaluation.predictions import find_predictions
from drumline.runtime.config import RayConfig
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_actors
from drumline.runtime.session import session
from drumline.transcription.formats import json as our_json
from drumline.transcription.library.config import LibraryConfig
from drumline.transcription.library.run import plan, transcribe_library
from drumline.transcription.library.songs import LibrarySong, find_library
from drumline.transcription.library.step import TranscribeSongs

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32", "int8")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def killed(library: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves that was killed after two songs."""
    folder = tmp_path_factory.mktemp("killed")
    config = config_for(library, folder / "output", package, workers={"num_workers": 1, "songs_a_call": 1})
    (folder / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = [sys.executable, "jobs/transcribe_library.py", str(folder / "config.yaml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "library"}, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 240
        while len(list(folder.glob("output/_work/songs/*/*.parquet"))) < 2:
            assert time.monotonic() < deadline
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.01)
    finally:
        stop(process)
    return folder / "output"


@pytest.fixture(scope="module", autouse=True)
def ray_session(killed: Path) -> Iterator[None]:
    """One Ray for all that runs in this process, once the other is gone."""
    with session(RayConfig(address="local", num_cpus=2)):
        yield


@pytest.fixture(scope="module")
def done(library: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that was transcribed in one go."""
    output = tmp_path_factory.mktemp("done") / "output"
    result = transcribe_library(config_for(library, output, package, node_price_an_hour=3.6))
    assert (result.songs, result.rejected) == (6, {"audio_undecodable": 1})
    assert (result.summary.songs, result.summary.cached, result.summary.rejected) == (6, 0, 1)
    assert result.summary.hours * 3600 == pytest.approx(sum(SONGS.values()), abs=0.5)
    assert result.summary.cost_of_1000 == pytest.approx(result.summary.wall_s / 6)  # 3.6 an hour, 0.001 a second
    told = json.loads(Path(result.report).read_text())
    assert told["about"]["summary"]["songs_an_hour"] == pytest.approx(result.summary.songs_an_hour, abs=1e-3)
    return output


def test_every_song_has_its_results_and_every_bad_file_its_row(done: Path) -> None:
    table = pq.read_table(done / "transcriptions.parquet")
    assert table["key"].to_pylist() == sorted(SONGS)
    rejected = pq.read_table(done / "rejected.parquet").to_pylist()
    assert {row["key"]: row["reason"] for row in rejected} == REJECTED
    results = [f"songs/{name}.{ending}" for name in NAMES.values() for ending in ("json", "mid")]
    assert sorted(content(done)) == sorted(["rejected.parquet", "transcriptions.parquet", *results])
    for row in table.to_pylist():
        told = our_json.read((done / "songs" / f"{NAMES[row['key']]}.json").read_bytes(), row["key"])
        assert [hit.time_s for hit in told.hits] == [hit["time_s"] for hit in row["hits"]]
        assert row["num_hits"] == len(told.hits) > 10
        assert row["duration_s"] == pytest.approx(SONGS[row["key"]], abs=0.4)
        assert row["truncated"] == told.audio.truncated == (row["key"] == "cut.flac")
    assert len(find_predictions(str(done / "transcriptions.parquet"), "")["three.mp3"].read()) > 10


def test_the_command_line_finds_the_same_hits(done: Path, library: Path, package: Path, tmp_path: Path) -> None:
    songs = [library / key for key in ("a/one.flac", "a/two.wav", "three.mp3", "cut.flac")]
    run = run_command("drumline", "transcribe", *songs, "--model", package, "--format", "json", "--output", tmp_path)
    assert run.returncode == 0, run.stderr
    for name in ("a/one", "a/two", "three", "cut"):
        expected = (tmp_path / f"{name.rpartition('/')[2]}.json").read_bytes()
        assert (done / "songs" / f"{name}.json").read_bytes() == expected


def test_another_preset_reads_the_cache_and_a_fresh_run_says_the_same(
    done: Path, library: Path, package: Path, tmp_path: Path
) -> None:
    shared = {"preset": "aggressive", "cache": {"uri": str(done / "_work" / "cache")}}
    cached = transcribe_library(config_for(library, tmp_path / "cached", package, **shared))
    assert (cached.summary.songs, cached.summary.cached, cached.rejected) == (6, 6, {"audio_undecodable": 1})
    alone = {"preset": "aggressive", "cache": {"max_gb": 0}, "workers": {"songs_a_call": 2, "readers": 2}}
    fresh = transcribe_library(config_for(library, tmp_path / "fresh", package, **alone))
    assert fresh.summary.cached == 0
    assert content(tmp_path / "fresh") == content(tmp_path / "cached")
    assert not (tmp_path / "fresh" / "_work" / "cache").exists()


def test_a_killed_run_goes_on_and_ends_as_an_unbroken_one(
    killed: Path, done: Path, library: Path, package: Path
) -> None:
    finished = {product: product.stat().st_mtime_ns for product in killed.glob("_work/songs/*/*.parquet")}
    assert 2 <= len(finished) < 6
    assert not (killed / "transcriptions.parquet").exists()
    resumed = transcribe_library(config_for(library, killed, package))
    assert resumed.summary.songs <= 6 - len(finished)
    assert {product: product.stat().st_mtime_ns for product in finished} == finished
    assert content(killed) == content(done)
    assert not (killed / "_attempts").exists()


def test_a_second_run_does_nothing_and_says_the_same(done: Path, library: Path, package: Path) -> None:
    before = content(done)
    again = transcribe_library(config_for(library, done, package))
    assert (again.summary.songs, again.songs) == (0, 6)
    assert content(done) == before


def test_a_song_that_ends_its_worker_costs_one_row(library: Path, package: Path, tmp_path: Path) -> None:
    config = config_for(library, tmp_path, package, workers={"num_workers": 1})
    songs, store = plan(config)
    poison = songs[2].key

    class Poisoned(TranscribeSongs):
        def _open(self, song: LibrarySong) -> Any:
            if song.key == poison:
                os.kill(os.getpid(), signal.SIGSEGV)
            return super()._open(song)

    ledger = Ledger(str(tmp_path / "attempts"), timeout_s=60, max_attempts=1)
    rows = [song.to_json() for song in songs]
    found = map_actors(
        rows, Poisoned, arguments=(config, store, ledger), ledger=ledger,
        num_actors=1, num_cpus=1, num_gpus=0, rows_a_call=4,
    )  # fmt: skip
    reasons = {outcome["key"]: outcome["reason"] for outcome in found}
    assert reasons == {song.key: REJECTED.get(song.key, "") for song in songs} | {poison: "worker_crashed"}
    assert not list((tmp_path / "attempts").glob("*.part"))


def test_folders_of_stems_are_songs(library: Path, package: Path, tmp_path: Path) -> None:
    one = (library / "a/one.flac").read_bytes()
    for name in ("x/song.flac", "x/drums.flac", "y/guitar.flac", "y/song.flac", "y/preview.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(one)
    found = {}
    for stem in ("auto", "mix"):
        config = config_for(tmp_path, tmp_path / "out", package, songs="folders", stem=stem)
        found[stem] = {song.key: song.files for song in find_library(config)}
    assert found["auto"] == {"x": ("x/drums.flac",), "y": ("y/song.flac", "y/guitar.flac")}
    assert found["mix"]["x"] == ("x/song.flac", "x/drums.flac")


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_drums_are_taken_out_of_mixes_as_on_the_command_line(
    library: Path, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "songs").mkdir()
    for name in ("one.flac", "one.ogg"):
        (tmp_path / "songs" / name).write_bytes((library / "b" / name).read_bytes())
    monkeypatch.delenv(VARIABLE, raising=False)
    config = config_for(tmp_path / "songs", tmp_path / "mix", package, formats=["json"])
    separate = config.model_copy(update={"stem": "separate", "output": str(tmp_path / "drums")})
    with pytest.raises(DrumlineError, match=VARIABLE):  # before any song is listened to
        transcribe_library(separate)
    assert not (tmp_path / "drums" / "songs").exists()

    weights = tmp_path / "weights"
    weights.mkdir()
    save_safetensors(tiny_model(seed=0), weights, "tiny")
    save_bag(weights, "htdemucs", ["tiny"])
    monkeypatch.setenv(VARIABLE, str(weights))
    cache = config.cache.model_copy(
        update={"uri": str(tmp_path / "cache")}
    )  # both ways of hearing a song, in one cache
    plain, drums = (transcribe_library(each.model_copy(update={"cache": cache})) for each in (config, separate))
    assert (plain.songs, drums.songs, drums.summary.cached) == (2, 2, 0)
    told = content(tmp_path / "drums" / "songs")
    assert told != content(tmp_path / "mix" / "songs")
    stems = {path: path.stat().st_mtime_ns for path in tmp_path.glob("drums/_work/stems/*/*/drums.flac")}
    assert len(stems) == 2
    for song in ("one.flac", "one.ogg"):
        run = run_command(
            *("drumline", "transcribe", tmp_path / "songs" / song, "--model", package, "--stem", "separate"),
            *("--format", "json", "--output", tmp_path / f"{song}.json"),
        )
        assert run.returncode == 0, run.stderr
        assert told[f"{song}.json"] == (tmp_path / f"{song}.json").read_bytes()

    other = separate.model_copy(update={"precision": "float32", "cache": cache})  # another graph, the same stems
    assert transcribe_library(other).summary.cached == 0
    assert {path: path.stat().st_mtime_ns for path in stems} == stems


def test_mistakes_are_told_before_any_work(library: Path, package: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="library: no audio below"):
        plan(config_for(tmp_path, tmp_path / "out", package))
    with pytest.raises(ConfigError, match=r"library: .*nowhere: cannot be listed"):
        plan(config_for(tmp_path / "nowhere", tmp_path / "out", package))
    with pytest.raises(ConfigError, match="preset 'loud' is not one of"):
        plan(config_for(library, tmp_path / "out", package, preset="loud"))
    with pytest.raises(ConfigError, match="format 'wav' is not one of"):
        parse_config(LibraryConfig, {"library": "a", "output": "b", "formats": ["wav"]}, "test")


def test_a_dry_run_counts(done: Path, library: Path, package: Path, tmp_path: Path) -> None:
    file = tmp_path / "library.yaml"
    file.write_text(config_for(library, done, package).model_dump_json())
    told = CliRunner().invoke(main, ["transcribe-library", str(file), "--dry-run"])
    assert told.exit_code == 0
    assert f"7 songs below {library}; 7 of them are finished in {done}" in told.stdout


def test_real_recordings_have_the_same_hits_from_the_command_line_and_the_job(
    corpus: Path, package: Path, tmp_path: Path
) -> None:
    songs = sorted((corpus / "mdb").glob("*.flac"))
    run = run_command(
        "drumline", "transcribe", *songs, "--model", package, "--format", "json", "--output", tmp_path / "command"
    )
    assert run.returncode == 0, run.stderr
    result = transcribe_library(config_for(corpus / "mdb", tmp_path / "job", package, formats=["json"]))
    assert (result.songs, result.rejected) == (len(songs), {})
    told = content(tmp_path / "job" / "songs")
    assert told == content(tmp_path / "command")
    assert all(len(our_json.read(data, name).hits) > 20 for name, data in told.items())


def test_a_persons_files_below_the_output_stop_a_run_before_any_work(
    library: Path, package: Path, tmp_path: Path
) -> None:
    (tmp_path / "songs" / "a").mkdir(parents=True)
    (tmp_path / "songs" / "a" / "one.mid").write_bytes(b"MThd by hand")
    config = config_for(library, tmp_path, package)
    with pytest.raises(ConfigError, match=r"a/one\.mid: not replaced.*run\.overwrite=true"):
        transcribe_library(config)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["one.mid"]
    (tmp_path / "songs" / "a" / "one.mid").unlink()
    pq.write_table(pa.table({"key": ["a"], "survivor": ["b"]}), tmp_path / "rejected.parquet")  # a dataset's
    with pytest.raises(ConfigError, match=r"rejected\.parquet: not replaced"):
        transcribe_library(config)
