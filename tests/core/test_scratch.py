"""Temporary folders of processes that were killed are removed by the next, those of the living are not."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from drumline.core.scratch import scratch_folder

HOLD = """
import sys, time
from drumline.core.scratch import scratch_folder
with scratch_folder("drumline-test-") as folder:
    (folder / "song.upload").write_bytes(b"RIFF")
    print(folder, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_process_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    somebodys = tmp_path / "drumline-test-notes"
    somebodys.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "library")}
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with scratch_folder("drumline-test-") as folder:
            assert folder.is_dir()
            assert (left / "song.upload").exists()  # its process lives
        assert not folder.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert left.exists()
    with scratch_folder("drumline-test-"):
        assert not left.exists()
    assert somebodys.exists()
