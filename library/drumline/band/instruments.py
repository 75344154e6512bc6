"""Instruments that parts are written for: General MIDI programs, pitch ranges, whether they play one note at a time.

https://midi.org/general-midi
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Instrument:
    """Instrument of a part."""

    name: str
    """Name of its file and track."""
    program: int
    """General MIDI program, 0 to 127."""
    pitches: tuple[int, int]
    """Lowest and highest MIDI pitch."""
    is_monophonic: bool = False
    """Whether it plays one note at a time."""


INSTRUMENTS: Final[Mapping[str, Instrument]] = MappingProxyType(
    {
        instrument.name: instrument
        for instrument in (
            Instrument("bass", 33, (23, 67), is_monophonic=True),
            Instrument("guitar", 27, (38, 90)),
            Instrument("keys", 0, (21, 108)),
            Instrument("pad", 89, (28, 100)),
            Instrument("vocals", 53, (36, 88), is_monophonic=True),
            Instrument("other", 0, (21, 108)),
        )
    }
)
"""Instruments by name."""

_PROGRAMS: Final = (
    (range(24, 32), "guitar"),
    (range(32, 40), "bass"),
    (range(40, 52), "pad"),
    (range(52, 55), "vocals"),
    (range(55, 80), "other"),
    (range(80, 88), "keys"),
    (range(88, 104), "pad"),
    (range(24), "keys"),
)
"""General MIDI programs by instrument; the first match counts."""


def instrument_of_program(program: int) -> Instrument:
    """Instrument for a General MIDI program.

    Examples
    --------
    >>> instrument_of_program(33).name
    'bass'
    """
    return INSTRUMENTS[next((name for programs, name in _PROGRAMS if program in programs), "other")]
