"""Training on Ray: streaming windows, one or many workers, killed and resumed without a trace.

Each worker has a Ray Data stream of its own, whose rows are the steps still to come: the driver learns nothing but
metrics, and no batch passes through it. The place where a run goes on is its own newest checkpoint, so a worker that
died, a node that left and a driver that was killed all come back the same way.
"""

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import ray
import ray.train
import torch
import torch.distributed as dist
from ray.train import FailureConfig, LoggingConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, get_device

from drumline.core.artifacts import STORAGE_ERRORS, join, storage_told, write_bytes
from drumline.core.config import canonical_json, fingerprint
from drumline.core.errors import ConfigError, DrumlineError
from drumline.dataset.manifest import read_manifest
from drumline.dataset.sampling_weights import read_hard_windows, sampling_weights, write_weights
from drumline.decoding.infer import infer
from drumline.runtime.metrics import TrainingMeter
from drumline.runtime.ray_errors import error_message, unwrap_error
from drumline.runtime.ray_logging import reduce_ray_logging
from drumline.runtime.session import session
from drumline.runtime.worker_console import Line, forward_worker_lines
from drumline.training import checkpoints
from drumline.training.checkpoints import Checkpoint
from drumline.training.config import TrainConfig
from drumline.training.console import Console
from drumline.training.data import Loader, RowLoader, as_batch, epochs
from drumline.training.failures import BEYOND_RETRY, Reason, TrainingFailed, reason_of
from drumline.training.learner import Learner
from drumline.training.logs import Logs
from drumline.training.loop import Batch, score_of, train
from drumline.training.progress import Progress
from drumline.training.trackers import check_trackers
from drumline.training.validation import Counts, count, metrics, recordings

log = logging.getLogger("drumline")

_OUTSIDE = (*STORAGE_ERRORS, DrumlineError)
"""What a worker raises over files that cannot be read or written: no failure of the training's own."""
_AHEAD = 4
"""Batches that are loaded ahead of a worker."""
_RAY = {
    # Ray Train's controller answers a worker's report within so long; its default of 2 s holds short epochs up.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.3",
    # Nothing to be warned of: whoever is preempted is replaced, and goes on from the newest checkpoint.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    # A relative output means what it means to whoever started the run, not a folder of Ray's.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # A private cluster would end each idle loader after a second and import torch again for the next: by default it
    # keeps as many processes as it has CPUs, and the workers of the run are among them.
    "RAY_num_workers_soft_limit": "16",
}
_MEMORY = {
    # A step's tensors come and go by the hundred megabytes. Left to itself malloc hands each back to the system and
    # asks for it again, page by page: a third of a CPU's time (docs/benchmarks.md).
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
}


@dataclass(frozen=True)
class TrainResult:
    """A finished run."""

    output: str
    best: str
    """URI of its best checkpoint."""
    metrics: dict[str, float]
    """Of that checkpoint."""


def prepare() -> None:
    """Set what Ray takes over from the environment when it starts."""
    for name, value in _RAY.items():
        os.environ.setdefault(name, value)


def run(config: TrainConfig, *, show: Callable[[Line], None] | None = None) -> TrainResult:
    """Train a model, going on from the run's newest checkpoint. ``show`` is given the run's lines (`logs.Logs`) and, of
    each epoch whose checkpoint is kept, one with ``kept`` and ``score``; the console has them if it is None.

    Raises ConfigError before any work where the configuration cannot be run or the output holds another run,
    TrainingFailed where the run as a whole fails, DrumlineError where files cannot be read or written; what was learnt
    until then is kept.
    """
    manifest = read_manifest(config.dataset)
    for split in (config.weights.split, config.validation.split):
        if not manifest.shards(split):
            raise ConfigError(f"dataset: {config.dataset}: no shard in split {split!r}")
    check_trackers(config.logs)
    dataset = fingerprint(manifest.fingerprint, manifest.inputs_sha256)
    last = checkpoints.load_last(config.output)
    if last is not None and last.run != config.run_fingerprint(dataset):
        raise ConfigError(
            f"output: {config.output}: holds a run of another configuration or dataset: name another, or delete it"
        )
    progress = _take_up(Learner(config, torch.device("cpu")), config)  # whatever cannot be loaded is told here
    if progress.finished(config.stages):
        log.info("the run in %s is finished", config.output)
        return _result(config)
    with storage_told(config.output):
        weights = config.weights_file or _weigh(config)
        write_bytes(join(config.output, "config.json"), canonical_json(config, indent=1).encode())
    prepare()
    settings = {"config": config.model_dump_json(), "weights": weights, "dataset": dataset}
    with session(config.ray), ExitStack() as console:
        show = show or console.enter_context(Console(config, progress)).show
        _fit(config, {**settings, "tell": console.enter_context(forward_worker_lines(show))})
    return _result(config)


