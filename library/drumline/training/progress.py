"""Where a training run stands: small, and all that the next step depends on besides the weights.

A run is a row of stages, a stage a row of epochs, an epoch a fixed number of steps. Which windows a step trains on
follows from the seed, the epoch and the step alone, so a run that resumes here sees what an unbroken one would.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from drumline.core.config import Config
from drumline.training.schedule import ScheduleConfig, learning_rate, stands_still


class StageConfig(Config):
    """One stage of training."""

    name: str
    """What logs call it."""
    epochs: int
    """At most so many; a stage ends early when its score stands still."""
    schedule: ScheduleConfig = ScheduleConfig()
    onset_only: bool = False
    """Train on the onset loss alone (a warm-up for the encoder)."""
    freeze: tuple[str, ...] = ()
    """Parameters whose names begin so keep their values."""


@dataclass(frozen=True)
class Progress:
    """The place of the next step."""

    stage: int = 0
    """Index of the stage."""
    epoch: int = 0
    """Epochs finished since the run began, over all stages."""
    step: int = 0
    """Steps done in this epoch."""
    stage_steps: int = 0
    """Steps done in this stage."""
    scores: tuple[float, ...] = ()
    """Of this stage's finished epochs."""
    best: float = float("-inf")
    """The best score of the whole run."""

    def learning_rate(self, stages: Sequence[StageConfig]) -> float:
        """Of the next step."""
        return learning_rate(self.stage_steps, self.scores, stages[self.stage].schedule)

    def after_step(self) -> "Progress":
        return replace(self, step=self.step + 1, stage_steps=self.stage_steps + 1)

    def after_epoch(self, score: float, stages: Sequence[StageConfig]) -> "Progress":
        """The next epoch's place; the next stage's where this one is over. ``finished`` at the very end."""
        scores = (*self.scores, score)
        after = replace(self, epoch=self.epoch + 1, step=0, scores=scores, best=max(self.best, score))
        stage = stages[self.stage]
        if len(scores) >= stage.epochs or stands_still(scores, stage.schedule):
            after = replace(after, stage=self.stage + 1, stage_steps=0, scores=())
        return after

    def finished(self, stages: Sequence[StageConfig]) -> bool:
        return self.stage >= len(stages)

    def to_tree(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @staticmethod
    def from_tree(tree: dict[str, Any]) -> "Progress":
        """The inverse of `to_tree`."""
        return TypeAdapter(Progress).validate_python(tree)
