"""The build end to end on real Ray: the right songs, the right offsets, the same bytes whatever happens."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tests.dataset.conftest import ConfigMaker

from drumline.audio.loudness import amplify, decode_flac, integrated_lufs
from drumline.core.errors import ConfigError, DrumlineError, Rejected
from drumline.dataset.build import BuildResult, build, describe_plan, plan
from drumline.dataset.config import BuildConfig
from drumline.dataset.manifest import read_manifest
from drumline.dataset.products import ProductStore
from drumline.dataset.sources import SongSource
from drumline.dataset.stems import Stems
from drumline.dataset.steps import OUTCOME, SongStep
from drumline.dataset.verify import verify
from drumline.rendering.demo_library import SONGS
from drumline.runtime.config import RayConfig
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_rows
from drumline.runtime.session import session

pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]


def content(output: str | Path) -> dict[str, bytes]:
    """Every byte of a dataset, without the work and the run reports beside it."""
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in Path(output).rglob("*")
        if path.is_file() and not path.relative_to(output).parts[0].startswith("_")
    }


def number_of(key: str) -> int:
    return int(key.split("/")[1].split()[0]) - 1


def test_each_demo_song_is_kept_or_rejected_as_intended(dataset: BuildResult) -> None:
    rejected = pq.read_table(f"{dataset.output}/rejected.parquet").to_pylist()
    kept = pq.read_table(f"{dataset.output}/songs.parquet").to_pylist()
    outcomes = {number_of(row["key"]): row["reason"] for row in rejected} | {number_of(row["key"]): "" for row in kept}
    assert {n: outcomes[n] for n in sorted(outcomes)} == {n: song.rejected for n, song in enumerate(SONGS)}
    assert all(row["detail"] for row in rejected)
    assert {row["survivor"] for row in rejected if row["reason"].startswith("duplicate")} <= {
        row["key"] for row in kept
    }


def test_offsets_drift_and_audio_layouts_are_found(dataset: BuildResult) -> None:
    rows = pq.read_table(f"{dataset.output}/songs.parquet").to_pylist()
    # A mix with its drums in it lies where they lie.
    assert len({row["song_id"] for row in rows}) == len({(row["song_id"], row["offset_s"]) for row in rows}) < len(rows)
    for row in rows:
        song = SONGS[number_of(row["key"])]
        assert row["drift_ppm"] == pytest.approx(song.drift * 1e6, abs=40)
        if not song.drift:
            assert row["offset_s"] == pytest.approx(song.offset_s, abs=0.003), row["key"]
        assert row["residual_ms"] < 10
        assert row["domain"] in ({"mix"} if song.layout == "mix" else {song.layout, "mix"})


def test_shards_hold_levelled_audio_with_labels_where_the_hits_are(dataset: BuildResult) -> None:
    manifest = read_manifest(dataset.output)
    rows = [row for path in manifest.shards() for row in pq.read_table(f"{dataset.output}/{path}").to_pylist()]
    assert len(rows) == dataset.counts.recordings
    for row in rows:
        samples = amplify(decode_flac(row["audio_flac"]), row["headroom_db"])
        assert len(samples) == row["num_samples"]
        assert integrated_lufs(samples) == pytest.approx(-14, abs=0.2)
        for hop in (128, 64):
            assert len(row[f"kick_presence_{hop}"]) == row[f"num_frames_{hop}"] == len(samples) // hop + 1
        kicks = {hit["frame_128"] for hit in row["hits"] if hit["label"] == "kick"}
        assert set(np.flatnonzero(np.array(row["kick_presence_128"]) == 1)) == kicks


def test_verify_finds_it_sound_and_finds_what_is_not(dataset: BuildResult, tmp_path: Path) -> None:
    assert verify(dataset.output)[1] == []
    copy = tmp_path / "copy"
    shutil.copytree(dataset.output, copy, ignore=shutil.ignore_patterns("_*"))
    shard = next((copy / "shards").iterdir())
    (copy / "shards" / "stray.parquet").write_bytes(shard.read_bytes())
    assert "not in the manifest" in str(verify(str(copy))[1])
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    (copy / "songs.parquet").unlink()
    problems = "\n".join(map(str, verify(str(copy))[1]))
    assert f"{shard.name}: its SHA-256 differs" in problems
    assert "songs.parquet: is missing" in problems


def test_a_killed_build_resumes_and_ends_in_the_same_bytes(
    dataset: BuildResult, config_for: ConfigMaker, tmp_path: Path
) -> None:
    config = config_for(tmp_path / "set")
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    products = tmp_path / "set" / "_work" / "songs"
    driver = subprocess.Popen(
        [sys.executable, str(ROOT / "jobs" / "build_dataset.py"), str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "library")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(list(products.rglob("*.parquet"))) < 8 and time.monotonic() < deadline:
        assert driver.poll() is None
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    assert not (tmp_path / "set" / "manifest.json").exists()
    result = build(config)
    assert content(result.output) == content(dataset.output)
    assert json.loads(Path(result.report).read_text())["songs_reused"] >= 8
    assert not list((tmp_path / "set").rglob("*.part"))


def test_workers_and_listing_order_do_not_change_a_byte(
    dataset: BuildResult, config_for: ConfigMaker, library: Path, tmp_path: Path
) -> None:
    reversed_library = tmp_path / "library"
    for folder in sorted(library.iterdir(), reverse=True):  # directories list in order of creation, or by hash
        shutil.copytree(folder, reversed_library / folder.name)
    run = {"ray": {"address": "local", "num_cpus": 1}}
    result = build(config_for(tmp_path / "set", roots=[{"uri": str(reversed_library)}], run=run))
    assert content(result.output) == content(dataset.output)


def test_more_songs_later_move_no_song_and_redo_none(config_for: ConfigMaker, library: Path, tmp_path: Path) -> None:
    grown = tmp_path / "library"
    folders = sorted(library.iterdir())
    for folder in folders[:6]:
        shutil.copytree(folder, grown / folder.name)
    config = config_for(tmp_path / "set", roots=[{"uri": str(grown)}])
    first = build(config)
    before = {r["song_id"]: r["split"] for r in pq.read_table(f"{first.output}/songs.parquet").to_pylist()}
    for folder in folders[6:11]:
        shutil.copytree(folder, grown / folder.name)
    second = build(config)
    after = {r["song_id"]: r["split"] for r in pq.read_table(f"{second.output}/songs.parquet").to_pylist()}
    assert after.items() > before.items()
    assert json.loads(Path(second.report).read_text())["songs_reused"] == 6
    assert verify(second.output)[1] == []  # the first build's shards are gone


def test_a_song_that_crashes_its_worker_costs_one_row(config_for: ConfigMaker, tmp_path: Path) -> None:
    config = config_for(tmp_path / "set", run={"max_attempts": 2})
    sources = plan(config)[:4]
    poison = sources[1].key

    class Poisoned(SongStep):
        def _build(self, source: SongSource) -> object:  # type: ignore[override]
            if source.key == poison:
                os.kill(os.getpid(), signal.SIGSEGV)
            return super()._build(source)

    ledger = Ledger(f"{config.work_uri}/attempts/test", timeout_s=60, max_attempts=2)
    stems = Stems.open(config)
    with session(RayConfig(address="local", num_cpus=2)):
        step = Poisoned(config, stems, ledger)
        rows = [source.to_json() for source in sources]
        outcomes = list(map_rows(rows, step, schema=OUTCOME, ledger=ledger))
    assert sorted(o["key"] for o in outcomes) == sorted(source.key for source in sources)
    assert {o["key"]: o["reason"] for o in outcomes if o["reason"]} == {poison: "worker_crashed"}

    store = ProductStore.of(config, stems.separator)
    assert isinstance(store.find(sources[1]), Rejected)
    assert store.products.forget_rejected() == 1
    assert store.find(sources[1]) is None


def test_a_run_in_which_most_songs_fail_publishes_nothing_and_can_be_mended(
    config_for: ConfigMaker, library: Path, tmp_path: Path
) -> None:
    for number in ("01", "04"):
        song = next(library.glob(f"{number} *"))
        shutil.copytree(song, tmp_path / "library" / song.name)
    changes = {"roots": [{"uri": str(tmp_path / "library")}]}
    hasty = config_for(tmp_path / "set", run={"song_timeout_s": 0.01, "max_attempts": 1}, **changes)
    with pytest.raises(DrumlineError, match=r"2 of 2 songs failed \(2 timed_out; .*--retry-rejected"):
        build(hasty)
    assert not (tmp_path / "set" / "manifest.json").exists()
    assert build(config_for(tmp_path / "set", run={"retry_rejected": True}, **changes)).counts.songs == 2


def test_dry_run_counts_and_touches_nothing(config_for: ConfigMaker, tmp_path: Path) -> None:
    config = config_for(tmp_path / "set")
    text = describe_plan(plan(config), config)
    assert f"{len(SONGS)} songs would be built" in text
    assert "sng" in text
    assert "stems" in text
    assert not list((tmp_path / "set").rglob("*.*"))


def test_configuration_errors_come_before_any_work(config_for: ConfigMaker, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder: cannot be listed"):
        build(config_for(tmp_path / "set", roots=[{"uri": str(tmp_path / "no such folder")}]))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"output: .*cannot be written"):
        build(config_for(tmp_path / "file" / "set"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no chart"):
        build(config_for(tmp_path / "set", roots=[{"uri": str(tmp_path / "empty")}]))


def test_log_mel_shards_hold_features_instead_of_audio(config_for: ConfigMaker, library: Path, tmp_path: Path) -> None:
    one = sorted(library.iterdir())[0]
    shutil.copytree(one, tmp_path / "library" / one.name)
    shards = {"payload": "logmel", "hops": [128]}
    config: BuildConfig = config_for(tmp_path / "set", roots=[{"uri": str(tmp_path / "library")}], shards=shards)
    manifest = read_manifest(build(config).output)
    row = pq.read_table(f"{config.output}/{manifest.shards()[0]}").to_pylist()[0]
    features = np.frombuffer(row["logmel"], dtype="<f2").reshape(-1, row["num_bands"])
    assert features.shape == (row["num_frames_128"], 128)
    assert features.max() > 1
    assert "audio_flac" not in row
    assert verify(config.output)[1] == []
