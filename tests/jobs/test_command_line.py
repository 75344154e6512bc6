"""The command as a person meets it: help that teaches, one message for a mistake, exit codes for scripts."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
import yaml
from click.testing import CliRunner
from tests.jobs.conftest import ROOT, config_for, run_command

from drumline.cli import main
from drumline.core.errors import DrumlineError
from drumline.dataset.build import build
from drumline.rendering.demo_library import SONGS, make_demo_library

PROGRAMS = {"drumline": ("drumline", "build-dataset"), "job": ("jobs/build_dataset.py",)}


@pytest.fixture
def config(few_songs: Path, tmp_path: Path) -> Path:
    """The file of a configuration that could be built."""
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config_for(few_songs, tmp_path / "set").model_dump(mode="json")))
    return file


@pytest.mark.parametrize("command", PROGRAMS.values(), ids=PROGRAMS)
def test_help_says_what_it_does_and_how_to_write_it(command: tuple[str, ...]) -> None:
    done = run_command(*command, "--help")
    assert done.returncode == 0
    for word in ("Build a training set", "NAME=VALUE", "configs/build_dataset/demo.yaml", "--dry-run", "--retry-"):
        assert word in done.stdout


@pytest.mark.parametrize("command", PROGRAMS.values(), ids=PROGRAMS)
def test_a_mistake_is_one_message_and_exit_code_2(command: tuple[str, ...], config: Path) -> None:
    done = run_command(*command, config, "split.seed=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"drumline: {config}: split: unknown key; did you mean splits?\n"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["roots=[{uri: nowhere}]"], "roots: nowhere: cannot be listed (there is no such folder or bucket)"),
        (["output=FILE/set"], "output: FILE/set: cannot be written ("),
        (["splits.train=most"], "FILE: splits.train: Input should be a valid number"),
        (["separation.backend=onnx", "separation.weights=nowhere.onnx"], "nowhere.onnx"),
        (["seed"], "override 'seed': write dotted.name=value"),
    ],
    ids=["missing root", "unwritable output", "wrong type", "missing weights", "no value"],
)
def test_whatever_cannot_be_run_is_told_before_any_work(overrides: list[str], message: str, config: Path) -> None:
    changes = [override.replace("FILE", str(config)) for override in overrides]
    done = CliRunner().invoke(main, ["build-dataset", str(config), *changes])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("drumline: ")
    assert message.replace("FILE", str(config)) in done.stderr
    assert [path for path in config.parent.rglob("*") if path.is_file()] == [config]


def test_a_dry_run_lists_what_would_be_built(config: Path) -> None:
    done = CliRunner().invoke(main, ["build-dataset", str(config), "--dry-run"])
    assert done.exit_code == 0
    assert "4 songs would be built" in done.stdout
    counts = dict(re.findall(r"  (?:format|audio) +(\w+) +(\d+)", done.stdout))
    assert counts == {"chart": "2", "mid": "1", "sng": "1", "stem": "1", "stems": "1", "container": "1", "none": "1"}


def _unread_bytes(pipe: IO[bytes]) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_ctrl_c_is_one_line_and_exit_code_130(tmp_path: Path) -> None:
    script = "from drumline.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "transcribe", "-", "--heuristic"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "library")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell lets its background jobs, and all that they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    os.write(process.stdin.fileno(), b"RIFF")
    deadline = time.monotonic() + 200
    while _unread_bytes(process.stdin) and time.monotonic() < deadline:  # until it waits for the rest of the recording
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode().strip() == "drumline: interrupted; what was finished is kept"


@pytest.mark.ray
def test_a_build_without_a_song_is_an_error_unless_allowed(tmp_path: Path) -> None:
    make_demo_library(tmp_path / "library", tuple(replace(song, num_bars=8) for song in SONGS[-1:]))
    config = config_for(tmp_path / "library", tmp_path / "set")
    with pytest.raises(DrumlineError, match=r"no song is left.*1 audio_missing; first: .*run\.allow_empty=true"):
        build(config)
    assert not (tmp_path / "set" / "manifest.json").exists()
    allowed = config.model_copy(update={"run": config.run.model_copy(update={"allow_empty": True})})
    assert build(allowed).counts.songs == 0


@pytest.mark.ray
def test_a_build_tells_what_matters_and_verify_exits_by_what_it_finds(config: Path) -> None:
    output = config.parent / "set"
    built = run_command("drumline", "build-dataset", config)
    assert built.returncode == 0, built.stderr
    assert f"{output}/rejected.parquet (1 audio_missing)" in built.stdout
    for narration in (
        "\tINFO ",
        "Dataset dataset_",
        "Progress bars disabled",
        "Token authentication",
        "Found credentials",
    ):
        assert narration not in built.stderr

    sound = run_command("drumline", "verify", output)
    assert sound.returncode == 0, sound.stderr
    (output / "card.md").write_text("something else")
    damaged = run_command("drumline", "verify", output)
    assert damaged.returncode == 1
    assert "card.md: 14 bytes" in damaged.stderr
    absent = run_command("drumline", "verify", config.parent / "nowhere")
    assert absent.returncode == 2
    assert "no manifest.json: not a dataset" in absent.stderr


def test_inspect_prints_an_object_a_line_for_every_chart(tmp_path: Path) -> None:
    broken = ("", "chart_unreadable", "container_unreadable")
    charts = tuple(replace(song, num_bars=8) for song in SONGS if song.rejected in broken)
    make_demo_library(tmp_path, charts)
    done = run_command("drumline", "inspect", "--json", tmp_path)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(charts)
    assert done.returncode == 1  # some are broken on purpose
    for song, chart in zip(charts, found, strict=True):
        assert song.name in chart["path"]
        if song.rejected:
            assert chart.keys() == {"path", "error"}
            continue
        assert chart.keys() == {
            *("path", "format", "resolution", "drum_type", "offset_s", "tempos", "difficulties", "repairs")
        }
        if chart["format"] in ("chart", "mid"):
            assert chart["drum_type"] == "pro"
            assert [bpm for _, bpm in chart["tempos"]] == pytest.approx([bpm for _, bpm in song.tempos], abs=1e-3)
        for note in (note for notes in chart["difficulties"].values() for note in notes):
            assert note.keys() == {
                *("tick", "time_s", "lane", "cymbal", "accent", "ghost", "flam", "double_kick", "class")
            }
            assert note["lane"] in ("kick", "red", "yellow", "blue", "green", None)
