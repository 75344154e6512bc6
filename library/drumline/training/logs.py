"""What a run tells while it learns. Below its output::

    steps.jsonl, epochs.jsonl    one JSON object a line (`journal`)
    metrics.json                 the newest and the best epoch, for machines
    curves.svg                   loss, rate and score
    pictures/epoch-0003.png      validation recordings, truth above prediction
    tensorboard/, wandb/         what trackers write (`trackers`)

One worker of a run tells, and only it makes a `Logs`. Where the output is no local folder, files are written aside and
published with each checkpoint.
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
_OF_ONE: Final = re.compile(r"f\d+_[a-z].*|pr_auc_.*")
"""Names of metrics of a single class."""


class Logs:
    """The news of a run, from where it stands on."""

    def __init__(
        self, config: TrainConfig, progress: Progress, *, run: str, tell: Callable[[dict[str, Any]], None]
    ) -> None:
        """``run`` is the same for each attempt at a run; ``tell`` is given each line as it is written."""
        self.config, self.tell = config, tell
        fs, path = filesystem(config.output)
        self._aside = None if isinstance(fs, LocalFileSystem) else tempfile.TemporaryDirectory(prefix="drumline-logs-")
        self.folder = Path(self._aside.name if self._aside else path)
        self._published: dict[Path, int] = {}
        if self._aside:
            for name in _JOURNALS:
                if exists(join(config.output, name)):
                    write_bytes(str(self.folder / name), read_bytes(join(config.output, name)))
        step = self._step(progress)
        self.steps, self.epochs = (Journal(self.folder / name, until_step=step) for name in _JOURNALS)
        self.trackers = trackers(config, self.folder, run=run, step=step)
        self._seen: list[tuple[Recording, Activations]] = []
        self._line = _Line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for tracker in self.trackers:
            tracker.close(finished=kind is None)
        self._copy()
        if self._aside:
            self._aside.cleanup()

    def step(
        self, progress: Progress, losses: Mapping[str, float], *, rate: float, num_windows: int, waited_s: float
    ) -> None:
        """After each step. ``num_windows`` is of all workers; ``waited_s`` is how long this one waited for them."""
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
        self.tell(record)
        self._line = _Line()

    def look(self, recording: Recording, activations: Activations) -> None:
        """A validation recording, as the model sees it. The first of the first few songs are drawn."""
        songs = {seen.song_id for seen, _ in self._seen}
        if len(songs) < self.config.logs.pictures and recording.song_id not in songs:
            self._seen.append((recording, activations))

    def epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """After each validation; ``progress`` is where the run goes on."""
        step, config = self._step(progress), self.config
        record = {"step": step, "epoch": progress.epoch, "metrics": dict(metrics)}
        self.epochs.add(record)
        write_bytes(str(self.folder / "metrics.json"), summary(self.epochs.records, config.validation.score))
        values = {f"{_chart(name)}/{name}": value for name, value in metrics.items() if value == value}
        for tracker in self.trackers:
            tracker.scalars(values, step)
        if self._seen:
            seconds = config.logs.picture_seconds
            png, pixels = piano_rolls(self._seen, config.validation.decoding, seconds=seconds)
            write_bytes(str(self.folder / "pictures" / f"epoch-{progress.epoch:04d}.png"), png)
            for tracker in self.trackers:
                tracker.picture(pixels, step)
            self._seen = []
        drawing = curves(self.steps.records, self.epochs.records, config.validation.score)
        write_bytes(str(self.folder / "curves.svg"), drawing.encode())
        self.tell(record)
        self._line = _Line()

    def publish(self) -> None:
        """Make what was written visible; with each checkpoint, so that journals go at least as far as it does."""
        for tracker in self.trackers:
            tracker.flush()
        self._copy()

    def _copy(self) -> None:
        """To where the output is, if that is no folder of this machine's."""
        if not self._aside:
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
    """What a line tells the mean of. Its clock starts with it: validation and checkpoints do not count as training."""

    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0
    windows: int = 0
    waited_s: float = 0.0
    since: float = field(default_factory=time.perf_counter)

    def add(self, losses: Mapping[str, float], *, num_windows: int, waited_s: float) -> None:
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in losses.items()}
        self.count, self.windows, self.waited_s = self.count + 1, self.windows + num_windows, self.waited_s + waited_s


def _chart(name: str) -> str:
    """Numbers of single classes would drown the others: they get a group of their own."""
    return "classes" if _OF_ONE.fullmatch(name) else "validation"
