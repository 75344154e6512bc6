"""Sampling profiles: named settings for counting and weighting the events of sessions.

A profile is a section of a YAML or JSON file such as BeatSight's sampling_profiles.json (docs/formats.md); a
configuration can override any of its keys.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from drumline.charts.documents import read_yaml
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes
from drumline.core.config import Config, parse_config
from drumline.core.errors import DrumlineError


class ProfileConfig(Config):
    """Counting and weighting of events for sampling."""

    description: str = ""
    """Description for readers of the file."""
    group_field: Literal["session_id", "audio_path"] = "session_id"
    """Field that groups events; every event of a group gets the same weight."""
    min_count: int = Field(default=1, ge=1)
    """Smallest group [counted events] that gets a weight."""
    smoothing: float = Field(default=0.0, ge=0)
    """Added to each group's event count before weighting; reduces the weight of small groups."""
    exponent: float = Field(default=0.5, ge=0)
    """Balancing exponent over groups: 0 samples events equally, 1 samples groups equally."""
    technique_boosts: dict[str, float] = Field(default={})
    """Factor on the weight of groups in which a technique occurs; below 1 makes them rarer."""
    dedupe_fields: tuple[str, ...] | None = None
    """Fields that identify an event: events equal in all of them are counted once; null counts every event."""
    max_events_per_group: int | None = Field(default=None, ge=1)
    """Largest number of events counted in one group; null for no limit."""
    technique_filter: tuple[str, ...] | None = None
    """Techniques that make an event match the filter; null for no filter."""
    filter_match_all: bool = False
    """Require all techniques of the filter instead of any one."""
    include_unmatched: bool = True
    """Count events that do not match the filter too; the filter then only reports how many match."""
    min_weight: float | None = Field(default=None, gt=0)
    """Lower bound of weights, applied after all factors; null for none."""
    max_weight: float | None = Field(default=None, gt=0)
    """Upper bound of weights, applied after all factors; null for none."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.min_weight and self.max_weight and self.min_weight > self.max_weight:
            raise ValueError(f"min_weight {self.min_weight} is above max_weight {self.max_weight}")
        if any(factor <= 0 for factor in self.technique_boosts.values()):
            raise ValueError("technique_boosts must be above 0")
        return self


def read_profile(path: str, name: str) -> ProfileConfig:
    """Read a profile of a file.

    Raises DrumlineError if the file has no such profile, ConfigError if a key is invalid.
    """
    try:
        data = read_bytes(path)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"profiles: {path}: cannot be read ({error or type(error).__name__})") from error
    tree = read_yaml(data, path)
    if name.casefold() not in tree.values:
        raise DrumlineError(f"profile: {path} has no {name!r}, only {', '.join(sorted(tree.values))}")
    return parse_config(ProfileConfig, dict(tree.tree(name).values), location=f"{path}: {name}")
