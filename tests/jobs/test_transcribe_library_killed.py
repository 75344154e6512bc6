"""A library job that is killed and run again: nothing is done twice, and the bytes are those of an unbroken run."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from tests.export.tiny import write_package
from tests.jobs.conftest import ROOT, run_command, stop
from tests.jobs.libraries import config_for, content, write_library

pytestmark = pytest.mark.ray


def test_a_killed_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    package = write_package(tmp_path / "models" / "tiny-1.0", "int8")
    library = write_library(tmp_path / "library")
    files = {}
    for name in ("killed", "unbroken"):
        config = config_for(library, tmp_path / name, package, workers={"num_workers": 1, "songs_a_call": 1})
        files[name] = tmp_path / f"{name}.yaml"
        files[name].write_text(yaml.safe_dump(config.model_dump(mode="json")))
    output = tmp_path / "killed"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "jobs/transcribe_library.py", str(files["killed"])], cwd=ROOT, stdout=log, stderr=log
        )
    deadline = time.monotonic() + 90
    while len(products := list(output.glob("_work/songs/*/*.parquet"))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.01)
    stop(process)
    assert not (output / "transcriptions.parquet").exists()
    written = {product: product.stat().st_mtime_ns for product in products}
    resumed = run_command("jobs/transcribe_library.py", files["killed"])
    assert resumed.returncode == 0, resumed.stderr
    assert {product: product.stat().st_mtime_ns for product in products} == written
    report = max(output.glob("_runs/*.json"), key=lambda path: path.stat().st_mtime_ns)
    assert json.loads(report.read_text())["songs"] <= 5  # of seven
    unbroken = run_command("drumline", "transcribe-library", files["unbroken"])
    assert unbroken.returncode == 0, unbroken.stderr
    assert "5 songs (0 of them cached)" in unbroken.stdout
    assert content(output) == content(tmp_path / "unbroken")
    assert not (output / "_attempts").exists()
