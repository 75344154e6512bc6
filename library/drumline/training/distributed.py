"""Training on Ray: streaming windows, one or many workers, killed and resumed without a trace.

Each worker has a Ray Data stream of its own, whose rows are the steps still to come: the driver learns nothing but
metrics, and no batch passes through it. The place where a run goes on is its own newest checkpoint, so a worker that
died, a node that left and a driver that was killed all come back the same way.
"""

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import ray
import ray.train
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, get_device, prepare_model

from drumline.core.artifacts import join, write_bytes
from drumline.core.config import canonical_json
from drumline.core.errors import ConfigError, DrumlineError
from drumline.dataset.manifest import read_manifest
from drumline.dataset.sampling_weights import read_hard_windows, sampling_weights, write_weights
from drumline.decoding.infer import infer
from drumline.runtime.session import session
from drumline.training import checkpoints
from drumline.training.checkpoints import Checkpoint
from drumline.training.config import TrainConfig
from drumline.training.data import Loader, Place, as_batch, places
from drumline.training.learner import Learner
from drumline.training.logs import Logs
from drumline.training.loop import Batch, train
from drumline.training.progress import Progress
from drumline.training.validation import Counts, count, metrics, recordings

log = logging.getLogger("drumline")

_AHEAD = 4
"""Batches that are loaded ahead of a worker."""
_POLL_S = "0.3"
"""Ray Train's controller answers a worker's report within so long; its default of 2 s holds short epochs up."""


@dataclass(frozen=True)
class TrainResult:
    """A finished run."""

    output: str
    best: str
    """URI of its best checkpoint."""
    metrics: dict[str, float]
    """Of that checkpoint."""


def run(config: TrainConfig) -> TrainResult:
    """Train a model, going on from the run's newest checkpoint.

    Raises ConfigError before any work where the configuration cannot be run or the output holds another run,
    DrumlineError where the run as a whole fails; what was learnt until then is kept.
    """
    manifest = read_manifest(config.dataset)
    if not manifest.shards(config.weights.split):
        raise ConfigError(f"dataset: {config.dataset}: no shard in split {config.weights.split!r}")
    identity = config.run_fingerprint(manifest.fingerprint + manifest.inputs_sha256)
    last = checkpoints.load_last(config.output)
    if last is not None and last.dataset != identity:
        raise ConfigError(
            f"output: {config.output}: holds a run of another configuration or dataset: name another, or delete it"
        )
    progress = last.place if last else Progress()
    if progress.finished(config.stages):
        log.info("the run in %s is finished", config.output)
        return _result(config)
    weights = config.weights_file or _weigh(config)
    write_bytes(join(config.output, "config.json"), canonical_json(config, indent=1).encode())
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", _POLL_S)
    with session(config.ray), tempfile.TemporaryDirectory(prefix="drumline-") as bookkeeping:
        trainer = TorchTrainer(
            _worker,
            train_loop_config={"config": config.model_dump_json(), "weights": weights, "identity": identity},
            scaling_config=ScalingConfig(
                num_workers=config.workers.num_workers,
                use_gpu=config.workers.use_gpu,
                resources_per_worker={"CPU": config.workers.num_cpus} | ({"GPU": 1} if config.workers.use_gpu else {}),
            ),
            run_config=RunConfig(
                # Ray's own bookkeeping, of which nothing is kept: a name of its own, or Ray would take up an old run.
                name=f"{identity}-{time.time_ns()}",
                storage_path=bookkeeping,
                failure_config=FailureConfig(max_failures=config.workers.max_failures),
            ),
        )
        try:
            trainer.fit()
        except ray.train.TrainingFailedError as error:
            raise DrumlineError(
                f"training failed: {_cause(error)}. Run again to go on from the last checkpoint"
            ) from error
    return _result(config)


def _worker(settings: dict[str, str]) -> None:
    """What each worker runs: the newest checkpoint, its own stream of windows, the loop."""
    config = TrainConfig.model_validate_json(settings["config"])
    context = ray.train.get_context()
    rank, world, device = context.get_world_rank(), context.get_world_size(), get_device()
    torch.set_num_threads(config.workers.threads)
    learner = Learner(config, device)
    progress = _take_up(learner, config)
    if world > 1:
        learner.module = prepare_model(learner.network)
    with Logs(config, rank=rank) as logs:
        outside = _Outside(config, learner, logs, settings["identity"], rank=rank, world=world)
        stream = _stream(Loader(config, settings["weights"], rank), progress, device)
        train(learner, progress, stream, config=config, outside=outside, rank=rank)


