"""The parts of `report.json`, a small model for each kind of measurement; `evaluation.report` puts them together.

Fractions are 0 to 1, ``null`` where there is no answer (`metrics.scores` says when). Intervals come from drawing songs
with replacement.
"""

from drumline.core.config import Config
from drumline.core.measure import Number, Value


class ScoreValues(Config):
    """Precision, recall and F."""

    precision: Value
    """TP / (TP + FP)."""
    recall: Value
    """TP / (TP + FN)."""
    f: Value
    """2 TP / (2 TP + FP + FN)."""


class ClassScores(ScoreValues):
    """Scores with the counts they stand on."""

    tp: int
    """Strokes that were found."""
    fp: int
    """Hits that are none of them."""
    fn: int
    """Strokes that were missed."""
    false_positives_per_minute: Number
    """Of audio."""


class EventScores(Config):
    """Event scores in one vocabulary at one window."""

    window_ms: float
    """How far a hit may lie from its stroke, on either side."""
    vocabulary: str
    """``3``, ``5``, ``8`` or ``12`` classes."""
    told: bool
    """Whether each label that the system used says which class of this vocabulary it means, if any."""
    micro: ClassScores
    """From counts summed over classes."""
    macro: ScoreValues
    """Mean over the classes that occur."""
    classes: dict[str, ClassScores]
    """By class."""


class ClassTiming(Config):
    """Offsets of a class's true positives: hit minus stroke, positive where the hit is late."""

    num_pairs: int
    """True positives."""
    median_ms: Number
    """Median offset."""
    mean_ms: Number
    """Mean offset."""
    deviation_ms: Number
    """Standard deviation."""
    spread_ms: Number
    """Median absolute deviation from the median."""


class Errors(Config):
    """Hit minus stroke, of values between 0 and 1."""

    num_pairs: int
    """True positives of which both values are known."""
    mean_absolute: Number
    """Mean absolute error."""
    bias: Number
    """Mean error: positive where the system says too much."""
    correlation: Number
    """Pearson's."""


class Matrix(Config):
    """A confusion matrix: rows are the truth, columns the system."""

    classes: tuple[str, ...]
    """Of rows and columns; in the matrix of all classes a last row "extra" and a last column "missed" follow."""
    counts: tuple[tuple[int, ...], ...]
    """Pairs of stroke and hit."""
    accuracy: Number
    """Share on the diagonal."""


class GapRow(Config):
    """One class, or all, by gap."""

    reference: tuple[int, ...]
    """Strokes by their gap in the truth."""
    recall: tuple[Number, ...]
    """Share of them that was found."""
    estimate: tuple[int, ...]
    """Hits by their gap in the estimate."""
    precision: tuple[Number, ...]
    """Share of them that was right."""


class Gaps(Config):
    """Recall and precision by the gap to the nearest neighbour (inter-onset interval)."""

    among: str
    """Whose gap: to the next hit of the same ``class``, or of ``any``."""
    bins: tuple[str, ...]
    """Of the gap."""
    rows: dict[str, GapRow]
    """``all`` and each class."""


class Subdivisions(Config):
    """Recall by note value, where the source has a tempo."""

    among: str
    """As for gaps."""
    note_values: tuple[str, ...]
    """The columns."""
    reference: dict[str, tuple[int, ...]]
    """Strokes: ``all``, each tempo band (beats a minute) and each class."""
    recall: dict[str, tuple[Number, ...]]
    """Share of them that was found."""


class Edits(Config):
    """What a person must change to turn the estimate into the truth."""

    vocabulary: str
    """In which classes."""
    per_100_notes: Value
    """Edits per 100 notes of the truth."""
    insertions: int
    """Notes to be written."""
    deletions: int
    """Notes to be removed."""
    substitutions: int
    """Notes to be given another class."""
    reference: int
    """Notes of the truth."""
    classes: dict[str, Number]
    """Edits per 100 notes of each class."""


class Reliability(Config):
    """Do confidences mean what they say? Of hits with a confidence."""

    num_hits: int
    """Such hits."""
    expected_error: float
    """ECE: the mean distance of confidence and accuracy over bins, weighted by hits."""
    brier: float
    """Mean squared difference of confidence and outcome."""
    count: tuple[int, ...]
    """Hits in each of 15 equal bins of confidence."""
    mean_confidence: tuple[Number, ...]
    """Of each bin."""
    accuracy: tuple[Number, ...]
    """Share of right hits in each bin."""


class Branch(Config):
    """One branch judged by its frames, and what is wrong with it."""

    num_positive: int
    """Frames with a stroke."""
    roc_auc: Number
    """Area under the ROC curve."""
    roc_auc_error: Number
    """The exact area lies within this of it."""
    pr_auc: Number
    """Average precision."""
    pr_auc_error: Number
    """The exact one lies within this of it."""
    frame_precision: Number
    """Of frames at 0.5."""
    frame_recall: Number
    """Of frames at 0.5."""
    frame_f: Number
    """Of frames at 0.5."""
    event_f: Number
    """Of the decoded hits at the first window."""
    finding: str
    """good, threshold problem, model problem, not enough data."""
    reason: str
    """One sentence with the numbers and the limits."""
