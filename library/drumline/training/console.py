"""Console output of a training run: a progress bar, and a line for each epoch."""

import logging
import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from drumline.training.config import TrainConfig
from drumline.training.progress import Progress

log = logging.getLogger("drumline")


class Console:
    """Progress bar and epoch lines of a run, from the lines of `logs.Logs`.

    Parameters
    ----------
    config
        Configuration of the run.
    progress
        Step from which the run starts or resumes.
    """

    def __init__(self, config: TrainConfig, progress: Progress) -> None:
        self.config = config
        self.loss = float("nan")
        self.windows_per_s = 0.0
        self.best, self.best_epoch = progress.best, 0
        self.bar = tqdm(
            total=config.max_epochs * config.sampling.batches,
            initial=progress.epoch * config.sampling.batches + progress.step,
            desc=f"epoch {progress.epoch + 1}/{config.max_epochs}",
            unit="step",
            smoothing=0.05,
            mininterval=0.5,
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.bar.close()

    def show(self, line: dict[str, Any]) -> None:
        """Print one progress line (steps or epoch); lines repeated by a restarted worker are dropped."""
        if "kept" in line:
            return
        if "metrics" in line:
            self._epoch(line)
            return
        self.loss, self.windows_per_s = line["loss"], line["windows_per_s"]
        self.bar.set_description_str(f"epoch {line['epoch'] + 1}/{self.config.max_epochs} ({line['stage']})")
        self.bar.set_postfix_str(
            f"loss {self.loss:.3f}, rate {line['rate']:.1e}, {self.windows_per_s:.1f} windows/s, {self._score()}"
        )
        self.bar.update(line["step"] - self.bar.n)

    def _epoch(self, line: dict[str, Any]) -> None:
        score = line["metrics"][self.config.validation.score]
        if score > self.best:
            self.best, self.best_epoch = score, line["epoch"]
        self.bar.clear()
        log.info(
            "epoch %d/%d: %s %.4f, loss %.4f, %.1f windows/s%s",
            *(line["epoch"], self.config.max_epochs, self.config.validation.score, score),
            *(self.loss, self.windows_per_s, " (the best so far)" if self.best_epoch == line["epoch"] else ""),
        )

    def _score(self) -> str:
        name = self.config.validation.score
        return f"{name} {self.best:.3f}" if self.best > float("-inf") else f"{name} -"
