"""Chords: Roman numerals over a key, as pitches for our band and as names for chord charts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NOTE_NAMES: Final = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

_DEGREES: Final[Mapping[str, int]] = MappingProxyType(
    {"I": 0, "bII": 1, "II": 2, "bIII": 3, "III": 4, "IV": 5, "bV": 6, "V": 7, "bVI": 8, "VI": 9, "bVII": 10, "VII": 11}
)
_QUALITIES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "": (0, 4, 7),
        "m": (0, 3, 7),
        "7": (0, 4, 7, 10),
        "M7": (0, 4, 7, 11),
        "m7": (0, 3, 7, 10),
        "m7b5": (0, 3, 6, 10),
        "sus4": (0, 5, 7),
    }
)


@dataclass(frozen=True)
class Chord:
    root: int
    """Pitch class, 0 (C) to 11."""
    quality: str
    """A key of `_QUALITIES`, as chord charts write it."""

    @property
    def steps(self) -> tuple[int, ...]:
        """Semitones over the root."""
        return _QUALITIES[self.quality]

    @property
    def name(self) -> str:
        return NOTE_NAMES[self.root] + self.quality


def chords(progression: str, key: int) -> tuple[Chord, ...]:
    """The chords of a progression such as ``"Im bVI bIII bVII"`` over a key (pitch class), one a bar."""
    return tuple(_chord(numeral, key) for numeral in progression.split())


def _chord(numeral: str, key: int) -> Chord:
    match = re.fullmatch(r"(b?[IV]+)(.*)", numeral)
    if match is None or match[1] not in _DEGREES or match[2] not in _QUALITIES:
        raise ValueError(f"{numeral!r} is not a chord")
    return Chord((key + _DEGREES[match[1]]) % 12, match[2])


def root_near(chord: Chord, lowest: int) -> int:
    """The pitch of the chord's root in the octave that begins at ``lowest``."""
    return lowest + (chord.root - lowest) % 12


def voicing(chord: Chord, lowest: int) -> tuple[int, ...]:
    """The chord's pitches, each in the octave that begins at ``lowest``: chord follows chord by small steps."""
    return tuple(sorted(lowest + (chord.root + step - lowest) % 12 for step in chord.steps))
