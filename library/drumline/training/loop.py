"""The loop: batches in, checkpoints and metrics out. It knows neither Ray nor where anything is kept."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from torch import Tensor

from drumline.core.errors import DrumlineError
from drumline.training.config import TrainConfig
from drumline.training.learner import Learner
from drumline.training.progress import Progress

Batch = tuple[Tensor, Mapping[str, Tensor]]
"""Samples [B, N] and label columns [B, T] of one worker's part of a step, on the learner's device."""


class Outside(Protocol):
    """What the loop tells the world."""

    def stepped(self, progress: Progress, losses: Mapping[str, float], rate: float, num_windows: int) -> None:
        """After each step. ``progress`` is where the run stands now."""

    def validate(self, learner: Learner) -> dict[str, float]:
        """Metrics of the weights as they are. Every worker is asked, and all get the same answer."""

    def save(self, progress: Progress, metrics: Mapping[str, float] | None) -> None:
        """Keep a checkpoint; ``metrics`` at the end of an epoch, None within one."""


def train(
    learner: Learner, progress: Progress, batches: Iterator[Batch], *, config: TrainConfig, outside: Outside
) -> Progress:
    """Train from ``progress`` to the end of the last stage. ``batches`` begin at its step.

    Raises DrumlineError where the batches end early, or the score that stages go by is not among the metrics.
    """
    stages = config.stages
    while not progress.finished(stages):
        while progress.step < config.sampling.batches:
            batch = next(batches, None)
            if batch is None:
                raise DrumlineError(f"no window left in epoch {progress.epoch}, step {progress.step}: an empty split?")
            samples, columns = batch
            rate = progress.learning_rate(stages)
            place = (config.seed, progress.epoch, progress.step)
            losses = learner.step(samples, columns, rate=rate, stage=stages[progress.stage], place=place)
            progress = progress.after_step()
            outside.stepped(progress, losses, rate, len(samples))
            if progress.step % config.keep.every_steps == 0 and progress.step < config.sampling.batches:
                outside.save(progress, None)
        metrics = outside.validate(learner)
        progress = progress.after_epoch(score_of(metrics, config), stages)
        outside.save(progress, metrics)
    return progress


def score_of(metrics: Mapping[str, float], config: TrainConfig) -> float:
    """The number that stages and checkpoints go by; 0 where there was nothing to be found, which is no progress.

    Raises DrumlineError where there is no such metric.
    """
    name = config.validation.score
    if name not in metrics:
        raise DrumlineError(f"validation.score: no metric {name!r}; there are {', '.join(sorted(metrics))}")
    score = metrics[name]
    return score if score == score else 0.0
