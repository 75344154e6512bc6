"""What `check health` finds: a part of its ``report.json``."""

from typing import Final

from drumline.core.config import Config
from drumline.core.measure import Number

BUCKETS: Final = ("ghost", "light", "medium", "accent", "unknown")
"""Dynamics: velocities below 0.15, 0.35, 0.65, and the rest."""
NOT_TOLD: Final = "not told"
"""Where events do not say."""
BUCKET_EDGES: Final = (0.15, 0.35, 0.65)


class LabelHealth(Config):
    """How often one label occurs. Negative examples do not count: there it does not sound."""

    total: int
    """Components that bear it."""
    real: int
    """Of these, recorded."""
    synthetic: int
    """Of these, rendered."""
    dynamics: dict[str, int]
    """By bucket."""


class Histogram(Config):
    """How often values fall between edges; what lies beyond joins the outermost bins."""

    edges: tuple[float, ...]
    """One more than bins."""
    counts: tuple[int, ...]
    """By bin."""


class HealthFindings(Config):
    """What `check health` finds."""

    kind: str
    """``events`` (a file of events) or ``dataset``."""
    events: int
    """Lines of a file; hits of a dataset."""
    real: int
    """Events that were recorded."""
    synthetic: int
    """Events that were rendered."""
    negative: int
    """Events that are examples of what does not sound."""
    sessions: int
    """Different sessions; songs of a dataset."""
    drummers: int
    """Different drummers; charters or artists of a dataset."""
    duplicates: int
    """Events that repeat an earlier one: same recording, time (to 0.1 ms) and labels."""
    duplication_rate: Number
    """Their share of all events."""
    labels: dict[str, LabelHealth]
    """By label, as the source spells it."""
    unknown_labels: dict[str, int]
    """Labels that are not in the label set; of a dataset, what the source calls hits labelled ``other``."""
    dynamics: dict[str, int]
    """Components by bucket."""
    bucket_disagreements: int
    """Components whose stated bucket is not that of their velocity."""
    openness: Histogram
    """Of hi-hat components that tell it, in tenths."""
    loudness: Histogram
    """Integrated loudness [LUFS], of events that tell it; of a dataset's recordings."""
    bleed: dict[str, int]
    """Events by level of bleed."""
    mix_context: dict[str, int]
    """Events by what the audio is: full_mix, close_mic ...; of a dataset, its domains."""
    techniques: dict[str, int]
    """Events by technique; of a dataset, by flag."""
    unknown_techniques: dict[str, int]
    """Those that the taxonomy does not know."""
    crash_variants: dict[str, int]
    """Crash cymbals by variant, or by the source's name."""
    several_crashes: int
    """Events that strike two crash cymbals or more at once."""
    sources: dict[str, int]
    """Events by source."""
    splits: dict[str, int]
    """Events by split."""
    hours_by_split: dict[str, float]
    """Of audio, where it is told."""
    hours_by_source: dict[str, float]
    """Of audio, where it is told."""
