"""A second reading of some passages, put in the place of the first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drumline.decoding.dense import Passage
from drumline.decoding.strokes import Strokes
from drumline.metrics.events import Events


def spliced(first: Strokes, again: Sequence[tuple[Passage, Strokes]], *, apart_s: float) -> Strokes:
    """The strokes of a first pass, but within each passage those of the second reading of it.

    All times are the recording's. A stroke that both readings found, on either side of a seam, is the first pass's: the
    second keeps ``apart_s`` from it.
    """
    outside = np.ones(len(first.events), dtype=bool)
    for passage, _ in again:
        outside &= ~_within(first.events, passage)
    parts = [_select(first, outside)]
    for passage, strokes in again:
        parts.append(_select(strokes, _within(strokes.events, passage) & ~_near(strokes.events, parts[0], apart_s)))
    events = Events.joined([part.events for part in parts])
    order = np.argsort(events.time_s, kind="stable")
    branches = {name: np.concatenate([part.branches[name] for part in parts])[order] for name in first.branches}
    return Strokes(events.select(order), branches)


def _within(events: Events, passage: Passage) -> NDArray[np.bool_]:
    return (events.time_s >= passage.start_s) & (events.time_s < passage.end_s)


def _near(events: Events, kept: Strokes, apart_s: float) -> NDArray[np.bool_]:
    """Which events [N] have a kept one of their own label nearer than that."""
    near = np.zeros(len(events), dtype=bool)
    for label in np.unique(kept.events.label):
        mine, others_s = np.flatnonzero(events.label == label), kept.events.time_s[kept.events.label == label]
        after = np.searchsorted(others_s, events.time_s[mine])
        for place in (after - 1, after):
            other_s = others_s[np.clip(place, 0, len(others_s) - 1)]
            near[mine] |= np.abs(other_s - events.time_s[mine]) < apart_s
    return near


def _select(strokes: Strokes, which: NDArray[np.bool_]) -> Strokes:
    return Strokes(strokes.events.select(which), {name: values[which] for name, values in strokes.branches.items()})
