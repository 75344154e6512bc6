"""The recipe for CI: valid for GitHub, made of commands that exist, and shown to stop a release when a gate fails."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.quality.files import run, write_lines

from drumline.cli import main
from drumline.core.config import load_config
from drumline.quality.ready import ReadyConfig

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "configs" / "ci" / "dataset-quality.yaml"
RELEASE = ROOT / "configs" / "ci" / "quality" / "release.yaml"
PAGE = ROOT / "docs" / "quality-in-ci.md"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]


def test_github_accepts_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_release_needs_the_gates_and_reports_need_nothing(jobs: dict[str, Any]) -> None:
    assert jobs["release"]["needs"] == "quality"
    assert jobs["release"]["if"] == "startsWith(github.ref, 'refs/tags/v')"  # no always(): it waits for success
    assert jobs["publish"]["if"].startswith("always()")
    steps = jobs["quality"]["steps"]
    assert not any("continue-on-error" in step for step in [*steps, *jobs.values()])
    upload = next(step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@"))
    assert upload["if"] == "always()"
    assert jobs["quality"]["defaults"]["run"]["shell"] == "bash"  # else the exit code would be tee's
    every = [step for job in jobs.values() for step in job["steps"] if "uses" in step]
    artefacts = [step for step in every if re.search(r"/(up|down)load-artifact@", step["uses"])]
    assert {step["with"]["name"] for step in artefacts} == {"quality-reports"}
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in every)


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in re.findall(r"^\s*(drumline .*?)(?: 2>&1.*)?$", text, re.MULTILINE)]


def test_every_command_exists_and_takes_what_it_is_given(jobs: dict[str, Any]) -> None:
    scripts = "\n".join(step["run"] for job in jobs.values() for step in job["steps"] if "run" in step)
    page = PAGE.read_text(encoding="utf-8")
    every = commands(scripts) + commands(page) + [shlex.split(c) for c in re.findall(r"`(drumline [^`]*)`", page)]
    assert len(every) >= 8
    for words in every:
        command: click.Command = main
        rest = words[1:]
        while isinstance(command, click.Group) and rest:
            command = command.commands[rest.pop(0)]
        assert {word for word in rest if word.startswith("--")} <= {"--strict", "--dry-run"}
        if "quality/release.yaml" not in rest:
            # The inputs are not here; keys that do not exist would be told first.
            assert "unknown key" not in run(*words[1:]).output, words
    load_config(ReadyConfig, RELEASE, ["output=reports", "halt=false"])
    for link in re.findall(r"\]\((\.\./[^)#]+)", page):
        assert (PAGE.parent / link).exists(), link


def write_repository(folder: Path, *, kicks: int) -> None:
    """A dataset's repository, as the page says."""
    rows = [
        {"session_id": f"s{n % 9}", "audio_path": f"{n % 9}.wav", "onset_time": n / 10, "split": "train",
         "source_set": "Groove", "components": [{"label": "kick" if n < kicks else "snare", "velocity": 0.5}]}
        for n in range(kicks + 30)
    ]  # fmt: skip
    write_lines(folder / "data" / "events.jsonl", rows)
    samples = [{"sample_id": str(n), "labels": [("kick", "snare")[n % 2]]} for n in range(40)]
    write_lines(folder / "data" / "truth.jsonl", samples)
    write_lines(folder / "data" / "predictions.jsonl", samples)
    (folder / "data" / "metadata.json").write_text('{"split_durations_seconds": {"train": 60.0}}')
    (folder / "quality").mkdir(exist_ok=True)
    (folder / "quality" / "min_counts.json").write_text('{"kick": 20}')
    (folder / "quality" / "release.yaml").write_text(RELEASE.read_text(encoding="utf-8"))


def bash(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As GitHub runs ``shell: bash``, with `drumline` on the path."""
    bin_folder = folder.parent / "bin"
    bin_folder.mkdir(exist_ok=True)
    shim = bin_folder / "drumline"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from drumline.cli import main; main()" "$@"\n')
    shim.chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "library"),
        "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"),
    }  # fmt: skip
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_gate_that_fails_stops_the_job_and_the_reports_are_there(
    jobs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    scripts = {step["name"]: step["run"] for step in jobs["quality"]["steps"] if "run" in step}
    blessing = re.findall(r"```\n(drumline check health.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    write_repository(folder, kicks=40)
    monkeypatch.chdir(folder)
    check, copy = blessing.strip().splitlines()
    assert run(*shlex.split(check)[1:]).exit_code == 0
    assert bash(copy, folder).returncode == 0
    good = bash(scripts["Check the release"], folder)
    assert good.returncode == 0, good.stdout + good.stderr
    write_repository(folder, kicks=30)  # a quarter of the kicks is gone
    bad = bash(scripts["Check the release"], folder)
    assert bad.returncode == 1
    assert "against-blessed.label_drop.kick" in bad.stdout
    assert bash(scripts["Show the summary"], folder).returncode == 0
    assert "FAILED" in (tmp_path / "summary.md").read_text()
    for step in ("", "health/", "against-blessed/", "accuracy/"):
        assert json.loads((folder / "reports" / f"{step}report.json").read_text())["schema_version"] == 1
        assert (folder / "reports" / f"{step}report.html").exists()
    assert bash(jobs["publish"]["steps"][1]["run"], folder).returncode == 0
    (folder / "data" / "events.jsonl").write_text("{")
    assert run("check", "ready", "quality/release.yaml").exit_code == 2
