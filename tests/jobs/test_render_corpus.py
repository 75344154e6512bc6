"""The rendering job: killed and resumed to the same bytes, and a dataset that takes every song."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.jobs.conftest import ROOT, run_command, stop

from drumline.dataset.build import build
from drumline.dataset.config import BuildConfig
from drumline.dataset.manifest import read_manifest

pytestmark = pytest.mark.ray

Render = Callable[[Path], list[str]]


def arguments(output: Path) -> list[str]:
    return ["configs/render_corpus/demo.yaml", f"output={output}", "hours=0.08", "run.ray.num_cpus=2"]


def songs(output: Path) -> dict[str, bytes]:
    """Every file of every finished song."""
    folders = [labels.parent for labels in output.glob("songs/*/hits.json")]
    return {str(file.relative_to(output)): file.read_bytes() for folder in folders for file in folder.iterdir()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus whose first run was killed after two songs and whose second was not."""
    output = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "jobs/render_corpus.py", *arguments(output)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(output.glob("songs/*/hits.json"))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    stop(process)
    finished = len(list(output.glob("songs/*/hits.json")))
    stale = output / "songs" / "000000-0123456789abcdef"
    stale.mkdir()
    done = run_command("jobs/render_corpus.py", *arguments(output))
    assert (done.returncode, finished < 9) == (0, True), done.stderr
    assert not stale.exists()
    return output


def test_a_killed_run_ends_as_an_unbroken_one(corpus: Path, tmp_path: Path) -> None:
    done = run_command("drumline", "render-corpus", *arguments(tmp_path))
    assert done.returncode == 0
    assert "9 songs, 0.08 h" in done.stdout
    assert songs(tmp_path) == songs(corpus)
    assert (tmp_path / "corpus.json").read_bytes() == (corpus / "corpus.json").read_bytes()


def test_a_dataset_takes_every_song(corpus: Path, tmp_path: Path) -> None:
    tree = {
        "name": "rendered",
        "roots": [{"uri": str(corpus / "songs")}],
        "output": str(tmp_path),
        "domains": "all",
        "run": {"ray": {"address": "local", "num_cpus": 2}},
    }
    build(BuildConfig.model_validate(tree, strict=False))
    assert read_manifest(str(tmp_path)).counts.rejected == {}
    found = pq.read_table(tmp_path / "songs.parquet")
    assert sorted(found["domain"].to_pylist()) == ["mix"] * 9 + ["stem"] * 9
    stems = [row for row in found.to_pylist() if row["domain"] == "stem"]
    assert sorted(abs(row["measured_offset_s"]) for row in stems)[len(stems) // 2] < 0.001
    assert {row["licence"] for row in stems} == {"kit CC0"}


def test_missing_material_is_told_before_any_work(tmp_path: Path) -> None:
    done = run_command("drumline", "render-corpus", *arguments(tmp_path / "out"), "kits=[{uri: nowhere.sfz}]")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "drumline: kits: nowhere.sfz: there is no such file or folder\n"
    assert not (tmp_path / "out").exists()
