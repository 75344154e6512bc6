"""What `check boundaries` finds: a part of its ``report.json``."""

from typing import Final

from drumline.core.config import Config
from drumline.core.measure import Number, Value

EDGES: Final = ("leading", "trailing")
"""Of a window: just after its start, just before its end."""


class LabelRecall(Config):
    """One label."""

    recall: Value
    """Found samples of all, by weight."""
    whole: Value
    """The same with the whole recording; null where that is not known."""
    samples: int
    """Samples that hold it."""
    leading: Number
    """Recall just after a window's start."""
    trailing: Number
    """Recall just before its end."""


class DistanceRecall(Config):
    """Samples at one range of distances from the edge."""

    from_ms: float
    """At least so far."""
    to_ms: float
    """Less than so far; the last range holds its end."""
    samples: dict[str, int]
    """By edge."""
    recall: dict[str, Number]
    """By edge, of all labels."""
    whole: Number
    """Of both edges, with the whole recording; null where that is not known."""


class BoundaryFindings(Config):
    """What `check boundaries` finds."""

    samples: int
    """Samples of the pack."""
    groups: int
    """Different songs among them."""
    group_by: str
    """What a song is."""
    level: float
    """Of the intervals."""
    values: dict[str, Value]
    """``macro_recall``, ``micro_recall``, ``leading``, ``trailing``; with the whole recording ``macro_whole`` and
    ``micro_whole``, and ``macro_lost``, which is ``macro_whole`` less ``macro_recall``."""
    labels: dict[str, LabelRecall]
    """By label."""
    distances: tuple[DistanceRecall, ...]
    """By distance, where the labels tell it."""
