"""The learning rate over a stage: a linear warm-up, then halved whenever the score stands still.

All is a pure function of the step and of the scores so far, so that a run that was killed goes on with the rate that
it would have had.
"""

from collections.abc import Sequence

from pydantic import Field

from drumline.core.config import Config


class ScheduleConfig(Config):
    """How the learning rate changes within a stage."""

    start: float = Field(default=1e-5, gt=0)
    """Rate of the first step."""
    peak: float = Field(default=1e-3, gt=0)
    """Rate after the warm-up."""
    warmup_steps: int = Field(default=200, ge=0)
    """Steps from ``start`` to ``peak``."""
    factor: float = Field(default=0.5, gt=0, lt=1)
    """What the rate is multiplied by on a plateau."""
    patience: int = Field(default=5, ge=1)
    """Epochs without a better score that make a plateau."""
    floor: float = Field(default=1e-6, gt=0)
    """No rate after the warm-up is lower."""
    stop_after: int = Field(default=12, ge=1)
    """Epochs without a better score that end the stage early."""
    min_gain: float = Field(default=1e-4, ge=0)
    """A score is better if it exceeds the best before by more than this."""


def learning_rate(step: int, scores: Sequence[float], config: ScheduleConfig) -> float:
    """The rate of a step of a stage (counted from 0) after the scores of its finished epochs."""
    if step < config.warmup_steps:
        return config.start + (config.peak - config.start) * step / config.warmup_steps
    return max(config.peak * config.factor ** plateaus(scores, config), config.floor)


def plateaus(scores: Sequence[float], config: ScheduleConfig) -> int:
    """How often a stage's scores stood still for ``patience`` epochs; each time the count begins anew."""
    best, waited, found = float("-inf"), 0, 0
    for score in scores:
        if score > best + config.min_gain:
            best, waited = score, 0
        else:
            waited += 1
        if waited == config.patience:
            found, waited = found + 1, 0
    return found


def stands_still(scores: Sequence[float], config: ScheduleConfig) -> bool:
    """Whether a stage should end early: no better score for ``stop_after`` epochs."""
    best, since = float("-inf"), 0
    for score in scores:
        best, since = (score, 0) if score > best + config.min_gain else (best, since + 1)
    return since >= config.stop_after
