"""The configuration of an evaluation: `configs/evaluate_model/*.yaml`."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from drumline.core.config import Config
from drumline.decoding.presets import Decoding
from drumline.decoding.strokes import DecodeConfig
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.references import ReferenceConfig
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.metrics.tally import WINDOWS_S
from drumline.metrics.verdict import VerdictConfig
from drumline.runtime.config import RayConfig


class SystemConfig(Config):
    """One system, by what it wrote."""

    name: str = Field(min_length=1)
    """What the report calls it."""
    predictions: str = ""
    """A folder with a file for each song (JSON, JAMS, MIDI), or one file for many (JSON, Parquet). If empty, hits are
    picked from ``activations``."""
    part: str = ""
    """Of a JSON file that holds several parts (``drum_only``, ``mix_rebuilt`` ...): which one."""
    activations: str = ""
    """A folder with an ``.npz`` of frame activations for each song, for the metrics that need no threshold."""
    calibration: str = ""
    """A ``class_thresholds.json`` to apply to the hits before they are judged."""
    decoding: Decoding = DecodeConfig()
    """How hits are picked from activations where there are no predictions."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.predictions and not self.activations:
            raise ValueError(f"{self.name}: set `predictions`, or `activations` to pick hits from")
        return self


class ScoringConfig(Config):
    """What is counted."""

    windows_s: tuple[float, ...] = Field(default=WINDOWS_S, min_length=1)
    """How far a hit may lie from its stroke [s]. The first is the window of every table but the one of windows."""
    vocabulary: Literal["3", "5", "8", "12"] = "5"
    """Whose classes the detailed tables show. The scores of all four vocabularies are always in the report."""
    frame_mask_s: float = Field(default=0.02, ge=0)
    """Frames this near a stroke, but not its own, are neither right nor wrong when activations are judged [s]."""

    @field_validator("vocabulary", mode="before")
    @classmethod
    def _word(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value  # YAML reads the bare word as a number

    @model_validator(mode="after")
    def _windows(self) -> Self:
        if not all(0 < window_s <= 1 for window_s in self.windows_s) or len(set(self.windows_s)) < len(self.windows_s):
            raise ValueError("windows_s must be different, above 0 and at most 1 s")
        return self


class EvaluationRunConfig(Config):
    """How to run. Nothing here changes a number."""

    most_local_songs: int = Field(default=100, ge=0)
    """Up to so many songs are scored in this process, without starting Ray."""
    songs_a_task: int = Field(default=16, ge=1)
    """Songs that one of Ray's tasks scores."""
    task_timeout_s: float = Field(default=600.0, gt=0)
    """The longest that a task may take [s]."""
    ray: RayConfig = RayConfig()


class EvaluationConfig(Config):
    """Who is judged, on what, and how."""

    name: str
    """The report's title."""
    truths: tuple[ReferenceConfig, ...] = Field(min_length=1)
    """What is true. The first truth is the one of all detailed tables, others stand beside it."""
    systems: tuple[SystemConfig, ...] = Field(min_length=1)
    """Who is judged. The first is the one that the others are compared with, unless ``baseline`` names another."""
    output: str
    """Where the report goes: a local folder or ``s3://bucket/prefix``."""
    baseline: str = ""
    """The system that all others are compared with; the first if empty."""
    unmatched: Unmatched = "error"
    """Names without a partner end the run (``error``) or are left out (``ignore``); ``empty`` takes a song without
    predictions for silence."""
    scoring: ScoringConfig = ScoringConfig()
    bootstrap: BootstrapConfig = BootstrapConfig()
    verdict: VerdictConfig = VerdictConfig()
    run: EvaluationRunConfig = EvaluationRunConfig()

    @model_validator(mode="after")
    def _names(self) -> Self:
        for kind, names in (("systems", [s.name for s in self.systems]), ("truths", [t.name for t in self.truths])):
            if len(set(names)) < len(names):
                raise ValueError(f"{kind}: two have the same name")
        if self.baseline and self.baseline not in {system.name for system in self.systems}:
            raise ValueError(f"baseline: {self.baseline!r} is none of the systems")
        return self

    @property
    def compared_with(self) -> str:
        """The name of the baseline."""
        return self.baseline or self.systems[0].name
