"""Whole runs on Ray: one worker or two, killed and resumed, and what they leave behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
import yaml
from tests.training.songs import train_config

from drumline.core.errors import ConfigError
from drumline.training import checkpoints
from drumline.training.checkpoints import Checkpoint
from drumline.training.config import TrainConfig
from drumline.training.distributed import run

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]  # half a minute each where nothing else runs

ROOT = Path(__file__).parents[2]
SLOW: dict[str, Any] = {
    "sampling": {"batch_size": 4, "batches": 30, "num_samples": 128 * 128},
    "keep": {"every_steps": 7},
    "model": {"preset": "small", "bands": 32, "channels": [8, 8], "pooling": [2, 2], "context_width": 16},
    "spec_augment": {},
    "mixup": {},
    "optimiser": {"average": 0.9},
}
"""Long enough to be killed in the middle, with everything random that there is."""
THREE = {"address": "local", "num_cpus": 3}


def last(config: TrainConfig) -> Checkpoint:
    found = checkpoints.load_last(config.output)
    assert found is not None
    return found


def assert_same(one: Checkpoint, other: Checkpoint) -> None:
    """To the bit: weights, average, optimiser, place, metrics."""
    for mine, its in ((one.model, other.model), (one.average or {}, other.average or {})):
        assert mine.keys() == its.keys()
        for name in mine:
            assert torch.equal(mine[name], its[name]), name
    assert one.optimiser is not None
    assert other.optimiser is not None
    for key, state in one.optimiser["state"].items():
        for name, value in state.items():
            assert torch.equal(value, other.optimiser["state"][key][name]), (key, name)
    assert one.progress == other.progress
    assert str(one.metrics) == str(other.metrics)  # some are NaN


def lines(config: TrainConfig, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(config.output) / name).read_text().splitlines()]


def without_clock(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in ("windows_per_s", "waiting")}


@pytest.fixture(scope="module")
def unbroken(songs: str, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """A run that nobody disturbed."""
    config = train_config(songs, tmp_path_factory.mktemp("unbroken") / "run", **SLOW)
    run(config)
    return config


def driver(config: TrainConfig, folder: Path) -> "subprocess.Popen[bytes]":
    """The same run as a process of its own."""
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = [sys.executable, str(ROOT / "jobs" / "train_model.py"), str(file)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT / "library")}, stdout=log, stderr=log
        )


def until(true: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until something is so, while a process runs."""
    ends = time.monotonic() + 400
    while not true():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < ends, "it never was"
        time.sleep(0.05)


def kept(config: TrainConfig) -> int:
    """Checkpoints to go on from."""
    return len(list(Path(config.output).glob("checkpoints/resume-*.pt")))


def test_a_run_leaves_what_it_promises(unbroken: TrainConfig) -> None:
    output = Path(unbroken.output)
    checkpoint = last(unbroken)
    assert checkpoint.position.finished(unbroken.stages)
    assert json.loads(checkpoint.config) == unbroken.model_dump(mode="json")  # resolved, with the seeds
    assert checkpoint.dataset
    assert checkpoint.optimiser
    assert checkpoint.scaler == {}  # of fp16 alone
    assert checkpoint.average is not None
    assert checkpoint.metrics.keys() >= {"f5_50", "pr_auc", "recall_64th"}
    assert [line["step"] for line in lines(unbroken, "steps.jsonl")] == list(range(2, 61, 2))
    assert [line["epoch"] for line in lines(unbroken, "epochs.jsonl")] == [1, 2]
    assert {path.name for path in output.iterdir()} == {
        *("checkpoints", "config.json", "curves.svg", "epochs.jsonl", "metrics.json", "pictures", "steps.jsonl"),
        *("sampling_weights.parquet", "tensorboard"),
    }
    assert len(list((output / "checkpoints").glob("best-*.pt"))) == 2
    again = run(unbroken)  # finished: nothing to do, and no Ray for it
    assert again.best == checkpoints.best_of(unbroken.output)
    with pytest.raises(ConfigError, match="holds a run of another configuration or dataset"):
        run(unbroken.model_copy(update={"seed": 5}))


def test_a_killed_driver_goes_on_to_the_same_bits(unbroken: TrainConfig, songs: str, tmp_path: Path) -> None:
    config = train_config(songs, tmp_path / "run", **SLOW)
    process = driver(config, tmp_path)
    family: list[psutil.Process] = []
    try:
        until(lambda: kept(config) >= 2, process)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    finally:
        process.kill()
        process.wait()
    psutil.wait_procs(family, timeout=20)  # Ray's own follow their driver
    broken = last(config)
    assert not broken.position.finished(config.stages)
    assert broken.position.step % 7 == 0
    run(config)
    assert_same(last(config), last(unbroken))
    for name in ("steps.jsonl", "epochs.jsonl"):
        resumed, whole = lines(config, name), lines(unbroken, name)
        assert [line["step"] for line in resumed][-10:] == [line["step"] for line in whole][-10:]
    assert without_clock(lines(config, "steps.jsonl")[-1]) == without_clock(lines(unbroken, "steps.jsonl")[-1])


def test_a_killed_worker_is_replaced(unbroken: TrainConfig, songs: str, tmp_path: Path) -> None:
    config = train_config(songs, tmp_path / "run", **SLOW)
    process = driver(config, tmp_path)
    try:
        until(lambda: kept(config) >= 2, process)
        (worker,) = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if "RayTrainWorker" in " ".join(child.cmdline())
        ]
        worker.send_signal(signal.SIGKILL)
        assert process.wait(timeout=400) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()
    assert_same(last(config), last(unbroken))
    console = (tmp_path / "log").read_text()
    assert f"model     {checkpoints.best_of(config.output)}" in console
    assert "epoch 2/2: f5_50" in console
    for narration in ("Reporting training result", "execution finished", "PlacementGroupCleaner", "State API"):
        assert narration not in console


def test_two_workers_do_what_one_does_in_two_parts(songs: str, tmp_path: Path) -> None:
    """The same parts with the same random numbers: dropout, masks and mixtures too. Sums of two differ in their order
    alone, so weights agree to 1e-4 of their size after 8 steps; so do the statistics, but that one worker updates
    them twice a step."""
    changes = {**SLOW, "sampling": {"batch_size": 8, "batches": 8, "num_samples": 128 * 128}, "optimiser": {}}
    changes["stages"] = [{"name": "all", "epochs": 1, "schedule": {"warmup_steps": 4}}]
    one = train_config(songs, tmp_path / "one", **{**changes, "optimiser": {"accumulate": 2}, "ray": THREE})
    two = train_config(songs, tmp_path / "two", **{**changes, "workers": {"num_workers": 2}, "ray": THREE})
    run(one)
    run(two)
    mine, its = last(one), last(two)
    for name, value in mine.model.items():
        if "running" in name or "tracked" in name:
            continue
        torch.testing.assert_close(its.model[name], value, rtol=1e-4, atol=1e-5, msg=name)
    # The first worker tells of its own half.
    assert len(lines(two, "steps.jsonl")) == len(lines(one, "steps.jsonl")) == 4
