"""Distributed training on Ray: streamed windows, one or many workers, resumable after any crash.

Each worker reads its own Ray Data stream, whose rows are the remaining steps; the driver receives only metrics, no
batches. A run resumes from its newest checkpoint, whether a worker, a node or the driver has died.
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

from drumline.core.artifacts import STORAGE_ERRORS, join, refuse_foreign_json, storage_told, write_bytes
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
from drumline.training.failures import BEYOND_RETRY, Reason, TrainingFailed, classify_error
from drumline.training.learner import Learner
from drumline.training.logs import Logs
from drumline.training.loop import Batch, score_of, train
from drumline.training.progress import Progress
from drumline.training.trackers import check_trackers
from drumline.training.validation import Counts, count, metrics, recordings

log = logging.getLogger("drumline")

_FILE_ERRORS = (*STORAGE_ERRORS, DrumlineError)
"""Errors of a worker about files that cannot be read or written, as opposed to failures of training itself."""
_PREFETCH_BATCHES = 4
"""Number of batches that are loaded ahead of a worker."""
_RAY = {
    # Time in which Ray Train's controller responds to a worker's report; its default of 2 s delays short epochs.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.3",
    # No warnings of preemption are needed: a preempted worker is replaced and resumes from the newest checkpoint.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    # A relative output path is relative to the folder in which the run was started, not to one of Ray's.
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
    """Result of a finished training run."""

    output: str
    """Output folder or URI of the run."""
    best: str
    """URI of its best checkpoint."""
    metrics: dict[str, float]
    """Validation metrics of that checkpoint."""


def prepare() -> None:
    """Set environment variables that Ray reads when it starts."""
    for name, value in _RAY.items():
        os.environ.setdefault(name, value)


def run(config: TrainConfig, *, show: Callable[[Line], None] | None = None) -> TrainResult:
    """Train a model, resuming from the run's newest checkpoint.

    Parameters
    ----------
    config
        Configuration of the run.
    show
        Called with the run's progress lines (`logs.Logs`) and, after each saved epoch, a line with ``kept`` and
        ``score``. By default they go to the console.

    Returns
    -------
    TrainResult
        Best checkpoint and its metrics.

    Raises
    ------
    ConfigError
        The configuration cannot be run, or the output holds another run; raised before any work.
    TrainingFailed
        The run failed; its checkpoints are kept.
    DrumlineError
        Files cannot be read or written.
    """
    manifest = read_manifest(config.dataset)
    for split in (config.weights.split, config.validation.split):
        if not manifest.shards(split):
            raise ConfigError(f"dataset: {config.dataset}: no shard in split {split!r}")
    check_trackers(config.logs)
    results = ("metrics.json", "curves.svg", "pictures")
    refuse_foreign_json(join(config.output, "config.json"), keys=("stages", "sampling"), beside=results)
    dataset = fingerprint(manifest.fingerprint, manifest.inputs_sha256)
    last = checkpoints.load_last(config.output)
    if last is not None and last.run != config.run_fingerprint(dataset):
        raise ConfigError(
            f"output: {config.output}: holds a run of another configuration or dataset: name another, or delete it"
        )
    progress = _resume(Learner(config, torch.device("cpu")), config)  # report what cannot be loaded before Ray starts
    if progress.finished(config.stages):
        log.info("the run in %s is finished", config.output)
        return _result(config)
    with storage_told(config.output):
        weights = config.weights_file or _write_sampling_weights(config)
        write_bytes(join(config.output, "config.json"), canonical_json(config, indent=1).encode())
    prepare()
    settings = {"config": config.model_dump_json(), "weights": weights, "dataset": dataset}
    with session(config.ray), ExitStack() as console:
        show = show or console.enter_context(Console(config, progress)).show
        _fit(config, {**settings, "send_line": console.enter_context(forward_worker_lines(show))})
    return _result(config)


def _fit(config: TrainConfig, settings: dict[str, Any]) -> None:
    """Run `_worker` on each worker; if one is lost, all resume from the newest checkpoint."""
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
                # Ray's own bookkeeping is discarded; a unique name keeps Ray from resuming an old run.
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
            reason, detail = classify_error(str(error)), _last_line(failures[0])
            if reason in ("error", "worker_died") and any(
                isinstance(unwrap_error(failure), _FILE_ERRORS) for failure in failures
            ):
                raise DrumlineError(f"{config.output}: {detail}. Finished work is kept: run again to resume") from error
            raise TrainingFailed(reason, detail) from error
        if failure:
            raise TrainingFailed(*failure)


def _worker(settings: dict[str, Any]) -> tuple[Reason, str] | None:
    """Training function of each worker: load the newest checkpoint, stream windows, run the loop.

    Returns reason and detail of a failure that would recur, for which Ray need not retry.
    """
    reduce_ray_logging()
    config = TrainConfig.model_validate_json(settings["config"])
    context = ray.train.get_context()
    rank, world, device = context.get_world_rank(), context.get_world_size(), get_device()
    torch.set_num_threads(config.workers.threads)
    learner = Learner(config, device, rank=rank)
    progress = _resume(learner, config)
    if world > 1:
        learner.join()
    stream = _TimedStream(_stream(Loader(config, settings["weights"], rank), progress, device))
    run = config.run_fingerprint(settings["dataset"])
    # Two runs of one configuration in different outputs are two runs.
    logs = None
    if rank == 0:
        logs = Logs(config, progress, run=fingerprint(run, config.output), send_line=settings["send_line"])
    with logs or nullcontext():
        meter = TrainingMeter(PurePosixPath(config.output.rstrip("/")).name)
        callbacks = _WorkerCallbacks(
            config, learner, logs, meter, stream, dataset=settings["dataset"], rank=rank, world=world
        )
        try:
            train(learner, progress, stream, config=config, callbacks=callbacks)
        except BEYOND_RETRY as error:
            if world > 1:
                raise  # the others wait for this one: Ray ends them all
            return classify_error(f"{type(error).__name__}: {error}"), _last_line(error)
    return None


def _resume(learner: Learner, config: TrainConfig) -> Progress:
    """Load the newest checkpoint, or initial weights, into the learner; return the position of the next step."""
    last = checkpoints.load_last(config.output)
    if last is not None:
        learner.load({name: getattr(last, name) for name in ("model", "optimiser", "scaler", "average")})
        return last.position
    if config.start.checkpoint:
        weights = checkpoints.weights_of(config.start.checkpoint)
        skipped = learner.start_from(weights, strict=config.start.strict, uri=config.start.checkpoint)
        log.info("%s: %d tensors, skipped: %s", config.start.checkpoint, len(weights), ", ".join(skipped) or "none")
    return Progress()


def _stream(loader: Loader, progress: Progress, device: torch.device) -> Iterator[Batch]:
    """Remaining batches of a worker: the steps of an epoch are rows of a Ray dataset, prefetched in order."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    context.raise_original_map_exception = True  # else the message does not name the damaged shard
    share = loader.config.sampling.batch_size // loader.config.workers.num_workers
    for epoch, steps in epochs(progress, loader.config):
        windows = ray.data.range(len(steps), override_num_blocks=len(steps)).map_batches(
            RowLoader(loader, epoch, steps.start),
            batch_size=1,
            batch_format="numpy",
            num_cpus=loader.config.workers.loader_cpus,
        )
        for arrays in windows.iter_batches(batch_size=share, batch_format="numpy", prefetch_batches=_PREFETCH_BATCHES):
            yield as_batch(arrays, device)


