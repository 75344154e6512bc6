"""Configuration of an evaluation: `configs/evaluate_model/*.yaml`."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from drumline.core.config import Config
from drumline.decoding.config import DecodeConfig
from drumline.decoding.presets import Decoding
from drumline.evaluation.pairing import Unmatched
from drumline.evaluation.references import ReferenceConfig
from drumline.metrics.bootstrap import BootstrapConfig
from drumline.metrics.tally import WINDOWS_S
from drumline.metrics.verdict import VerdictConfig
from drumline.runtime.config import RayConfig


class SystemConfig(Config):
    """A system under evaluation, by its output files."""

    name: str = Field(min_length=1)
    """Name in the report."""
    predictions: str = ""
    """Folder with one file per song (JSON, JAMS, MIDI), or one file for many songs (JSON, Parquet). If empty, hits are
    decoded from ``activations``."""
    part: str = ""
    """Part of a JSON file that has several (``drum_only``, ``mix_rebuilt`` ...); empty if it has none."""
    activations: str = ""
    """Folder with one ``.npz`` of frame activations per song, for threshold-free metrics."""
    calibration: str = ""
    """Calibration file ``class_thresholds.json`` that is applied to the hits."""
    decoding: Decoding = DecodeConfig()
    """Decoding of activations into hits, used if there are no predictions."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.predictions and not self.activations:
            raise ValueError(f"{self.name}: set `predictions`, or `activations` to pick hits from")
        return self


class ScoringConfig(Config):
    """Matching windows, vocabulary and metrics of an evaluation."""

    windows_s: tuple[float, ...] = Field(default=WINDOWS_S, min_length=1)
    """Largest distance of an estimate from the hit that it matches [s]; all tables but the one by window use the
    first."""
    vocabulary: Literal["3", "5", "8", "12"] = "5"
    """Class vocabulary of the detailed tables; scores in all four vocabularies are always reported."""
    frame_mask_s: float = Field(default=0.02, ge=0)
    """Distance from a hit within which frames are ignored when activations are evaluated [s]."""

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
    """Run settings of an evaluation; none changes a number."""

    most_local_songs: int = Field(default=100, ge=0)
    """Largest number of songs that is scored in this process without starting Ray."""
    songs_a_task: int = Field(default=16, ge=1)
    """Number of songs per Ray task."""
    task_timeout_s: float = Field(default=600.0, gt=0)
    """Time limit of one task [s]."""
    ray: RayConfig = RayConfig()


class EvaluationConfig(Config):
    """Systems, ground truth, tolerances and reports of one evaluation."""

    name: str
    """Title of the report."""
    truths: tuple[ReferenceConfig, ...] = Field(min_length=1)
    """Ground truths. The first is used in all detailed tables."""
    systems: tuple[SystemConfig, ...] = Field(min_length=1)
    """Systems to evaluate. The first is the baseline unless ``baseline`` names another."""
    output: str
    """Location of the report: a local folder or ``s3://bucket/prefix``."""
    baseline: str = ""
    """Name of the system that all others are compared with; the first system if empty."""
    unmatched: Unmatched = "error"
    """Handling of unmatched names: ``error`` ends the run, ``ignore`` omits them, ``empty`` treats a song without
    predictions as silent."""
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
        """Name of the baseline system."""
        return self.baseline or self.systems[0].name
