"""Hits for property tests: times on a coarse grid, so that ties, duplicates and exact window boundaries are common."""

import numpy as np
from hypothesis import strategies as st

from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import CLASSES
from drumline.core.vocabularies import LABEL_NAMES

WINDOW_S = 0.05


def times(max_size: int = 12) -> st.SearchStrategy[np.ndarray]:
    """Sorted seconds."""
    moments = st.one_of(st.integers(0, 40).map(lambda n: n / 40), st.floats(0, 1))
    return st.lists(moments, max_size=max_size).map(lambda values: np.array(sorted(values)))


def events(labels: tuple[str, ...] = LABEL_NAMES, *, max_size: int = 12) -> st.SearchStrategy[Events]:
    """References, or estimates of systems that do not tell all."""
    hits = st.tuples(st.integers(0, 40).map(lambda n: n / 40), st.sampled_from(labels))
    return st.lists(hits, max_size=max_size).map(
        lambda drawn: Events.of([time_s for time_s, _ in drawn], [label for _, label in drawn])
    )


def exact_events(*, max_size: int = 12) -> st.SearchStrategy[Events]:
    """Hits of which everything is known."""
    return events(CLASSES, max_size=max_size)
