"""The schema of `report.json`: all that an evaluation found, for machines.

Its parts, and what ``null`` means in them, are `evaluation.measures`. Equal inputs give equal bytes: it holds no date.
"""

from typing import Final

from drumline.core.config import Config
from drumline.core.measure import Number, Value
from drumline.evaluation.measures import (
    Branch,
    ClassTiming,
    Edits,
    Errors,
    EventScores,
    Gaps,
    Matrix,
    Reliability,
    Subdivisions,
)

SCHEMA_VERSION: Final = 1
"""Raised whenever an old reader would misread a new file."""


class Group(Config):
    """The songs of one source, domain or genre."""

    by: str
    """``source``, ``domain`` or ``genre``."""
    name: str
    """Which one."""
    songs: int
    """Recordings in it."""
    strokes: int
    """Of the truth."""
    f: Value
    """Micro F in the detailed vocabulary at the first window."""
    classes: dict[str, Number]
    """F by class."""
    edits_per_100_notes: Number
    """In the detailed vocabulary's edits, or the nearest there are."""


class SongRow(Config):
    """One song."""

    song: str
    """Its key."""
    source: str
    """The root it came from."""
    domain: str
    """How the drums are heard; empty where only the chart is known."""
    genre: str
    """As the source spells it."""
    duration_s: float
    """Of the audio, or up to the last stroke."""
    strokes: int
    """Of the truth."""
    hits: int
    """Of the system."""
    tp: int
    """As below, in the detailed vocabulary at the first window, all classes."""
    fp: int
    """Likewise."""
    fn: int
    """Likewise."""
    precision: Number
    """Likewise."""
    recall: Number
    """Likewise."""
    f: Number
    """Likewise."""
    edits_per_100_notes: Number
    """As for groups."""
    median_offset_ms: Number
    """Of the true positives."""


class SystemReport(Config):
    """One system on one truth."""

    name: str
    """As configured."""
    songs: int
    """Recordings it was judged on."""
    hours: float
    """Of audio."""
    hits: int
    """All that it told."""
    labels: dict[str, int]
    """Its hits by label."""
    events: tuple[EventScores, ...]
    """Every window and vocabulary."""
    timing: dict[str, ClassTiming]
    """``all`` and each class."""
    velocity: dict[str, Errors]
    """``all`` and each class."""
    openness: Errors
    """Of hi-hats."""
    confusion: Matrix
    """Of all classes."""
    variations: dict[str, Matrix]
    """By branch: how it was played, where the right instrument was found."""
    gaps: tuple[Gaps, ...]
    """Of the same class, and of any."""
    subdivisions: tuple[Subdivisions, ...]
    """Likewise."""
    edits: tuple[Edits, ...]
    """In five classes and in eight lanes."""
    reliability: Reliability | None
    """Null where the system gives no confidences."""
    branches: dict[str, Branch]
    """Empty where there are no activations."""
    groups: tuple[Group, ...]
    """By source, domain and genre, as far as they differ."""
    per_song: tuple[SongRow, ...]
    """The worst first."""

    def at(self, vocabulary: str, window_ms: float) -> EventScores:
        """The event scores of one vocabulary and window."""
        return next(e for e in self.events if e.vocabulary == vocabulary and e.window_ms == window_ms)


class Delta(Config):
    """System minus baseline, on the same songs."""

    delta: Number
    """Of the songs as they are."""
    low: Number
    """Lower end of the interval."""
    high: Number
    """Upper end: the two differ where 0 lies outside."""
    p_value: Number
    """Two-sided."""


class Deltas(Config):
    """Differences of the three scores."""

    precision: Delta
    """ΔP."""
    recall: Delta
    """ΔR."""
    f: Delta
    """ΔF."""


class ComparisonReport(Config):
    """Two systems on the songs that both were judged on, in the detailed vocabulary at the first window."""

    baseline: str
    """What is compared with."""
    system: str
    """What is compared."""
    songs: int
    """Recordings of both."""
    rows: dict[str, Deltas]
    """``micro``, ``macro`` and each class."""


class UnreadRow(Config):
    """Something that could not be read, and so was not judged."""

    system: str
    """Empty where it was the truth."""
    song: str
    """Its name."""
    reason: str
    """Place and fault."""


class TruthReport(Config):
    """All systems on one truth."""

    name: str
    """As configured."""
    songs: int
    """Recordings that any system was judged on."""
    hours: float
    """Of audio."""
    strokes: int
    """Of the truth."""
    systems: tuple[SystemReport, ...]
    """In the order of the configuration."""
    comparisons: tuple[ComparisonReport, ...]
    """Each with the baseline."""
    unread: tuple[UnreadRow, ...]
    """What was left out."""


class Report(Config):
    """The whole of `report.json`."""

    schema_version: int = SCHEMA_VERSION
    """Of this schema."""
    name: str
    """The title."""
    drumline: str
    """Version of the code."""
    fingerprint: str
    """Of the configuration, less where and how it ran."""
    windows_ms: tuple[float, ...]
    """The first is that of all details."""
    vocabulary: str
    """Of all details."""
    level: float
    """Of the intervals."""
    num_draws: int
    """Of the intervals."""
    truths: tuple[TruthReport, ...]
    """The first is the main one."""
