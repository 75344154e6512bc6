"""Sampling profiles: how events are counted and weighed, by name.

A profile is a section of a YAML or JSON file such as BeatSight's sampling_profiles.json (docs/formats.md); a
configuration can change any key of it.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from drumline.charts.documents import read_yaml
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes
from drumline.core.config import Config, parse_config
from drumline.core.errors import DrumlineError


class ProfileConfig(Config):
    """How events are counted and weighed."""

    description: str = ""
    """For people."""
    group_field: Literal["session_id", "audio_path"] = "session_id"
    """What gets one weight."""
    min_count: int = Field(default=1, ge=1)
    """Groups of fewer events get no weight."""
    smoothing: float = Field(default=0.0, ge=0)
    """Added to each group's count, so that small groups are not drawn too often."""
    exponent: float = Field(default=0.5, ge=0)
    """0: events are drawn alike; 1: groups are; 0.5 is half-way."""
    technique_boosts: dict[str, float] = Field(default={})
    """Factor on the weight of groups in which a technique occurs; below 1 it makes them rarer."""
    dedupe_fields: tuple[str, ...] | None = None
    """Events alike in all of these are counted once."""
    max_events_per_group: int | None = Field(default=None, ge=1)
    """Events beyond it are not counted: a long session is no larger than this."""
    technique_filter: tuple[str, ...] | None = None
    """Techniques that an event must have (one of them) to be counted."""
    filter_match_all: bool = False
    """It must have all of them."""
    include_unmatched: bool = True
    """Count the others as well: then the filter only tells how many match."""
    min_weight: float | None = Field(default=None, gt=0)
    """The least weight, after all factors."""
    max_weight: float | None = Field(default=None, gt=0)
    """The most."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.min_weight and self.max_weight and self.min_weight > self.max_weight:
            raise ValueError(f"min_weight {self.min_weight} is above max_weight {self.max_weight}")
        if any(factor <= 0 for factor in self.technique_boosts.values()):
            raise ValueError("technique_boosts must be above 0")
        return self


def read_profile(path: str, name: str) -> ProfileConfig:
    """A profile of a file. Raises DrumlineError where there is none of that name, ConfigError at a bad key of it."""
    try:
        data = read_bytes(path)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"profiles: {path}: cannot be read ({error or type(error).__name__})") from error
    tree = read_yaml(data, path)
    if name.casefold() not in tree.values:
        raise DrumlineError(f"profile: {path} has no {name!r}, only {', '.join(sorted(tree.values))}")
    return parse_config(ProfileConfig, dict(tree.tree(name).values), place=f"{path}: {name}")
