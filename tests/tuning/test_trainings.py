"""Sweeps over trainings: the real thing on Ray, killed and resumed; and what Tune's schedulers are given."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
import ray.tune
import torch
import yaml
from tests.training.songs import train_config, write_songs

from drumline.core.config import load_config, parse_config
from drumline.core.errors import ConfigError
from drumline.training import checkpoints
from drumline.training.checkpoints import Checkpoint
from drumline.training.config import TrainConfig
from drumline.training.learner import Learner
from drumline.training.progress import Progress as Candidate
from drumline.tuning.config import SchedulerConfig, SweepConfig
from drumline.tuning.space import Space
from drumline.tuning.trainings import Trainings, _Asha, _offered, _taken_over, trainings_of
from drumline.tuning.trials import Progress, Trial, Trials

ROOT = Path(__file__).parents[2]
PEAK = "stages.0.schedule.peak"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration that trials change."""
    folder = tmp_path_factory.mktemp("base")
    config = train_config(
        write_songs(folder / "dataset"),
        folder / "unused",
        stages=[{"name": "all", "epochs": 2, "schedule": {"warmup_steps": 0}}],
        workers={"loader_cpus": 1.0, "max_failures": 0},
        optimiser={"clip_norm": 1e30},
        logs={"pictures": 0, "tensorboard": False},
    )
    (folder / "base.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return folder / "base.yaml"


def sweep_config(base: Path, output: Path, space: dict[str, Any], **more: Any) -> SweepConfig:
    tree = {
        "name": "test",
        "output": str(output),
        "space": space,
        "train": {"config": str(base), "concurrent": 1},
        "ray": {"address": "local", "num_cpus": 2},
        **more,
    }
    return parse_config(SweepConfig, tree, "test")


def driver(config: SweepConfig, folder: Path, *options: str) -> "subprocess.Popen[bytes]":
    """A sweep as a process of its own."""
    (folder / "sweep.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = [sys.executable, str(ROOT / "jobs" / "tune_model.py"), str(folder / "sweep.yaml"), *options]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT / "library")}, stdout=log, stderr=log
        )


def until(true: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + 800
    while not true():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.05)


def workers(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    found = psutil.Process(process.pid).children(recursive=True)
    return [child for child in found if "RayTrainWorker" in " ".join(child.cmdline())]


@pytest.mark.ray
@pytest.mark.timeout(1800)
def test_a_sweep_is_killed_and_goes_on_and_failures_are_trials(base: Path, tmp_path: Path) -> None:
    """One trial finishes, one diverges, at the third the driver is killed; it goes on where it was. The fourth's worker
    dies, which `workers.max_failures` does not allow.
    """
    peaks, epochs = [0.002, 1e30, 0.001, 0.003], "stages.0.epochs"
    space = {PEAK: {"grid": peaks}, epochs: {"grid": [500], "when": {PEAK: [0.003]}}}
    config = sweep_config(base, tmp_path / "out", space, search={"method": "grid"})
    trainings, trials, log = trainings_of(config, Space.of(config.space)), Trials(config.output), tmp_path / "log"
    good, wild, last = (trainings.id({PEAK: peak}) for peak in peaks[:3])
    struck = trainings.id({PEAK: 0.003, epochs: 500})

    process = driver(config, tmp_path)
    try:
        until(lambda: trials.progress(last) is not None and len(workers(process)) > 0, process, log)
        family = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait()
    psutil.wait_procs(family, timeout=60)
    first = trials.result(good)
    assert first is not None
    assert (first.state, len(first.curve)) == ("finished", 2)
    assert first.score == pytest.approx(checkpoints.load(checkpoints.best_of(first.run)).metrics["f5_50"])
    failed = trials.result(wild)
    assert failed is not None
    assert (failed.state, failed.reason) == ("failed", "diverged")
    assert trials.result(last) is None

    process = driver(config, tmp_path, "--resume")
    try:
        until(lambda: (begun := trials.progress(struck)) is not None and len(begun.curve) > 1, process, log)
        workers(process)[0].kill()
        assert process.wait(timeout=800) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    assert trials.result(good) == first
    resumed = trials.result(last)
    assert resumed is not None
    assert (resumed.state, len(resumed.curve)) == ("finished", 2)

    dead = trials.result(struck)
    assert dead is not None
    assert (dead.state, dead.reason) == ("failed", "worker_died")

    table = pq.read_table(tmp_path / "out" / "trials.parquet")
    best = max((first, resumed), key=lambda trial: trial.score or 0.0)
    assert table["trial"].to_pylist()[0] == best.id
    assert sorted(table["reason"].to_pylist()) == ["", "", "diverged", "worker_died"]
    winner = load_config(TrainConfig, tmp_path / "out" / "winner.yaml")
    assert winner.run_fingerprint(trainings.dataset) == best.id
    assert not (tmp_path / "out" / "_tune").exists()


@pytest.mark.ray
@pytest.mark.timeout(1800)
def test_a_population_trains_and_members_go_on_from_each_other(base: Path, tmp_path: Path) -> None:
    """On a cluster with no CPU to spare: what a replaced member's workers held is what its next ones need."""
    train = {"config": str(base), "overrides": ["workers.num_cpus=0.5", "workers.loader_cpus=0.5"]}
    population = {"kind": "pbt", "every_epochs": 1, "quantile": 0.5, "synchronous": True}
    config = sweep_config(
        base, tmp_path / "out", {PEAK: {"log_uniform": [1e-4, 1e-2]}},
        train=train, scheduler=population, budget={"trials": 2},
    )  # fmt: skip
    process, log = driver(config, tmp_path), tmp_path / "log"
    try:
        assert process.wait(timeout=1200) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    members = pq.read_table(tmp_path / "out" / "trials.parquet").to_pylist()
    assert [member["state"] for member in members] == ["finished"] * 2
    assert [*(tmp_path / "out" / "trials").glob("*/run-*")], log.read_text()  # a run that began with another's weights


def test_only_what_decides_a_model_can_be_swept(base: Path, tmp_path: Path) -> None:
    for name, why in (("logs.pictures", "decides nothing of the model"), ("keep.best", "decides nothing")):
        config = sweep_config(base, tmp_path, {name: {"choice": [1, 2]}}, search={"method": "grid"})
        with pytest.raises(ConfigError, match=why):
            trainings_of(config, Space.of(config.space))
    pbt = {"scheduler": {"kind": "pbt"}, "budget": {"trials": 4}}
    config = sweep_config(base, tmp_path, {"model.context_width": {"choice": [8, 16]}}, **pbt)
    with pytest.raises(ConfigError, match="this one cannot change then"):
        trainings_of(config, Space.of(config.space))


def test_rungs_know_the_trials_of_earlier_attempts() -> None:
    curves = [((1, 0.2), (2, 0.9)), ((1, 0.6), (2, 0.4)), ((1, 0.4), (2, 0.5))]
    done = [Trial(id=str(n), state="finished", values={}, curve=curve) for n, curve in enumerate(curves)]
    asha = _Asha(SchedulerConfig(kind="asha", reduction=2.0), done)
    fresh = ray.tune.experiment.Trial("none", stub=True, config={})
    asha.on_trial_add(None, fresh)
    told = [asha.on_trial_result(None, fresh, {"epoch": 1, "best": best}) for best in (0.39,)]
    assert told == ["STOP"]  # the median of 0.2, 0.6 and 0.4 is 0.4
    other = ray.tune.experiment.Trial("none", stub=True, config={})
    asha.on_trial_add(None, other)
    assert asha.on_trial_result(None, other, {"epoch": 1, "best": 0.5}) == "CONTINUE"
    assert asha.on_trial_result(None, other, {"epoch": 2, "best": 0.55}) == "STOP"  # 0.9, 0.6 and 0.5


def test_a_member_of_a_population_goes_on_with_the_weights_of_another(base: Path, tmp_path: Path) -> None:
    """Another's weights, optimiser and place, with values of its own, in a run that `train` takes for its own."""
    config = load_config(TrainConfig, base)
    trainings, trials = Trainings(config, "dataset", SchedulerConfig(kind="pbt")), Trials(str(tmp_path))
    theirs, mine = {PEAK: 0.002, "model.dropout": 0.1}, {PEAK: 0.0024, "model.dropout": 0.12}
    donor = trainings.at(theirs, trials.folder("theirs") + "/run")
    learner = Learner(donor, torch.device("cpu"))
    candidate = Candidate(epoch=1, scores=(0.3,), best=0.3, stage_steps=4)
    kept = Checkpoint(
        config=donor.model_dump_json(), dataset="dataset", run=donor.run_fingerprint("dataset"),
        progress=candidate.to_tree(), metrics={}, **learner.state(),
    )  # fmt: skip
    checkpoints.save_last(kept, donor.output)
    (tmp_path / "offer").mkdir()
    offer = _offered(str(tmp_path / "offer"), "theirs", Progress(values=theirs, run=donor.output))

    begun = Progress(values={PEAK: 0.01, "model.dropout": 0.3}, run=trials.folder("mine") + "/run", curve=((1, 0.1),))
    after = _taken_over(begun, offer, "mine", mine, trainings, trials)
    assert after.values == mine
    assert after.curve == begun.curve
    assert after.run != begun.run
    found = checkpoints.load_last(after.run)
    assert found is not None
    assert found.position == candidate
    assert found.run == trainings.at(mine).run_fingerprint("dataset") != kept.run
    assert json.loads(found.config)["model"]["dropout"] == 0.12
    assert all(torch.equal(value, found.model[name]) for name, value in kept.model.items())
    assert _taken_over(after, offer, "mine", mine, trainings, trials) == after
    assert _taken_over(begun, offer, "theirs", mine, trainings, trials) == begun  # its own offer: paused, not replaced
    ended = replace(kept, progress=replace(candidate, stage=1).to_tree())
    (tmp_path / "offer" / "resume.pt").write_bytes(ended.to_bytes())
    assert _taken_over(begun, offer, "mine", mine, trainings, trials) == begun  # nothing is left to go on with
