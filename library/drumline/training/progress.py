"""Progress of a training run: everything besides the weights that the next step depends on.

A run has stages, a stage has epochs, an epoch has a fixed number of steps. The windows of a step depend only on seed,
epoch and step, so a resumed run trains on the same windows as an uninterrupted one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from drumline.core.config import Config
from drumline.training.schedule import ScheduleConfig, learning_rate, should_stop


class StageConfig(Config):
    """One stage of training."""

    name: str
    """Name of the stage in logs."""
    epochs: int
    """Maximum number of epochs; a stage ends early when its score stops improving."""
    schedule: ScheduleConfig = ScheduleConfig()
    """Learning rate and early stopping."""
    onset_only: bool = False
    """Train on the onset loss only, as a warm-up of the encoder."""
    freeze: tuple[str, ...] = ()
    """Name prefixes of frozen parameters."""


@dataclass(frozen=True)
class Progress:
    """Position of the next step in the run."""

    stage: int = 0
    """Index of the stage."""
    epoch: int = 0
    """Finished epochs over all stages."""
    step: int = 0
    """Finished steps of this epoch."""
    stage_steps: int = 0
    """Finished steps of this stage."""
    scores: tuple[float, ...] = ()
    """Validation scores of this stage's finished epochs."""
    best: float = float("-inf")
    """The best score of the whole run."""

    def learning_rate(self, stages: Sequence[StageConfig]) -> float:
        """Learning rate of the next step."""
        return learning_rate(self.stage_steps, self.scores, stages[self.stage].schedule)

    def after_step(self) -> "Progress":
        """Progress after one more step."""
        return replace(self, step=self.step + 1, stage_steps=self.stage_steps + 1)

    def after_epoch(self, score: float, stages: Sequence[StageConfig]) -> "Progress":
        """Progress after an epoch with a validation score, at the start of the next epoch or stage."""
        scores = (*self.scores, score)
        after = replace(self, epoch=self.epoch + 1, step=0, scores=scores, best=max(self.best, score))
        stage = stages[self.stage]
        if len(scores) >= stage.epochs or should_stop(scores, stage.schedule):
            after = replace(after, stage=self.stage + 1, stage_steps=0, scores=())
        return after

    def finished(self, stages: Sequence[StageConfig]) -> bool:
        """Whether all stages are finished."""
        return self.stage >= len(stages)

    def to_tree(self) -> dict[str, Any]:
        """Convert to plain values, for a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_tree(tree: dict[str, Any]) -> "Progress":
        """The inverse of `to_tree`."""
        return TypeAdapter(Progress).validate_python(tree)
