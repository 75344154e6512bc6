"""Findings of `check bootstrap` in its report.json."""

from drumline.core.config import Config
from drumline.core.interval_value import Number, Value


class LabelScores(Config):
    """Scores of one label with confidence intervals."""

    precision: Value
    """Precision: TP / (TP + FP)."""
    recall: Value
    """Recall: TP / (TP + FN)."""
    f: Value
    """F-measure: 2 TP / (2 TP + FP + FN)."""
    tp: int
    """True positives: samples with the label and predicted."""
    fp: int
    """False positives: samples predicted without having the label."""
    fn: int
    """False negatives: samples with the label and not predicted."""


class Delta(Config):
    """Difference of predictions and baseline."""

    delta: Number
    """Difference on all samples."""
    low: Number
    """Lower end of its confidence interval."""
    high: Number
    """Upper end of its confidence interval."""
    p_value: Number
    """Two-sided p-value: how often resampled songs show no difference or the opposite one."""


class BootstrapFindings(Config):
    """Findings of `check bootstrap` in its report.json."""

    samples: int
    """Number of labelled samples."""
    groups: int
    """Number of resampled groups (songs)."""
    group_by: str
    """Field by which samples are grouped."""
    level: float
    """Confidence level of the intervals."""
    num_draws: int
    """Number of bootstrap resamples."""
    threshold: float
    """Score threshold of predicted labels."""
    values: dict[str, Value]
    """``f_macro``, ``f_micro``, ``openness_mae``, ``velocity_mae``."""
    pairs: dict[str, int]
    """Number of samples where truth and prediction both have openness, and velocity."""
    labels: dict[str, LabelScores]
    """Scores by label."""
    comparison: dict[str, Delta]
    """Differences of ``values`` and of ``f.<label>``; empty without a baseline."""
