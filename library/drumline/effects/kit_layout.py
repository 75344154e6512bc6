"""Where the pieces of a kit stand: one geometry for pans, bleed and rooms.

Metres, as a right-handed drummer sees them, from the snare's place on the floor: x to the right, y ahead, z up.
Typical values of a five-piece rock kit.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Candidate = tuple[float, float, float]

SPEED_OF_SOUND: Final = 343.0
"""Metres per second in air at 20 degrees Celsius."""

PLACES: Final[Mapping[str, Candidate]] = MappingProxyType(
    {
        "kick": (0.25, 0.55, 0.30),
        "snare": (0.00, 0.00, 0.65),
        "tom_high": (0.05, 0.45, 0.85),
        "tom_mid": (0.42, 0.45, 0.85),
        "tom_floor": (0.80, 0.00, 0.60),
        "hihat": (-0.40, 0.15, 0.90),
        "ride": (0.90, 0.40, 1.00),
        "crash": (-0.30, 0.65, 1.25),
    }
)
"""The pieces that a production knows, in the order in which they are summed."""

_CENTRE_X_M: Final = 0.25
_HALF_WIDTH_M: Final = 0.65


def side(piece: str) -> float:
    """-1 (far left of the drummer) to 1 (far right)."""
    return (PLACES[piece][0] - _CENTRE_X_M) / _HALF_WIDTH_M


def distance_m(piece: str, other: str) -> float:
    return math.dist(PLACES[piece], PLACES[other])
