"""A sweep over trainings on Ray Tune: each trial is a `drumline train` of its own, with all that this promises.

Tune decides what runs, what is stopped and what is replaced; what lasts is in files of ours (`trials`), written by the
trial itself where it ends by itself, and by the driver where it was ended. An attempt that was killed leaves nothing
of Tune's behind: the next one begins with the files, and its trials with their own checkpoints.
"""

import json
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import ray
import ray.tune
from fsspec.implementations.local import LocalFileSystem
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, PopulationBasedTraining, TrialScheduler
from ray.tune.search import Searcher

from drumline.core.artifacts import exists, filesystem, join, read_bytes, storage_told
from drumline.core.config import canonical_json, changed, fingerprint, load_config
from drumline.core.errors import ConfigError, DrumlineError
from drumline.dataset.manifest import read_manifest
from drumline.runtime.orphans import remove_orphaned_groups
from drumline.runtime.ray_logging import reduce_ray_logging
from drumline.runtime.session import session
from drumline.training import checkpoints
from drumline.training.checkpoints import Checkpoint
from drumline.training.config import TrainConfig, WorkerConfig
from drumline.training.distributed import prepare, run
from drumline.training.failures import TrainingFailed, classify_error
from drumline.training.journal import records_of
from drumline.tuning.budget import Spent
from drumline.tuning.config import SchedulerConfig, SweepConfig
from drumline.tuning.search import search_of
from drumline.tuning.space import Point, Space
from drumline.tuning.sweep import Again, Sweep
from drumline.tuning.trials import Progress, Trial, Trials

log = logging.getLogger("drumline")

