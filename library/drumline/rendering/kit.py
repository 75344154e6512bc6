"""Interface of drum kits for rendering.

A kit returns a one-shot for a hit, with the index of its acoustic onset, so that the renderer can align the onset, and
not the start of a recording with lead-in, with the label.
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
"""Pieces of a kit, which can be tuned, swapped and mixed separately, and the classes that each plays."""

PIECE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {drum: piece for piece, drums in PIECES.items() for drum in drums}
)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A one-shot: the sound of one hit."""

    samples: Samples
    """Mono float32 [N], including lead-in and decay."""
    onset: int
    """Sample index of the acoustic onset."""


class Kit(Protocol):
    """A drum kit for rendering."""

    @property
    def name(self) -> str:
        """Unique among the kits of a corpus."""
        ...

    @property
    def rate_hz(self) -> int:
        """Sample rate [Hz]."""
        ...

    @property
    def drums(self) -> frozenset[str]:
        """Classes of `taxonomy.CLASSES` that the kit can play."""
        ...

    def stroke(
        self, drum: str, velocity: float, *, take: int, source_name: str = "", openness: float | None = None
    ) -> Stroke:
        """Return the one-shot of a hit.

        Parameters
        ----------
        drum
            Class to play.
        velocity
            Velocity, 0 to 1.
        take
            Round-robin number, any non-negative integer.
        source_name
            Name of the piece, if the kit has several of a class (``china``, ``crash 2``).
        openness
            Hi-hat opening, 0 closed to 1 open.

        Raises
        ------
        KeyError
            The kit cannot play the class.
        """
        ...