def _fit(config: TrainConfig, settings: dict[str, Any]) -> None:
    """Run `_worker` on each worker; where one is lost, all begin again at the newest checkpoint."""
    gpu = {"GPU": config.workers.num_gpus} if config.workers.use_gpu else {}
    with tempfile.TemporaryDirectory(prefix="drumline-") as bookkeeping:
        trainer = TorchTrainer(
            _worker,
            train_loop_config=settings,
            scaling_config=ScalingConfig(
                num_workers=config.workers.num_workers,
                use_gpu=config.workers.use_gpu,
                resources_per_worker={"CPU": config.workers.num_cpus} | gpu,
            ),
            run_config=RunConfig(
                # Ray's own bookkeeping, of which nothing is kept: a name of its own, or Ray would take up an old run.
                name=f"drumline-{time.time_ns()}",
                storage_path=bookkeeping,
                failure_config=FailureConfig(max_failures=config.workers.max_failures),
                logging_config=LoggingConfig(log_level="WARNING"),
                worker_runtime_env={"env_vars": _MEMORY},
            ),
        )
        try:
            failure = trainer.fit().return_value
        except ray.train.TrainingFailedError as error:
            failures = [*(getattr(error, "worker_failures", None) or {0: error}).values()]
            reason, detail = reason_of(str(error)), _end(failures[0])
            if reason in ("error", "worker_died") and any(
                isinstance(unwrap_error(each), _OUTSIDE) for each in failures
            ):
                raise DrumlineError(
                    f"{config.output}: {detail}. What was finished is kept: run again to resume"
                ) from error
            raise TrainingFailed(reason, detail) from error
        if failure:
            raise TrainingFailed(*failure)


def _worker(settings: dict[str, Any]) -> tuple[Reason, str] | None:
    """What each worker runs: the newest checkpoint, its own stream of windows, the loop.

    Gives reason and detail of a failure that Ray need not try again.
    """
    reduce_ray_logging()
    config = TrainConfig.model_validate_json(settings["config"])
    context = ray.train.get_context()
    rank, world, device = context.get_world_rank(), context.get_world_size(), get_device()
    torch.set_num_threads(config.workers.threads)
    learner = Learner(config, device, rank=rank)
    progress = _take_up(learner, config)
    if world > 1:
        learner.join()
    stream = _Waited(_stream(Loader(config, settings["weights"], rank), progress, device))
    run = config.run_fingerprint(settings["dataset"])
    # Two runs of one configuration in different outputs are two runs.
    logs = Logs(config, progress, run=fingerprint(run, config.output), tell=settings["tell"]) if rank == 0 else None
    with logs or nullcontext():
        meter = TrainingMeter(PurePosixPath(config.output.rstrip("/")).name)
        outside = _Outside(config, learner, logs, meter, stream, dataset=settings["dataset"], rank=rank, world=world)
        try:
            train(learner, progress, stream, config=config, outside=outside)
        except BEYOND_RETRY as error:
            if world > 1:
                raise  # the others wait for this one: Ray ends them all
            return reason_of(f"{type(error).__name__}: {error}"), _end(error)
    return None