_TUNE: Final = {
    # What Tune would write of each trial is in our files.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Its own state is for resuming, which we do otherwise.
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "RAY_AIR_NEW_OUTPUT": "0",
    # A trial that failed before its first epoch has no score.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}
_DECIDES_NOTHING: Final = ("output", "dataset", "workers", "keep", "logs", "ray", "name")
"""Sections that do not decide the weights: two trials that differ in them alone are one."""
_STANDS: Final = ("model.", "features.", "labels.", "sampling.", "weights", "seed", "start.", "validation.")
"""Keys that cannot change during training, except dropout."""
_LOOKS_S: Final = 1.0
"""How often the driver looks for what trials that were ended still hold."""
_MOST_EPOCHS: Final = 10**6
"""ASHA's rungs go on for ever: trials end by themselves."""


@dataclass(frozen=True)
class Trainings:
    """Base configuration and dataset of the trials."""

    base: TrainConfig
    dataset: str
    """Fingerprint."""
    population: SchedulerConfig | None
    """Scheduler settings if PBT changes the configuration of a trial during training, else None."""

    def at(self, point: Point, output: str = "") -> TrainConfig:
        """The configuration at a point. Raises ConfigError where its values do not go together."""
        config = changed(self.base, point, location="space")
        return config.model_copy(update={"output": output}) if output else config

    def id(self, point: Point) -> str:
        """The name of the trial that begins at a point."""
        own = self.at(point).run_fingerprint(self.dataset)
        return fingerprint(own, self.population) if self.population else own


def trainings_of(config: SweepConfig, space: Space) -> Trainings:
    """Raises ConfigError where the base or the space cannot be run; before any work."""
    assert config.train is not None
    base = load_config(TrainConfig, config.train.config, config.train.overrides)
    for name in space.parameters:
        if name.split(".")[0] in _DECIDES_NOTHING:
            raise ConfigError(f"space.{name}: decides nothing of the model; set it in train.overrides")
        if config.scheduler.kind == "pbt" and name.startswith(_STANDS) and name != "model.dropout":
            raise ConfigError(f"space.{name}: pbt changes values while a model trains, and this one cannot change then")
    space.check(base, location=config.train.config)
    manifest = read_manifest(base.dataset)
    dataset = fingerprint(manifest.fingerprint, manifest.inputs_sha256)
    return Trainings(base, dataset, config.scheduler if config.scheduler.kind == "pbt" else None)


def sweep_trainings(config: SweepConfig, again: Again) -> tuple[list[Trial], Spent]:
    """Run what is still to be run; gives all trials of the sweep. Raises ConfigError before any work."""
    space = Space.of(config.space)
    trainings = trainings_of(config, space)
    trials, spent = Trials(_whole(config.output)), Spent.of(config.output)
    again = replace(again, stopped=config.scheduler.kind != "asha")
    search = search_of(space, config.search)
    sweep = Sweep(space, search, trials, budget=config.budget, identify=trainings.id, again=again)
    if over := spent.over(config.budget):
        log.info("nothing is run: %s", over)
        return [*sweep.done.values()], spent
    prepare()
    for name, value in _TUNE.items():
        os.environ.setdefault(name, value)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a failed trial is a row of ours, not a traceback
    with session(config.ray) as about:
        _tune(config, trainings, sweep, trials, spent, nodes=int(about["nodes"]))
    if over := spent.over(config.budget):
        log.info("the budget is used up: %s. With a larger one the sweep goes on", over)
    return [*sweep.done.values()], spent


def _tune(config: SweepConfig, trainings: Trainings, sweep: Sweep, trials: Trials, spent: Spent, *, nodes: int) -> None:
    assert config.train is not None
    at_once = config.train.concurrent or _fit_at_once(trainings.base.workers)
    bookkeeping = join(trials.output, "_tune")
    over = _Over(spent, config, nodes)
    ends = _Ends(sweep, trials, over, config, score=trainings.base.validation.score)
    schedule = _scheduler(config, trainings, sweep)
    space, searching = {}, {"search_alg": _Proposals(sweep), "num_samples": -1}
    if trainings.population:  # Tune's PBT takes no search: the population is drawn beforehand
        members = [*iter(sweep.next, None)]
        space, searching = {"member": ray.tune.grid_search([_member(*each) for each in members])}, {}
        if not members:
            return
    function = ray.tune.with_parameters(_trial, trainings=trainings, output=trials.output)
    try:
        ray.tune.Tuner(
            ray.tune.with_resources(function, {"memory": 1}),  # a byte: Tune wants some, and all CPUs are for workers
            param_space=space,
            tune_config=ray.tune.TuneConfig(scheduler=schedule, max_concurrent_trials=at_once, **searching),
            run_config=ray.tune.RunConfig(
                name=f"sweep-{time.time_ns()}",
                storage_path=bookkeeping,
                callbacks=[ends],
                stop=over,
                # Failures that a trial knows of are results; these are of its own process and its node.
                failure_config=ray.tune.FailureConfig(max_failures=trainings.base.workers.max_failures),
                verbose=0,
            ),
        ).fit()
    finally:
        spent.write()
        fs, path = filesystem(bookkeeping)
        if fs.exists(path):
            fs.rm(path, recursive=True)
    if over.trouble:
        raise DrumlineError(over.trouble)


def _trial(settings: dict[str, Any], *, trainings: Trainings, output: str) -> None:
    """Run the training of a trial, in the trial's process; its workers are elsewhere.

    Errors about files are reported to the driver, which ends the sweep.
    """
    reduce_ray_logging()
    trials, member = Trials(output), settings["member"]
    try:
        with storage_told(output):
            _train(member["id"], member["values"], trainings, trials)
    except DrumlineError as error:
        ray.tune.report({"trouble": str(error)})


def _train(id_: str, values: dict[str, Any], trainings: Trainings, trials: Trials) -> None:
    begun = trials.progress(id_) or Progress(values=values, run=join(trials.folder(id_), "run"))
    if (donor := ray.tune.get_checkpoint()) is not None:
        begun = _taken_over(begun, donor, id_, values, trainings, trials)
    config = trainings.at(begun.values, begun.run)
    state = {"progress": begun.model_copy(update={"curve": _journal(begun, config)})}
    trials.save_progress(id_, state["progress"])
    since = time.monotonic()

    def show(line: dict[str, Any]) -> None:
        if "kept" not in line:
            return
        epoch, score, before = line["kept"], line["score"], state["progress"]
        curve = (*(each for each in before.curve if each[0] < epoch), (epoch, score))
        seconds = begun.seconds + time.monotonic() - since
        now = state["progress"] = before.model_copy(update={"curve": curve, "seconds": seconds})
        trials.save_progress(id_, now)
        with tempfile.TemporaryDirectory() as folder:
            kept = _offered(folder, id_, now) if trainings.population else None
            ray.tune.report({"epoch": epoch, "score": score, "best": now.score}, checkpoint=kept)

    try:
        run(config, show=show)
    except TrainingFailed as error:
        trials.end(id_, "failed", reason=error.reason, detail=error.detail)
    except ConfigError as error:
        trials.end(id_, "failed", reason="error", detail=str(error))
    else:
        progress = state["progress"]  # without lost lines
        trials.save_progress(id_, progress.model_copy(update={"curve": _journal(progress, config)}))
        trials.end(id_, "finished")


def _journal(begun: Progress, config: TrainConfig) -> tuple[tuple[int, float], ...]:
    """Scores by epoch so far, including epochs whose report was lost."""
    found = dict(begun.curve)
    if exists(uri := join(begun.run, "epochs.jsonl")):
        for record in records_of(read_bytes(uri)):
            found.setdefault(record["epoch"], record["metrics"][config.validation.score] or 0.0)
    return tuple(sorted(found.items()))


def _offered(folder: str, id_: str, now: Progress) -> Any:
    """For PBT: where a trial stands, for others to go on from."""
    last = checkpoints.load_last(now.run)
    assert last is not None
    Path(folder, "resume.pt").write_bytes(last.to_bytes())
    Path(folder, "member.json").write_text(json.dumps({"id": id_, "epoch": last.position.epoch}))
    return ray.tune.Checkpoint.from_directory(folder)


def _taken_over(begun: Progress, donor: Any, id_: str, values: Point, trainings: Trainings, trials: Trials) -> Progress:
    """For PBT: a run of a trial that goes on with another's weights and values of its own; its own run if it was it, or
    if the other has learnt all there is to learn."""
    with donor.as_directory() as folder:
        member = json.loads(Path(folder, "member.json").read_text())
        if member["id"] == id_:
            return begun
        output = join(trials.folder(id_), f"run-{member['epoch']:04d}-{fingerprint(dict(values), member['id'])[:8]}")
        config = trainings.at(values, output)
        theirs = Checkpoint.from_bytes(Path(folder, "resume.pt").read_bytes(), f"{folder}/resume.pt")
        if theirs.position.finished(config.stages):
            return begun
        if begun.run != output:
            mine = replace(theirs, config=canonical_json(config), run=config.run_fingerprint(trainings.dataset))
            checkpoints.save_last(mine, output)
    return begun.model_copy(update={"values": dict(values), "run": output})


def _member(id_: str, point: Point) -> dict[str, Any]:
    return {"id": id_, "values": dict(point)}


class _Here:
    """Tune writes its parts to a file, for a resume that we do otherwise: of these there is nothing to write."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Proposals(_Here, Searcher):  # type: ignore[misc]
    """Tune asks, the sweep answers."""

    def __init__(self, sweep: Sweep) -> None:
        super().__init__(metric="best", mode="max")
        self.sweep = sweep

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        proposed = self.sweep.next()
        return Searcher.FINISHED if proposed is None else {"member": _member(*proposed)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: `_Ends` knows more."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: what lasts is in our files."""


class _Ends(_Here, ray.tune.Callback):  # type: ignore[misc]
    """Writes down what came of trials that ended, tells the sweep and the console, and frees what they held."""

    def __init__(self, sweep: Sweep, files: Trials, over: "_Over", config: SweepConfig, *, score: str) -> None:
        self.sweep, self.files, self.over, self.config, self.score = sweep, files, over, config, score
        self.looked_s = time.monotonic()

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if time.monotonic() - self.looked_s > _LOOKS_S:
            remove_orphaned_groups()  # the next trials wait for it
            self.looked_s = time.monotonic()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        id_ = trial.config["member"]["id"]
        if self.over.trouble or (self.files.result(id_) is None and self.over.stop_all()):
            self.sweep.running.pop(id_)  # ended with the sweep: it goes on with it
            return
        self._end(self.files.end(id_, "stopped"))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        id_ = trial.config["member"]["id"]
        error = str(trial.get_error() or "ActorDiedError: its own process, and no more is known")
        self._end(self.files.end(id_, "failed", reason=classify_error(error), detail=" ".join(error.split())[-500:]))

    def _end(self, trial: Trial | None) -> None:
        if trial is None or trial.id not in self.sweep.running:
            return
        self.sweep.ended(trial)
        scores = [each.score for each in self.sweep.done.values() if each.score is not None]
        facts = {**trial.values, "epochs": len(trial.curve)}
        log.info(
            "trial %d%s %s%s: %s %s (best %s), %s",
            len(self.sweep.done),
            f"/{self.config.budget.trials}" if self.config.budget.trials else "",
            trial.state,
            f" ({trial.reason}: {trial.detail[:160]})" if trial.reason else "",
            self.score,
            "-" if trial.score is None else f"{trial.score:.4f}",
            f"{max(scores):.4f}" if scores else "-",
            ", ".join(
                f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in facts.items()
            ),
        )


class _Over(_Here, ray.tune.Stopper):  # type: ignore[misc]
    """Ends everything when hours or money are used up, or files cannot be read or written."""

    def __init__(self, spent: Spent, config: SweepConfig, nodes: int) -> None:
        self.spent, self.config, self.nodes = spent, config, nodes
        self.trouble = ""
        """With files, as the first trial that met it tells it."""

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.trouble = self.trouble or result.get("trouble", "")
        return bool(self.trouble)

    def stop_all(self) -> bool:
        self.spent.tick(self.nodes)
        return bool(self.trouble or self.spent.over(self.config.budget))


def _scheduler(config: SweepConfig, trainings: Trainings, sweep: Sweep) -> TrialScheduler:
    settings = config.scheduler
    if settings.kind == "asha":
        return _Asha(settings, [*sweep.done.values()])
    if settings.kind == "pbt":
        return _Pbt(settings, trainings, sweep.space, seed=config.search.seed)
    return FIFOScheduler()


class _Asha(_Here, AsyncHyperBandScheduler):  # type: ignore[misc]
    """ASHA, whose rungs know the trials of earlier attempts."""

    def __init__(self, config: SchedulerConfig, done: Sequence[Trial]) -> None:
        super().__init__(
            time_attr="epoch", metric="best", mode="max", max_t=_MOST_EPOCHS,
            grace_period=config.grace_epochs, reduction_factor=config.reduction,
        )  # fmt: skip
        for trial in done:
            best = float("-inf")
            for epoch, score in trial.curve:
                best = max(best, score)
                self._brackets[0].on_result(SimpleNamespace(trial_id=trial.id), epoch, best)


class _Pbt(_Here, PopulationBasedTraining):  # type: ignore[misc]
    """PBT whose values stay within the space."""

    def __init__(self, config: SchedulerConfig, trainings: Trainings, space: Space, *, seed: int) -> None:
        super().__init__(
            time_attr="epoch", metric="score", mode="max", perturbation_interval=config.every_epochs,
            quantile_fraction=config.quantile, synch=config.synchronous, custom_explore_fn=dict, log_config=False,
            require_attrs=False,
        )  # fmt: skip
        self.trainings, self.space, self.random = trainings, space, np.random.default_rng(seed)

    def _get_new_config(self, trial: Any, trial_to_clone: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        id_, values = trial.config["member"]["id"], trial_to_clone.config["member"]["values"]
        near = self.space.near(values, self.random)
        try:
            self.trainings.at(near)
        except ConfigError:  # two values that do not go together
            near = dict(values)
        return {"member": _member(id_, near)}, {}


def _fit_at_once(workers: WorkerConfig) -> int:
    """How many trials the cluster has room for, with their loaders."""
    have = ray.cluster_resources()
    needs = {"CPU": workers.num_workers * (workers.num_cpus + workers.loader_cpus)}
    if workers.use_gpu:
        needs["GPU"] = workers.num_workers * workers.num_gpus
    return max(1, min(int(have.get(name, 0.0) / need + 1e-9) for name, need in needs.items()))


def _whole(uri: str) -> str:
    """A path that means the same in every process."""
    fs, path = filesystem(uri)
    return str(path) if isinstance(fs, LocalFileSystem) else uri
