"""What can be struck: kits as the renderer sees them.

A kit answers a stroke with samples and says where in them the acoustic onset is, so that the renderer can put that
sample, and not the beginning of a recording with a lead-in, on the label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

PIECES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "kick": ("kick",),
        "snare": ("snare_head", "snare_rim"),
        "tom_high": ("tom_high",),
        "tom_mid": ("tom_mid",),
        "tom_floor": ("tom_floor",),
        "hihat": ("hihat_closed", "hihat_open", "hihat_pedal"),
        "ride": ("ride_body", "ride_bell"),
        "crash": ("crash",),
    }
)
"""The pieces of a kit that can be tuned, swapped and mixed by themselves, and the classes each plays."""

PIECE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {drum: piece for piece, drums in PIECES.items() for drum in drums}
)


@dataclass(frozen=True, slots=True)
class Stroke:
    """The sound of one stroke."""

    samples: Samples
    """Mono float32 [N], with its own lead-in and its whole tail."""
    onset: int
    """Index of the sample at which the stroke is heard to begin."""


class Kit(Protocol):
    """Whatever can be struck."""

    @property
    def name(self) -> str:
        """Unique among the kits of a corpus."""
        ...

    @property
    def rate_hz(self) -> int: ...

    @property
    def drums(self) -> frozenset[str]:
        """The classes of `taxonomy.CLASSES` that it can play."""
        ...

    def stroke(
        self, drum: str, velocity: float, *, take: int, source_name: str = "", openness: float | None = None
    ) -> Stroke:
        """The sound of a class struck with a velocity of 0 to 1.

        ``take`` (any non-negative integer) chooses among round robins; ``source_name`` among pieces of one class
        (``china``, ``crash 2``), where the kit has several; ``openness`` (0 closed to 1 open) among the positions
        of the hi-hat. Raises KeyError for a class that is not in `drums`.
        """
        ...
