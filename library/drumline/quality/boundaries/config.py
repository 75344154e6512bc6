"""The configuration of `check boundaries`."""

from typing import Self

from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.decoding.cache import CacheConfig
from drumline.decoding.presets import Decoding
from drumline.decoding.strokes import DecodeConfig
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.quality.gates import Limit
from drumline.quality.report import CheckConfig


class BoundaryGates(Config):
    """Limits."""

    macro_recall: Limit | None = Limit(at_least=0.95)
    """Mean recall over the labels that occur."""
    micro_recall: Limit | None = None
    """Recall of all labels taken together."""
    leading: Limit | None = None
    """The same, just after a window's start."""
    trailing: Limit | None = None
    """The same, just before its end."""
    recall: dict[str, Limit] = Field(default={})
    """Recall by label."""
    macro_lost: Limit | None = None
    """Macro recall of whole recordings less that of windows: what the edges cost."""


class ListeningConfig(Config):
    """A checkpoint, and the recordings of the pack."""

    checkpoint: str
    """A checkpoint's URI, or a training run's output: then its best."""
    dataset: str = ""
    """The built dataset that the pack was made from."""
    audio: str = ""
    """The folder that the pack's audio paths start from, where it was made from an events JSONL."""
    tolerance_ms: float = Field(default=50.0, gt=0)
    """A hit is the onset's up to this distance [ms]."""
    decoding: Decoding = DecodeConfig()
    """How activations become hits."""
    calibration: str = ""
    """A ``class_thresholds.json``."""
    cache: CacheConfig = CacheConfig()
    """What the checkpoint says of recordings and their windows, as `predict` keeps it."""
    most_recordings: int = Field(default=1_000, ge=1)
    """Of more, as many at even distances."""


class BoundariesConfig(CheckConfig):
    """Recall near the edges of windows."""

    labels: str
    """A pack's labels.jsonl."""
    predictions: str = ""
    """JSON lines of what a streaming system hears of each sample's window: sample_id, scores (or labels)."""
    whole_file: str = ""
    """The same of what it hears there when it has the whole recording, to compare with."""
    model: ListeningConfig | None = None
    """Instead of predictions: a checkpoint that listens both ways."""
    threshold: float = Field(default=0.5, ge=0, le=1)
    """The least score with which a label counts as predicted."""
    group_by: str = ""
    """What is drawn, as in `check bootstrap`."""
    draws: BootstrapConfig = BootstrapConfig()
    gates: BoundaryGates = BoundaryGates()

    @model_validator(mode="after")
    def _one_system(self) -> Self:
        if bool(self.predictions) == (self.model is not None):
            raise ValueError("set either `predictions` or `model`")
        if self.whole_file and self.model:
            raise ValueError("a `model` listens to whole recordings itself: leave `whole_file` out")
        return self
