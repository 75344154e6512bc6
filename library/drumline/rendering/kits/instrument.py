"""Instruments, and the kit made of them, for all readers of kits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from drumline.rendering.kits.recording import Sound

Turn = tuple[float, ...]


@dataclass(frozen=True)
class Region:
    """A recording and when it is played."""

    sound: Sound
    low: float
    """The softest velocity, 0 to 1."""
    high: float
    """The hardest."""
    turn: Turn = ()
    """Regions of one velocity and different turns take turns, in this order; those of one turn sound together."""


@dataclass(frozen=True)
class Instrument:
    """Instrument of one key or one name of a kit."""

    name: str
    regions: tuple[Region, ...]
    key: int | None = None
    slope_db: float = 0.0
    """Gain of the format per tenfold velocity [dB]."""

    def only(self, sample: str) -> "Instrument":
        """The recordings whose path has a regular expression."""
        kept = (region for region in self.regions if re.search(sample, region.sound.path, re.IGNORECASE))
        return replace(self, regions=tuple(kept))


@dataclass(frozen=True)
class Zone:
    """A span of velocities in which the same regions play: each take's recordings."""

    low: float
    high: float
    takes: tuple[tuple[Sound, ...], ...]


def zones_of(regions: Sequence[Region]) -> list[Zone]:
    """The spans by rising velocity; where no region plays there is none."""
    edges = sorted({region.low for region in regions} | {region.high for region in regions})
    zones: list[Zone] = []
    for low, high in pairwise(edges):
        active = [region for region in regions if region.low <= low and high <= region.high]
        turns = sorted({region.turn for region in active})
        takes = tuple(tuple(region.sound for region in active if region.turn == turn) for turn in turns)
        if takes and zones and zones[-1].takes == takes:
            zones[-1] = replace(zones[-1], high=high)
        elif takes:
            zones.append(Zone(low, high, takes))
    return zones
