"""Findings of `check boundaries` in its report.json."""

from typing import Final

from drumline.core.config import Config
from drumline.core.interval_value import Number, Value

EDGES: Final = ("leading", "trailing")
"""Edges of a window: an onset is just after its start (leading) or just before its end (trailing)."""


class LabelRecall(Config):
    """Recall of one label."""

    recall: Value
    """Share of the samples with the label that were found, by weight."""
    whole: Value
    """Recall from whole recordings; null if not known."""
    samples: int
    """Number of samples with the label."""
    leading: Number
    """Recall just after a window's start."""
    trailing: Number
    """Recall just before its end."""


class DistanceRecall(Config):
    """Recall in one range of distances from the edge."""

    from_ms: float
    """Lower end of the range [ms], included."""
    to_ms: float
    """Upper end of the range [ms], excluded except in the last range."""
    samples: dict[str, int]
    """Number of samples by edge."""
    recall: dict[str, Number]
    """Micro recall by edge."""
    whole: Number
    """Micro recall from whole recordings, both edges; null if not known."""


class BoundaryFindings(Config):
    """Findings of `check boundaries` in its report.json."""

    samples: int
    """Number of samples in the pack."""
    groups: int
    """Number of resampled groups (songs)."""
    group_by: str
    """Field by which samples are grouped."""
    level: float
    """Confidence level of the intervals."""
    values: dict[str, Value]
    """Recall: ``macro_recall``, ``micro_recall``, ``leading``, ``trailing``; from whole recordings ``macro_whole``
    and ``micro_whole``; and ``macro_lost``, the difference of ``macro_whole`` and ``macro_recall``."""
    labels: dict[str, LabelRecall]
    """Recall by label."""
    distances: tuple[DistanceRecall, ...]
    """Recall by distance from the edge; empty if the pack has no distances."""
