"""Passages so dense that they are worth a second reading on a finer grid, and that reading put in its place.

A first pass of 5.8 ms frames tells where strokes follow each other fast, be it that it misses every second one. There
a network of 2.9 ms frames (`core.grid.MICRO`) listens again, and its strokes stand instead of the first ones.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.core.config import Config
from drumline.metrics.events import Events

_ONE_ONSET_S: Final = 0.015
"""Strokes of several drums this near each other are played at once."""


class MicroConfig(Config):
    """Which passages are read again by the package's micro model, and how."""

    gap_ms: float = Field(default=60.0, gt=0)
    """Strokes of any drums that follow each other within this are dense [ms]: 16ths from 250 BPM on, 32nds from 125."""
    num_strokes: int = Field(default=6, ge=2)
    """A passage has at least so many of them."""
    around_ms: float = Field(default=90.0, ge=0)
    """What is read again on either side of a passage [ms]."""
    spacing_ms: float = Field(default=40.0, ge=0)
    """Stands for the first pass's ``spacing_ms`` there [ms]."""
    spacings_ms: dict[str, float] = Field(default={})
    """Likewise, by class [ms]."""


@dataclass(frozen=True)
class Passage:
    """A stretch of a recording."""

    start_s: float
    end_s: float


def dense_passages(events: Events, config: MicroConfig, *, duration_s: float) -> list[Passage]:
    """What is to be read again, in order; passages that touch are one."""
    onsets_s = _onsets(events.time_s)
    dense = np.diff(onsets_s) <= config.gap_ms / 1000
    edges = np.flatnonzero(np.diff(np.concatenate([[False], dense, [False]])))
    found: list[Passage] = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):  # of a run of gaps: its first and its last onset
        if last - first + 1 < config.num_strokes:
            continue
        start_s = max(0.0, float(onsets_s[first]) - config.around_ms / 1000)
        end_s = min(duration_s, float(onsets_s[last]) + config.around_ms / 1000)
        if found and start_s <= found[-1].end_s:
            start_s = found.pop().start_s
        found.append(Passage(start_s, end_s))
    return found


def _onsets(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of strokes in time order: the first of each that are played at once."""
    found: list[float] = []
    for time_s in times_s.tolist():
        if not found or time_s - found[-1] > _ONE_ONSET_S:
            found.append(time_s)
    return np.array(found)
