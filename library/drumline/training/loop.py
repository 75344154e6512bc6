"""Training loop: batches in, callbacks for steps, validation and checkpoints out. Without Ray or files."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from torch import Tensor

from drumline.core.errors import DrumlineError
from drumline.training.config import TrainConfig
from drumline.training.learner import Learner
from drumline.training.progress import Progress

Batch = tuple[Tensor, Mapping[str, Tensor]]
"""Samples [B, N] and label columns [B, T] of one worker's part of a batch, on the learner's device."""


class TrainingCallbacks(Protocol):
    """Callbacks of the training loop."""

    def on_step(self, progress: Progress, losses: Mapping[str, float], rate: float, num_windows: int) -> None:
        """Called after each step, with losses by name, learning rate and batch size of this worker."""

    def validate(self, learner: Learner) -> dict[str, float]:
        """Compute validation metrics of the current weights; called in every worker, with the same result."""

    def save(self, progress: Progress, metrics: Mapping[str, float] | None) -> None:
        """Save a checkpoint; ``metrics`` at the end of an epoch, None within one."""


def train(
    learner: Learner, progress: Progress, batches: Iterator[Batch], *, config: TrainConfig, callbacks: TrainingCallbacks
) -> Progress:
    """Train to the end of the last stage.

    Parameters
    ----------
    learner
        Network and optimiser.
    progress
        Position of the first step.
    batches
        Batches from that step on.
    config
        Configuration of the run.
    callbacks
        Validation, logs and checkpoints.

    Returns
    -------
    Progress
        Position after the last step.

    Raises
    ------
    DrumlineError
        The batches end early, or ``validation.score`` is not among the metrics.
    """
    stages = config.stages
    while not progress.finished(stages):
        while progress.step < config.sampling.batches:
            batch = next(batches, None)
            if batch is None:
                raise DrumlineError(f"no window left in epoch {progress.epoch}, step {progress.step}: an empty split?")
            samples, columns = batch
            rate = progress.learning_rate(stages)
            seed = (config.seed, progress.epoch, progress.step)
            losses = learner.step(samples, columns, rate=rate, stage=stages[progress.stage], seed=seed)
            progress = progress.after_step()
            callbacks.on_step(progress, losses, rate, len(samples))
            if progress.step % config.keep.every_steps == 0 and progress.step < config.sampling.batches:
                callbacks.save(progress, None)
        metrics = callbacks.validate(learner)
        progress = progress.after_epoch(score_of(metrics, config), stages)
        callbacks.save(progress, metrics)
    return progress


def score_of(metrics: Mapping[str, float], config: TrainConfig) -> float:
    """Validation score that stages and checkpoints are ranked by; 0 if it is NaN.

    Raises
    ------
    DrumlineError
        There is no such metric.
    """
    name = config.validation.score
    if name not in metrics:
        raise DrumlineError(f"validation.score: no metric {name!r}; available: {', '.join(sorted(metrics))}")
    score = metrics[name]
    return score if score == score else 0.0