def _take_up(learner: Learner, config: TrainConfig) -> Progress:
    """Where the run goes on, with the weights that it has there."""
    last = checkpoints.load_last(config.output)
    if last is not None:
        learner.load({name: getattr(last, name) for name in ("model", "optimiser", "scaler", "average")})
        return last.place
    if config.start.checkpoint:
        weights = checkpoints.weights_of(config.start.checkpoint)
        left = learner.start_from(weights, strict=config.start.strict, place=config.start.checkpoint)
        log.info("%s: %d weights taken, left out: %s", config.start.checkpoint, len(weights), ", ".join(left) or "none")
    return Progress()


def _stream(loader: Loader, progress: Progress, device: torch.device) -> Iterator[Batch]:
    """A worker's batches from a place on: an epoch's steps are the rows of a Ray dataset, loaded ahead, in order."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    context.raise_original_map_exception = True  # else nobody learns which shard is damaged
    share = loader.config.sampling.batch_size // loader.config.workers.num_workers
    for epoch, steps in epochs(progress, loader.config):
        windows = ray.data.range(len(steps), override_num_blocks=len(steps)).map_batches(
            RowLoader(loader, epoch, steps.start),
            batch_size=1,
            batch_format="numpy",
            num_cpus=loader.config.workers.loader_cpus,
        )
        for arrays in windows.iter_batches(batch_size=share, batch_format="numpy", prefetch_batches=_AHEAD):
            yield as_batch(arrays, device)


class _Waited:
    """Batches, and how long they were waited for."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self.batches = batches
        self.last_s = 0.0
        """For the newest of them."""

    def __iter__(self) -> "_Waited":
        return self

    def __next__(self) -> Batch:
        since = time.perf_counter()
        batch = next(self.batches)
        self.last_s = time.perf_counter() - since
        return batch


@dataclass
class _Outside:
    """The loop's `Outside` on a cluster: the first worker writes, all of them judge."""

    config: TrainConfig
    learner: Learner
    logs: Logs | None
    """Of the first worker."""
    meter: TrainingMeter
    stream: _Waited
    dataset: str
    """Fingerprint."""
    rank: int
    world: int

    def stepped(self, progress: Progress, losses: Mapping[str, float], rate: float, num_windows: int) -> None:
        if self.logs:
            windows = num_windows * self.world
            self.logs.step(progress, losses, rate=rate, num_windows=windows, waited_s=self.stream.last_s)
            self.meter.step(windows=windows, loss=losses["loss"], rate=rate, waited_s=self.stream.last_s)

    def validate(self, learner: Learner) -> dict[str, float]:
        config, own, network = self.config.validation, Counts.none(), learner.judged()
        for recording in recordings(self.config.dataset, config, share=self.rank, of=self.world):
            activations = infer(network, learner.features, recording.samples)
            own += count(recording, activations, config.decoding)
            if self.logs:
                self.logs.look(recording, activations)
        shares: list[Counts] = [own] * self.world
        if self.world > 1:
            dist.all_gather_object(shares, own)
        return metrics(sum(shares, Counts.none()))

    def save(self, progress: Progress, metrics: Mapping[str, float] | None) -> None:
        if self.logs:
            if metrics is not None:
                self.logs.epoch(progress, metrics)
                self.meter.epoch(progress.epoch, score_of(metrics, self.config))
            self.logs.publish()
            self._keep(progress, metrics)
            if metrics is not None:
                self.logs.tell({"kept": progress.epoch, "score": score_of(metrics, self.config)})
        if metrics is not None:
            ray.train.report(dict(metrics))

    def _keep(self, progress: Progress, metrics: Mapping[str, float] | None) -> None:
        checkpoint = Checkpoint(
            config=canonical_json(self.config),
            dataset=self.dataset,
            run=self.config.run_fingerprint(self.dataset),
            progress=progress.to_tree(),
            metrics=dict(metrics or {}),
            **self.learner.state(),
        )
        if metrics is not None:
            score = score_of(metrics, self.config)
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


def _end(error: BaseException) -> str:
    """The end of what a worker says: of its text's lines the last tells most."""
    return error_message(error).splitlines()[-1][:500]
