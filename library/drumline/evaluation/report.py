"""Schema of the `report.json` of an evaluation.

Its parts, and the meaning of ``null`` in them, are in `evaluation.measures`. Equal inputs give equal bytes: it holds no
date.
"""

from typing import Final

from drumline.core.config import Config
from drumline.core.interval_value import Number, Value
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
"""Version of the report schema; raised whenever an old reader would misread a new file."""


class Group(Config):
    """Scores on the songs of one source, domain or genre."""

    by: str
    """Grouping: ``source``, ``domain`` or ``genre``."""
    name: str
    """Name of the group."""
    songs: int
    """Number of recordings."""
    strokes: int
    """Number of hits in the truth."""
    f: Value
    """Micro F-measure in the detailed vocabulary at the first window."""
    classes: dict[str, Number]
    """F-measure by class."""
    edits_per_100_notes: Number
    """Edits per 100 notes, in the edit vocabulary nearest to the detailed one."""


class SongRow(Config):
    """Scores of one song."""

    song: str
    """Key of the song."""
    source: str
    """Source: first part of the song's key."""
    domain: str
    """Audio domain; empty if only the chart is known."""
    genre: str
    """Genre as the source spells it."""
    duration_s: float
    """Duration of the audio [s], or time of the last hit."""
    strokes: int
    """Number of hits in the truth."""
    hits: int
    """Number of hits that the system estimated."""
    tp: int
    """True positives over all classes, in the detailed vocabulary at the first window."""
    fp: int
    """False positives over all classes."""
    fn: int
    """False negatives over all classes."""
    precision: Number
    """Precision over all classes."""
    recall: Number
    """Recall over all classes."""
    f: Number
    """F-measure over all classes."""
    edits_per_100_notes: Number
    """Edits per 100 notes, in the edit vocabulary nearest to the detailed one."""
    median_offset_ms: Number
    """Median offset of the true positives [ms]."""


class SystemReport(Config):
    """Scores of one system on one truth."""

    name: str
    """Name of the system."""
    songs: int
    """Number of evaluated recordings."""
    hours: float
    """Duration of their audio."""
    hits: int
    """Number of hits that the system estimated."""
    labels: dict[str, int]
    """Number of estimated hits by label."""
    events: tuple[EventScores, ...]
    """Event scores by window and vocabulary."""
    timing: dict[str, ClassTiming]
    """Time offsets of ``all`` and of each class."""
    velocity: dict[str, Errors]
    """Velocity errors of ``all`` and of each class."""
    openness: Errors
    """Openness errors of hi-hats."""
    confusion: Matrix
    """Confusion matrix of all classes."""
    variations: dict[str, Matrix]
    """Articulation confusions by branch, where the right instrument was found."""
    gaps: tuple[Gaps, ...]
    """Recall and precision by inter-onset interval, of the same class and of any."""
    subdivisions: tuple[Subdivisions, ...]
    """Recall by note value, of the same class and of any."""
    edits: tuple[Edits, ...]
    """Edits in five classes and in eight game lanes."""
    reliability: Reliability | None
    """Reliability of confidences; null if the system has none."""
    branches: dict[str, Branch]
    """Frame-wise scores by branch; empty without activations."""
    groups: tuple[Group, ...]
    """Scores by source, domain and genre, where they differ."""
    per_song: tuple[SongRow, ...]
    """Scores by song, lowest first."""

    def at(self, vocabulary: str, window_ms: float) -> EventScores:
        """Event scores of one vocabulary and window."""
        return next(e for e in self.events if e.vocabulary == vocabulary and e.window_ms == window_ms)


class Delta(Config):
    """Difference of a score, system minus baseline, on the same songs."""

    delta: Number
    """Difference on all songs."""
    low: Number
    """Lower end of its confidence interval."""
    high: Number
    """Upper end of its confidence interval; the systems differ if it excludes 0."""
    p_value: Number
    """Two-sided p-value."""


class Deltas(Config):
    """Differences of precision, recall and F-measure."""

    precision: Delta
    """Difference of precision."""
    recall: Delta
    """Difference of recall."""
    f: Delta
    """Difference of F-measure."""


class ComparisonReport(Config):
    """Comparison of two systems on their common songs, in the detailed vocabulary at the first window."""

    baseline: str
    """Name of the baseline."""
    system: str
    """Name of the compared system."""
    songs: int
    """Number of common recordings."""
    rows: dict[str, Deltas]
    """Differences of ``micro``, ``macro`` and each class."""


class UnreadRow(Config):
    """A file that could not be read and was not evaluated."""

    system: str
    """Name of the system; empty if the truth could not be read."""
    song: str
    """Name of the song."""
    reason: str
    """Location and fault."""


class TruthReport(Config):
    """Scores of all systems on one truth."""

    name: str
    """Name of the truth."""
    songs: int
    """Number of recordings that any system was evaluated on."""
    hours: float
    """Duration of their audio."""
    strokes: int
    """Number of hits in the truth."""
    systems: tuple[SystemReport, ...]
    """Systems in the order of the configuration."""
    comparisons: tuple[ComparisonReport, ...]
    """Comparison of each system with the baseline."""
    unread: tuple[UnreadRow, ...]
    """Files that could not be read."""


class Report(Config):
    """Contents of an evaluation's `report.json`."""

    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    name: str
    """Title of the report."""
    drumline: str
    """Version of drumline that wrote it."""
    fingerprint: str
    """Fingerprint of the configuration without locations and run settings."""
    windows_ms: tuple[float, ...]
    """Matching windows; the first is used in all detailed tables."""
    vocabulary: str
    """Class vocabulary of all detailed tables."""
    level: float
    """Confidence level of the intervals."""
    num_draws: int
    """Number of bootstrap resamples."""
    truths: tuple[TruthReport, ...]
    """Results by truth; the first truth is the main one."""