class _TimedStream:
    """Batches with the time spent waiting for them."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self.batches = batches
        self.last_s = 0.0
        """Time spent waiting for the newest batch [s]."""

    def __iter__(self) -> "_TimedStream":
        return self

    def __next__(self) -> Batch:
        since = time.perf_counter()
        batch = next(self.batches)
        self.last_s = time.perf_counter() - since
        return batch


@dataclass
class _WorkerCallbacks:
    """Training callbacks on a cluster: all workers validate, the first one writes logs and checkpoints."""

    config: TrainConfig
    learner: Learner
    logs: Logs | None
    """Logs, in the first worker only."""
    meter: TrainingMeter
    stream: _TimedStream
    dataset: str
    """Fingerprint of the dataset."""
    rank: int
    world: int

    def on_step(self, progress: Progress, losses: Mapping[str, float], rate: float, num_windows: int) -> None:
        if self.logs:
            windows = num_windows * self.world
            self.logs.step(progress, losses, rate=rate, num_windows=windows, waited_s=self.stream.last_s)
            self.meter.step(windows=windows, loss=losses["loss"], rate=rate, waited_s=self.stream.last_s)

    def validate(self, learner: Learner) -> dict[str, float]:
        config, counts, network = self.config.validation, Counts.none(), learner.inference_network()
        for recording in recordings(self.config.dataset, config, share=self.rank, of=self.world):
            activations = infer(network, learner.features, recording.samples)
            counts += count(recording, activations, config.decoding)
            if self.logs:
                self.logs.add_picture(recording, activations)
        shares: list[Counts] = [counts] * self.world
        if self.world > 1:
            dist.all_gather_object(shares, counts)
        return metrics(sum(shares, Counts.none()))

    def save(self, progress: Progress, metrics: Mapping[str, float] | None) -> None:
        if self.logs:
            if metrics is not None:
                self.logs.epoch(progress, metrics)
                self.meter.epoch(progress.epoch, score_of(metrics, self.config))
            self.logs.publish()
            self._save_checkpoint(progress, metrics)
            if metrics is not None:
                self.logs.send_line({"kept": progress.epoch, "score": score_of(metrics, self.config)})
        if metrics is not None:
            ray.train.report(dict(metrics))

    def _save_checkpoint(self, progress: Progress, metrics: Mapping[str, float] | None) -> None:
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


def _write_sampling_weights(config: TrainConfig) -> str:
    """Write the table of sampling weights beside the checkpoints; return its URI."""
    uri = join(config.output, "sampling_weights.parquet")
    hard = read_hard_windows(config.hard_windows) if config.hard_windows else ()
    write_weights(sampling_weights(config.dataset, config.weights, hard=hard), uri)
    return uri


def _result(config: TrainConfig) -> TrainResult:
    best = checkpoints.best_of(config.output)
    return TrainResult(config.output, best, checkpoints.load(best).metrics)


def _last_line(error: BaseException) -> str:
    """Last line of a worker's error message, which is the most specific one."""
    return error_message(error).splitlines()[-1][:500]
