"""Decoder configuration: thresholds, spacings and rules that turn activations into hits."""

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from drumline.core.config import Config


class MicroConfig(Config):
    """Second pass over dense passages with the package's micro model (frames of 2.9 ms)."""

    gap_ms: float = Field(default=60.0, gt=0)
    """Largest inter-onset interval of a dense passage, over all classes [ms]; 60 covers 16ths from 250 BPM."""
    num_strokes: int = Field(default=6, ge=2)
    """Least number of consecutive onsets in a dense passage."""
    around_ms: float = Field(default=90.0, ge=0)
    """Context added on either side of a dense passage [ms]."""
    spacing_ms: float = Field(default=40.0, ge=0)
    """Least distance between two hits of a class in the second pass [ms]; replaces the first pass's ``spacing_ms``."""
    spacings_ms: dict[str, float] = Field(default={})
    """Least distance by class in the second pass [ms]; replaces the first pass's ``spacings_ms``."""


class DecodeConfig(Config):
    """How activations become hits: these keys, or the name of a preset (``default``, ``conservative``, ``aggressive``).

    Thresholds of a calibration (`class_thresholds.json`) take precedence over the thresholds here.
    """

    threshold: float = Field(default=0.5, ge=0, le=1)
    """Least activation of a hit, for classes not named in ``thresholds``."""
    thresholds: dict[str, float] = Field(default={})
    """Least activation by class; with ``one_kind`` by drum (kick, snare, tom, hihat, ride, crash)."""
    spacing_ms: float = Field(default=30.0, ge=0)
    """Least distance between two hits of a class, for classes not named in ``spacings_ms`` [ms]."""
    spacings_ms: dict[str, float] = Field(default={})
    """Least distance between two hits, by class [ms]."""
    reach_frames: int = Field(default=2, ge=1)
    """A peak is the maximum among so many frames on either side."""
    threshold_log_odds: float = Field(default=0.0, ge=-10, le=10)
    """Added to the log-odds of every threshold, calibrated ones too: above 0 gives fewer hits."""
    onset_threshold: float = Field(default=0.0, ge=0, le=1)
    """Least onset-head activation within ``reach_frames`` of a hit; 0 disables the check."""
    one_kind: bool = False
    """Pick peaks per drum and report only the likeliest articulation: head or rim, open or closed, one tom."""
    ride_crash_margin: float = Field(default=1.0, ge=0, le=1)
    """For a ride and a crash within one frame, drop the less confident if the difference exceeds this; 1 keeps both."""
    micro: MicroConfig | None = None
    """Second pass over dense passages with the package's micro model; null decodes in one pass."""

    @property
    def second_pass(self) -> "DecodeConfig":
        """The configuration for activations of the micro model in dense passages."""
        if self.micro is None:
            return self
        spacing = {"spacing_ms": self.micro.spacing_ms, "spacings_ms": self.micro.spacings_ms}
        return self.model_copy(update={**spacing, "micro": None})

    @model_validator(mode="before")
    @classmethod
    def _drop_removed_keys(cls, value: Any) -> Any:
        """Ignore ``tom_cymbal_margin``, which presets and sweeps up to 0.6 may name; it changed no accuracy."""
        if isinstance(value, dict):
            return {key: each for key, each in value.items() if key != "tom_cymbal_margin"}
        return value

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out options that are off, so that older configurations keep their fingerprint."""
        off = {"threshold_log_odds": 0.0, "onset_threshold": 0.0, "one_kind": False, "ride_crash_margin": 1.0,
               "micro": None}  # fmt: skip
        return {name: value for name, value in serialise(self).items() if name not in off or value != off[name]}
