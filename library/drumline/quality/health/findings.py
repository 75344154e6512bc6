"""Findings of `check health` in its report.json."""

from typing import Final

from drumline.core.config import Config
from drumline.core.interval_value import Number

BUCKETS: Final = ("ghost", "light", "medium", "accent", "unknown")
"""Dynamic buckets: velocity below 0.15, below 0.35, below 0.65, the rest, and unknown velocity."""
UNSPECIFIED: Final = "unspecified"
"""Value of events that lack a field."""
BUCKET_EDGES: Final = (0.15, 0.35, 0.65)


class LabelHealth(Config):
    """Number of components with one label; negative examples, where it does not sound, are not counted."""

    total: int
    """Components with this label."""
    real: int
    """Recorded ones among them."""
    synthetic: int
    """Rendered ones among them."""
    dynamics: dict[str, int]
    """Number by dynamic bucket."""


class Histogram(Config):
    """Counts of values between edges; values beyond the edges are counted in the outermost bins."""

    edges: tuple[float, ...]
    """Bin edges, one more than bins."""
    counts: tuple[int, ...]
    """Counts by bin."""


class HealthFindings(Config):
    """Findings of `check health` in its report.json."""

    kind: str
    """``events`` (an event manifest) or ``dataset``."""
    events: int
    """Number of events: lines of a manifest, hits of a dataset."""
    real: int
    """Number of recorded events."""
    synthetic: int
    """Number of rendered events."""
    negative: int
    """Number of negative examples: events whose label does not sound."""
    sessions: int
    """Number of distinct sessions; of a dataset, songs."""
    drummers: int
    """Number of distinct drummers; of a dataset, charters or artists."""
    duplicates: int
    """Number of events that repeat an earlier one: same recording, time (to 0.1 ms) and labels."""
    duplication_rate: Number
    """Share of duplicates among all events."""
    labels: dict[str, LabelHealth]
    """Counts by label, as the source spells it."""
    unknown_labels: dict[str, int]
    """Counts of labels that are not in the label set; of a dataset, source names of hits labelled ``other``."""
    dynamics: dict[str, int]
    """Number of components by dynamic bucket."""
    bucket_disagreements: int
    """Number of components whose stated bucket contradicts their velocity."""
    openness: Histogram
    """Hi-hat openness in tenths, of components that have it."""
    loudness: Histogram
    """Integrated loudness [LUFS] of events that have it; of a dataset, of its recordings."""
    bleed: dict[str, int]
    """Events by level of bleed from other drums."""
    mix_context: dict[str, int]
    """Events by kind of audio (full_mix, close_mic ...); of a dataset, its domains."""
    techniques: dict[str, int]
    """Events by technique; of a dataset, by flag."""
    unknown_techniques: dict[str, int]
    """Events by technique that is not in the taxonomy."""
    crash_variants: dict[str, int]
    """Crash cymbals by variant, or by the source's name."""
    several_crashes: int
    """Number of events with two or more simultaneous crash cymbals."""
    sources: dict[str, int]
    """Events by source."""
    splits: dict[str, int]
    """Events by split."""
    hours_by_split: dict[str, float]
    """Hours of audio by split, if known."""
    hours_by_source: dict[str, float]
    """Hours of audio by source, if known."""
