"""Configuration of `check boundaries`."""

from typing import Self

from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.decoding.cache import CacheConfig
from drumline.decoding.config import DecodeConfig
from drumline.decoding.presets import Decoding
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.quality.gates import Limit
from drumline.quality.report import CheckConfig


class BoundaryGates(Config):
    """Limits of `check boundaries`; null disables a gate."""

    macro_recall: Limit | None = Limit(at_least=0.95)
    """Macro recall: mean over the labels that occur."""
    micro_recall: Limit | None = None
    """Micro recall: over the pooled counts of all labels."""
    leading: Limit | None = None
    """Micro recall of onsets just after the start of a window."""
    trailing: Limit | None = None
    """Micro recall of onsets just before the end of a window."""
    recall: dict[str, Limit] = Field(default={})
    """Recall by label."""
    macro_lost: Limit | None = None
    """Macro recall on whole recordings minus macro recall on windows: loss caused by the edges."""


class CheckpointConfig(Config):
    """A checkpoint that is run on the pack's windows and on its whole recordings."""

    checkpoint: str
    """Checkpoint URI, or the output folder of a training run (its best checkpoint is used)."""
    dataset: str = ""
    """Built dataset that the pack was made from; set this or ``audio``."""
    audio: str = ""
    """Folder that the pack's audio paths are relative to, for packs made from an event manifest."""
    tolerance_ms: float = Field(default=50.0, gt=0)
    """Largest distance of a predicted hit from the onset [ms]."""
    decoding: Decoding = DecodeConfig()
    """Decoding of activations into hits."""
    calibration: str = ""
    """Calibration file ``class_thresholds.json``; empty for the decoder's thresholds."""
    cache: CacheConfig = CacheConfig()
    """Activation cache for recordings and windows, shared with `predict`."""
    most_recordings: int = Field(default=1_000, ge=1)
    """Largest number of recordings to run; of more, an evenly spaced selection is used."""


class BoundariesConfig(CheckConfig):
    """A boundary pack and the predictions whose recall near window edges is measured."""

    labels: str
    """Labels of the pack: its labels.jsonl."""
    predictions: str = ""
    """Predictions of a streaming system from each sample's window: JSON lines with sample_id, scores (or labels)."""
    whole_file: str = ""
    """Predictions of the same system from whole recordings, to compare with; JSON lines as above."""
    model: CheckpointConfig | None = None
    """Checkpoint to run instead of reading predictions."""
    threshold: float = Field(default=0.5, ge=0, le=1)
    """Lowest score with which a label counts as predicted."""
    group_by: str = ""
    """Field that groups samples for bootstrap resampling, as in `check bootstrap`."""
    draws: BootstrapConfig = BootstrapConfig()
    gates: BoundaryGates = BoundaryGates()

    @model_validator(mode="after")
    def _one_system(self) -> Self:
        if bool(self.predictions) == (self.model is not None):
            raise ValueError("set either `predictions` or `model`")
        if self.whole_file and self.model:
            raise ValueError("a `model` runs on whole recordings too: leave `whole_file` out")
        return self
