"""Measurements of `report.json`, one small model each; `evaluation.report` combines them.

Fractions are 0 to 1, ``null`` where undefined (`metrics.scores`). Confidence intervals come from bootstrap over songs.
"""

from drumline.core.config import Config
from drumline.core.interval_value import Number, Value


class ScoreValues(Config):
    """Precision, recall and F-measure with confidence intervals."""

    precision: Value
    """Precision: TP / (TP + FP)."""
    recall: Value
    """Recall: TP / (TP + FN)."""
    f: Value
    """F-measure: 2 TP / (2 TP + FP + FN)."""


class ClassScores(ScoreValues):
    """Scores with their counts."""

    tp: int
    """True positives: hits that were found."""
    fp: int
    """False positives: estimates that match no hit."""
    fn: int
    """False negatives: hits that were missed."""
    false_positives_per_minute: Number
    """False positives per minute of audio."""


class EventScores(Config):
    """Event scores in one vocabulary with one matching window."""

    window_ms: float
    """Largest distance of an estimate from the hit that it matches [ms]."""
    vocabulary: str
    """Class vocabulary: ``3``, ``5``, ``8`` or ``12`` classes."""
    unambiguous: bool
    """Whether every label that the system used maps to at most one class of this vocabulary."""
    micro: ClassScores
    """Micro scores: from counts summed over classes."""
    macro: ScoreValues
    """Macro scores: mean over the classes that occur."""
    classes: dict[str, ClassScores]
    """Scores by class."""


class ClassTiming(Config):
    """Time offsets of a class's true positives: estimate minus hit, positive for late estimates."""

    num_pairs: int
    """Number of true positives."""
    median_ms: Number
    """Median offset [ms]."""
    mean_ms: Number
    """Mean offset [ms]."""
    deviation_ms: Number
    """Standard deviation of the offsets [ms]."""
    spread_ms: Number
    """Median absolute deviation from the median offset [ms]."""


class Errors(Config):
    """Errors of values from 0 to 1 (velocity, openness): estimate minus truth."""

    num_pairs: int
    """Number of true positives with both values known."""
    mean_absolute: Number
    """Mean absolute error."""
    bias: Number
    """Mean error, positive for values that are too high."""
    correlation: Number
    """Pearson correlation."""


class Matrix(Config):
    """Confusion matrix: rows are the truth, columns the system."""

    classes: tuple[str, ...]
    """Labels of rows and columns; the matrix of all classes adds a row "extra" and a column "missed"."""
    counts: tuple[tuple[int, ...], ...]
    """Number of (hit, estimate) pairs."""
    accuracy: Number
    """Share of pairs on the diagonal."""


class GapRow(Config):
    """Recall and precision of one class, or of all, by inter-onset interval."""

    reference: tuple[int, ...]
    """Number of hits by their interval in the truth."""
    recall: tuple[Number, ...]
    """Share of these hits that was found."""
    estimate: tuple[int, ...]
    """Number of estimates by their interval in the system's output."""
    precision: tuple[Number, ...]
    """Share of these estimates that was correct."""


class Gaps(Config):
    """Recall and precision by inter-onset interval to the nearest neighbour."""

    among: str
    """Neighbour that counts: the next hit of the same ``class``, or of ``any`` class."""
    bins: tuple[str, ...]
    """Bin edges of the interval."""
    rows: dict[str, GapRow]
    """Results for ``all`` and for each class."""


class Subdivisions(Config):
    """Recall by note value, where the source has a tempo."""

    among: str
    """Neighbour that counts: of the same ``class``, or of ``any`` class."""
    note_values: tuple[str, ...]
    """Note values, in the order of the columns."""
    reference: dict[str, tuple[int, ...]]
    """Number of hits: ``all``, by tempo range [beats/min] and by class."""
    recall: dict[str, tuple[Number, ...]]
    """Share of these hits that was found."""


class Edits(Config):
    """Edits that turn the estimate into the truth."""

    vocabulary: str
    """Class vocabulary in which edits are counted."""
    per_100_notes: Value
    """Edits per 100 notes of the truth."""
    insertions: int
    """Number of notes to insert."""
    deletions: int
    """Number of notes to delete."""
    substitutions: int
    """Number of notes to change to another class."""
    reference: int
    """Number of notes in the truth."""
    classes: dict[str, Number]
    """Edits per 100 notes by class."""


class Reliability(Config):
    """Reliability of confidences, over hits that have one."""

    num_hits: int
    """Number of hits with a confidence."""
    expected_error: float
    """Expected calibration error: mean distance of confidence and accuracy over bins, weighted by hits."""
    brier: float
    """Brier score: mean squared difference of confidence and outcome."""
    count: tuple[int, ...]
    """Number of hits in each of 15 equal bins of confidence."""
    mean_confidence: tuple[Number, ...]
    """Mean confidence in each bin."""
    accuracy: tuple[Number, ...]
    """Share of correct hits in each bin."""


class Branch(Config):
    """Frame-wise scores of one branch, and a diagnosis."""

    num_positive: int
    """Number of frames with a hit."""
    roc_auc: Number
    """Area under the ROC curve of frames."""
    roc_auc_error: Number
    """Largest error of the area, which is computed from histograms."""
    pr_auc: Number
    """Average precision of frames."""
    pr_auc_error: Number
    """Largest error of the average precision, which is computed from histograms."""
    frame_precision: Number
    """Precision of frames at a threshold of 0.5."""
    frame_recall: Number
    """Recall of frames at a threshold of 0.5."""
    frame_f: Number
    """F-measure of frames at a threshold of 0.5."""
    event_f: Number
    """F-measure of the decoded hits at the first window."""
    finding: str
    """Diagnosis: good, threshold problem, model problem, or not enough data."""
    reason: str
    """Explanation of the diagnosis with its numbers and limits."""
