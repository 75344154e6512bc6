"""Learning-rate schedule of a stage: linear warm-up, then reduction on plateaus of the score.

Everything is a pure function of the step and the scores so far, so that a resumed run continues with the same rate.
"""

from collections.abc import Sequence

from pydantic import Field

from drumline.core.config import Config


class ScheduleConfig(Config):
    """Learning-rate schedule and early stopping of a stage."""

    start: float = Field(default=1e-5, gt=0)
    """Learning rate of the first step."""
    peak: float = Field(default=1e-3, gt=0)
    """Learning rate after the warm-up."""
    warmup_steps: int = Field(default=200, ge=0)
    """Steps of the linear warm-up from ``start`` to ``peak``."""
    factor: float = Field(default=0.5, gt=0, lt=1)
    """Factor on the learning rate at each plateau."""
    patience: int = Field(default=5, ge=1)
    """Epochs without improvement that count as a plateau."""
    floor: float = Field(default=1e-6, gt=0)
    """Minimum learning rate after the warm-up."""
    stop_after: int = Field(default=12, ge=1)
    """Epochs without improvement that end the stage early."""
    min_gain: float = Field(default=1e-4, ge=0)
    """Minimum gain of the score that counts as an improvement."""


def learning_rate(step: int, scores: Sequence[float], config: ScheduleConfig) -> float:
    """Learning rate of a step.

    Parameters
    ----------
    step
        Index of the step in its stage, from 0.
    scores
        Validation scores of the stage's finished epochs.
    config
        The schedule.
    """
    if step < config.warmup_steps:
        return config.start + (config.peak - config.start) * step / config.warmup_steps
    return max(config.peak * config.factor ** plateaus(scores, config), config.floor)


def plateaus(scores: Sequence[float], config: ScheduleConfig) -> int:
    """Number of plateaus in a stage's scores: runs of ``patience`` epochs without improvement."""
    best, waited, count = float("-inf"), 0, 0
    for score in scores:
        if score > best + config.min_gain:
            best, waited = score, 0
        else:
            waited += 1
        if waited == config.patience:
            count, waited = count + 1, 0
    return count


def should_stop(scores: Sequence[float], config: ScheduleConfig) -> bool:
    """Whether a stage ends early: no improvement for ``stop_after`` epochs."""
    best, since = float("-inf"), 0
    for score in scores:
        best, since = (score, 0) if score > best + config.min_gain else (best, since + 1)
    return since >= config.stop_after