def _take_up(learner: Learner, config: TrainConfig) -> Progress:
    """Where the run goes on, with the weights that it has there."""
    last = checkpoints.load_last(config.output)
    if last is not None:
        learner.load({name: getattr(last, name) for name in ("model", "optimiser", "scaler", "average")})
        return last.place
    if config.start.checkpoint:
        start = checkpoints.load(config.start.checkpoint)
        left = learner.start_from(start.weights, strict=config.start.strict, place=config.start.checkpoint)
        log.info(
            "%s: %d weights taken, left out: %s", config.start.checkpoint, len(start.weights), ", ".join(left) or "none"
        )
    return Progress()


def _stream(loader: Loader, progress: Progress, device: torch.device) -> Iterator[Batch]:
    """A worker's batches from a place on: an epoch's steps are the rows of a Ray dataset, loaded ahead, in order."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    share = loader.config.sampling.batch_size // loader.config.workers.num_workers
    for epoch, steps in groupby(places(progress, loader.config), key=lambda place: place.epoch):
        first, *rest = [place.step for place in steps]
        windows = ray.data.range(1 + len(rest), override_num_blocks=1 + len(rest)).map_batches(
            _Load(loader, Place(epoch, first)),
            batch_size=1,
            batch_format="numpy",
            num_cpus=loader.config.workers.loader_cpus,
        )
        for arrays in windows.iter_batches(batch_size=share, batch_format="numpy", prefetch_batches=_AHEAD):
            yield as_batch(arrays, device)


class _Load:
    """The number of a row to the windows of a step."""

    def __init__(self, loader: Loader, first: Place) -> None:
        self.loader, self.first = loader, first

    def __call__(self, rows: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
        return self.loader(Place(self.first.epoch, self.first.step + int(rows["id"][0])))


@dataclass
class _Outside:
    """The loop's `Outside` on a cluster: the first worker writes, all of them judge."""

    config: TrainConfig
    learner: Learner
    logs: Logs
    identity: str
    rank: int
    world: int

    def stepped(self, progress: Progress, losses: Mapping[str, float], rate: float, num_windows: int) -> None:
        self.logs.step(progress, losses, rate=rate, num_windows=num_windows * self.world)

    def validate(self, learner: Learner) -> dict[str, float]:
        judged = deepcopy(learner.network)
        judged.load_state_dict(dict(learner.judged()))
        judged.eval()
        config, own = self.config.validation, Counts.none()
        for recording in recordings(self.config.dataset, config, share=self.rank, of=self.world):
            activations = infer(judged, learner.features, recording.samples)
            own += count(recording, activations, config.decoding)
            self.logs.look(recording, activations)
        shares = [own] * self.world
        if self.world > 1:
            dist.all_gather_object(shares, own)
        return metrics(sum(shares, Counts.none()))

    def save(self, progress: Progress, metrics: Mapping[str, float] | None) -> None:
        if metrics is not None:
            self.logs.epoch(progress, metrics)
            ray.train.report(dict(metrics))
        if self.rank:
            return
        checkpoint = Checkpoint(
            config=canonical_json(self.config),
            dataset=self.identity,
            progress=progress.to_tree(),
            metrics=dict(metrics or {}),
            **self.learner.state(),
        )
        if metrics is not None:
            score = metrics[self.config.keep.score]
            checkpoints.keep_best(checkpoint, self.config.output, score=score, keep=self.config.keep.best)
        checkpoints.save_last(checkpoint, self.config.output)


def _weigh(config: TrainConfig) -> str:
    """The table of weights beside the checkpoints, made once."""
    uri = join(config.output, "sampling_weights.parquet")
    hard = read_hard_windows(config.hard_windows) if config.hard_windows else ()
    write_weights(sampling_weights(config.dataset, config.weights, hard=hard), uri)
    return uri


def _result(config: TrainConfig) -> TrainResult:
    best = checkpoints.best_of(config.output)
    return TrainResult(config.output, best, checkpoints.load(best).metrics)


def _cause(error: BaseException) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return " ".join(str(cause).split())[:500]
