"""Logs of a training run. Below its output::

    steps.jsonl, epochs.jsonl    losses and metrics, JSON Lines (`journal`)
    metrics.json                 the newest and the best epoch
    curves.svg                   loss, learning rate and score
    pictures/epoch-0003.png      validation recordings, reference above prediction
    tensorboard/, wandb/         files of experiment trackers (`trackers`)

Only the first worker of a run writes logs. If the output is not a local folder, files are written to a temporary
folder and uploaded with each checkpoint.
"""

import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import torch
from fsspec.implementations.local import LocalFileSystem

from drumline.core.artifacts import exists, filesystem, join, read_bytes, write_bytes
from drumline.decoding.activations import Activations
from drumline.training.config import TrainConfig
from drumline.training.journal import Journal, summary
from drumline.training.pictures import curves, piano_rolls
from drumline.training.progress import Progress
from drumline.training.trackers import trackers
from drumline.training.validation import Recording

_JOURNALS: Final = ("steps.jsonl", "epochs.jsonl")
_CLASS_METRIC: Final = re.compile(r"f\d+_[a-z].*|pr_auc_.*")
"""Names of metrics of a single class."""


class Logs:
    """Log files and experiment trackers of a run.

    Parameters
    ----------
    config
        Configuration of the run.
    progress
        Step from which the run starts or resumes.
    run
        Identifier of the run, the same after resuming.
    send_line
        Called with each record as it is written.
    """

    def __init__(
        self, config: TrainConfig, progress: Progress, *, run: str, send_line: Callable[[dict[str, Any]], None]
    ) -> None:
        self.config, self.send_line = config, send_line
        fs, path = filesystem(config.output)
        self._temporary = (
            None if isinstance(fs, LocalFileSystem) else tempfile.TemporaryDirectory(prefix="drumline-logs-")
        )
        self.folder = Path(self._temporary.name if self._temporary else path)
        self._published: dict[Path, int] = {}
        if self._temporary:
            for name in _JOURNALS:
                if exists(join(config.output, name)):
                    write_bytes(str(self.folder / name), read_bytes(join(config.output, name)))
        step = self._step(progress)
        self.steps, self.epochs = (Journal(self.folder / name, until_step=step) for name in _JOURNALS)
        self.trackers = trackers(config, self.folder, run=run, step=step)
        self._plotted: list[tuple[Recording, Activations]] = []
        self._line = _Line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for tracker in self.trackers:
            tracker.close(finished=kind is None)
        self._copy()
        if self._temporary:
            self._temporary.cleanup()

    def step(
        self, progress: Progress, losses: Mapping[str, float], *, rate: float, num_windows: int, waited_s: float
    ) -> None:
        """Log a step.

        Parameters
        ----------
        progress
            Position after the step.
        losses
            Losses by name.
        rate
            Learning rate.
        num_windows
            Batch size over all workers.
        waited_s
            Time that this worker waited for its batch [s].
        """
        line = self._line
        line.add(losses, num_windows=num_windows, waited_s=waited_s)
        if progress.step % self.config.logs.every_steps and progress.step < self.config.sampling.batches:
            return
        took_s = time.perf_counter() - line.since
        means = {name: total / line.count for name, total in line.sums.items()}
        about = {"rate": rate, "windows_per_s": line.windows / took_s, "waiting": line.waited_s / took_s}
        if torch.cuda.is_available():
            about["gpu_memory_mb"] = torch.cuda.max_memory_allocated() / 2**20
        step = self._step(progress)
        stage = self.config.stages[progress.stage].name
        record = {"step": step, "epoch": progress.epoch, "stage": stage, **means, **about}
        self.steps.add(record)
        values = {f"train/{name}": value for name, value in means.items()}
        values |= {f"run/{name}": value for name, value in about.items()}
        for tracker in self.trackers:
            tracker.scalars(values, step)
        self.send_line(record)
        self._line = _Line()

    def add_picture(self, recording: Recording, activations: Activations) -> None:
        """Offer a validation recording for the epoch's picture, which shows the first few songs."""
        songs = {plotted.song_id for plotted, _ in self._plotted}
        if len(songs) < self.config.logs.pictures and recording.song_id not in songs:
            self._plotted.append((recording, activations))

    def epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """Log a validation; `progress` is the start of the next epoch."""
        step, config = self._step(progress), self.config
        record = {"step": step, "epoch": progress.epoch, "metrics": dict(metrics)}
        self.epochs.add(record)
        write_bytes(str(self.folder / "metrics.json"), summary(self.epochs.records, config.validation.score))
        values = {f"{_chart(name)}/{name}": value for name, value in metrics.items() if value == value}
        for tracker in self.trackers:
            tracker.scalars(values, step)
        if self._plotted:
            seconds = config.logs.picture_seconds
            png, pixels = piano_rolls(self._plotted, config.validation.decoding, seconds=seconds)
            write_bytes(str(self.folder / "pictures" / f"epoch-{progress.epoch:04d}.png"), png)
            for tracker in self.trackers:
                tracker.picture(pixels, step)
            self._plotted = []
        drawing = curves(self.steps.records, self.epochs.records, config.validation.score)
        write_bytes(str(self.folder / "curves.svg"), drawing.encode())
        self.send_line(record)
        self._line = _Line()

    def publish(self) -> None:
        """Flush trackers and upload files; called with each checkpoint, so that journals never lag behind it."""
        for tracker in self.trackers:
            tracker.flush()
        self._copy()

    def _copy(self) -> None:
        """Upload changed files if the output is not a local folder."""
        if not self._temporary:
            return
        for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            size = file.stat().st_size
            if self._published.get(file) != size or file.suffix in (".json", ".svg"):
                write_bytes(join(self.config.output, file.relative_to(self.folder).as_posix()), file.read_bytes())
                self._published[file] = size

    def _step(self, progress: Progress) -> int:
        return progress.epoch * self.config.sampling.batches + progress.step


@dataclass
class _Line:
    """Sums of a log line over several steps. Its clock starts with it, so that validation does not count."""

    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0
    windows: int = 0
    waited_s: float = 0.0
    since: float = field(default_factory=time.perf_counter)

    def add(self, losses: Mapping[str, float], *, num_windows: int, waited_s: float) -> None:
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in losses.items()}
        self.count, self.windows, self.waited_s = self.count + 1, self.windows + num_windows, self.waited_s + waited_s


def _chart(name: str) -> str:
    """Chart group of a metric: those of single classes have their own, which keeps the others readable."""
    return "classes" if _CLASS_METRIC.fullmatch(name) else "validation"
