"""What a run tells while it learns: TensorBoard, lines on the console, and metrics for machines.

Below the output: ``tensorboard/`` (event files), ``steps.jsonl`` and ``epochs.jsonl`` (one JSON object a line, for
plots), ``metrics.json`` (the newest validation). The first worker writes; the others are silent.
"""

import logging
from collections.abc import Mapping
from typing import Self

from drumline.decoding.activations import Activations
from drumline.training.config import TrainConfig
from drumline.training.progress import Progress
from drumline.training.validation import Recording

log = logging.getLogger("drumline")


class Logs:
    """Where a worker's news go."""

    def __init__(self, config: TrainConfig, *, rank: int) -> None:
        self.config, self.rank = config, rank

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def step(self, progress: Progress, losses: Mapping[str, float], *, rate: float, num_windows: int) -> None:
        """After each step."""

    def look(self, recording: Recording, activations: Activations) -> None:
        """A validation recording, as the model sees it."""

    def epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """After each validation."""
        log.info("epoch %d: %s %.4f", progress.epoch, self.config.keep.score, metrics[self.config.keep.score])
