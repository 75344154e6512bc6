"""What `check bootstrap` finds: a part of its ``report.json``."""

from drumline.core.config import Config
from drumline.core.measure import Number, Value


class LabelScores(Config):
    """One label."""

    precision: Value
    """TP / (TP + FP)."""
    recall: Value
    """TP / (TP + FN)."""
    f: Value
    """2 TP / (2 TP + FP + FN)."""
    tp: int
    """Samples in which it was found."""
    fp: int
    """Samples in which it was only predicted."""
    fn: int
    """Samples in which it was missed."""


class Delta(Config):
    """Predictions minus baseline."""

    delta: Number
    """On the samples as they are."""
    low: Number
    """Lower end of its interval."""
    high: Number
    """Upper end."""
    p_value: Number
    """Two-sided: how often songs drawn anew show no difference or the opposite one."""


class BootstrapFindings(Config):
    """What `check bootstrap` finds."""

    samples: int
    """Labelled samples."""
    groups: int
    """Different songs among them."""
    group_by: str
    """What a song is."""
    level: float
    """Of the intervals."""
    num_draws: int
    """Of the intervals."""
    threshold: float
    """Of scores."""
    values: dict[str, Value]
    """``f_macro``, ``f_micro``, ``openness_mae``, ``velocity_mae``."""
    pairs: dict[str, int]
    """Samples of which both sides tell openness, and velocity."""
    labels: dict[str, LabelScores]
    """By label."""
    comparison: dict[str, Delta]
    """Of ``values`` and of ``f.<label>``; empty without a baseline."""
