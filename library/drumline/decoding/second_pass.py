"""Second pass: find dense passages and splice their decoding on a finer grid into the first pass.

Even if the first pass (frames of 5.8 ms) misses every second hit of a fast passage, the remaining hits are dense enough
to locate it. There a micro model (`core.grid.MICRO`, frames of 2.9 ms) runs, and its hits replace those of the first
pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.hit_arrays import Events
from drumline.decoding.config import MicroConfig
from drumline.decoding.peak_picking import DecodedHits

_ONE_ONSET_S: Final = 0.015
"""Hits of several drums within this time count as one onset."""


@dataclass(frozen=True)
class Passage:
    """A time span of a recording [s]."""

    start_s: float
    end_s: float


def dense_passages(events: Events, config: MicroConfig, *, duration_s: float) -> list[Passage]:
    """Find passages in which onsets follow each other fast.

    Parameters
    ----------
    events : Events
        Hits of the first pass, in time order.
    config : MicroConfig
        Largest inter-onset interval, least number of onsets, and context.
    duration_s : float
        Duration of the recording [s]; passages end there at the latest.

    Returns
    -------
    list of Passage
        In time order; passages that overlap or touch are merged.

    Examples
    --------
    >>> from drumline.core.hit_arrays import Events
    >>> roll = Events.of([1.0, 1.05, 1.1, 1.15, 1.2, 1.25], ["snare_head"] * 6)
    >>> [(round(p.start_s, 2), round(p.end_s, 2)) for p in dense_passages(roll, MicroConfig(), duration_s=10.0)]
    [(0.91, 1.34)]
    """
    onsets_s = _onsets(events.time_s)
    dense = np.diff(onsets_s) <= config.gap_ms / 1000
    edges = np.flatnonzero(np.diff(np.concatenate([[False], dense, [False]])))
    found: list[Passage] = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):  # first and last onset of a run of short intervals
        if last - first + 1 < config.num_strokes:
            continue
        start_s = max(0.0, float(onsets_s[first]) - config.around_ms / 1000)
        end_s = min(duration_s, float(onsets_s[last]) + config.around_ms / 1000)
        if found and start_s <= found[-1].end_s:
            start_s = found.pop().start_s
        found.append(Passage(start_s, end_s))
    return found


def splice(first: DecodedHits, second: Sequence[tuple[Passage, DecodedHits]], *, spacing_s: float) -> DecodedHits:
    """Replace the first pass's hits within passages by those of a second pass.

    Parameters
    ----------
    first : DecodedHits
        Hits of the whole recording.
    second : sequence of (Passage, DecodedHits)
        Each passage with its second decoding; all times are those of the recording [s].
    spacing_s : float
        Least distance of a second-pass hit from a kept first-pass hit of the same class [s], so that a hit found by
        both passes on either side of a seam is not doubled.

    Returns
    -------
    DecodedHits
        In time order.
    """
    outside = np.ones(len(first.events), dtype=bool)
    for passage, _ in second:
        outside &= ~_within(first.events, passage)
    parts = [_select(first, outside)]
    for passage, hits in second:
        parts.append(_select(hits, _within(hits.events, passage) & ~_near(hits.events, parts[0], spacing_s)))
    events = Events.joined([part.events for part in parts])
    order = np.argsort(events.time_s, kind="stable")
    branches = {name: np.concatenate([part.branches[name] for part in parts])[order] for name in first.branches}
    return DecodedHits(events.select(order), branches)


def _onsets(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """First hit of each group of simultaneous hits; input in time order."""
    found: list[float] = []
    for time_s in times_s.tolist():
        if not found or time_s - found[-1] > _ONE_ONSET_S:
            found.append(time_s)
    return np.array(found)


def _within(events: Events, passage: Passage) -> NDArray[np.bool_]:
    return (events.time_s >= passage.start_s) & (events.time_s < passage.end_s)


def _near(events: Events, kept: DecodedHits, spacing_s: float) -> NDArray[np.bool_]:
    """Mask of the events [N] that are nearer than the spacing to a kept one of the same label."""
    near = np.zeros(len(events), dtype=bool)
    for label in np.unique(kept.events.label):
        rows, kept_s = np.flatnonzero(events.label == label), kept.events.time_s[kept.events.label == label]
        after = np.searchsorted(kept_s, events.time_s[rows])
        for neighbour in (after - 1, after):
            neighbour_s = kept_s[np.clip(neighbour, 0, len(kept_s) - 1)]
            near[rows] |= np.abs(neighbour_s - events.time_s[rows]) < spacing_s
    return near


def _select(hits: DecodedHits, which: NDArray[np.bool_]) -> DecodedHits:
    return DecodedHits(hits.events.select(which), {name: values[which] for name, values in hits.branches.items()})
