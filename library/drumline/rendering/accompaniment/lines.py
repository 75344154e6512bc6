"""Pitches of a player: one function per kind of line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from drumline.rendering.accompaniment.harmony import Chord, root_near, voicing


@dataclass(frozen=True)
class Position:
    """Where a stroke stands."""

    chord: Chord
    next_chord: Chord
    """The chord of the following bar."""
    index: int
    """Among the strokes of the bar."""
    count: int
    """Among all strokes of the player in the song."""
    is_last_beat: bool
    key: int
    """Pitch class."""
    scale: tuple[int, ...]
    """Semitones over the key."""
    contour: tuple[int, ...]
    """Steps of the scale, drawn once a song: what makes a tune come again."""


Line = Callable[[int, Position], tuple[int, ...]]
"""(the pitch at which the player's range begins, where) -> MIDI pitches that sound together."""

_BASS_INTERVALS: Final = (0, 0, 7, 12, 0, 0, 12, 7)


def _bass(lowest: int, at: Position) -> tuple[int, ...]:
    interval = _BASS_INTERVALS[at.contour[at.index % len(at.contour)] % len(_BASS_INTERVALS)]
    return (root_near(at.chord, lowest) + (interval if at.index else 0),)


def _walk(lowest: int, at: Position) -> tuple[int, ...]:
    """Chord tones upwards, and on the last beat a semitone beside the next root."""
    if at.is_last_beat:
        return (root_near(at.next_chord, lowest) + (1 if at.contour[0] % 2 else -1),)
    return (root_near(at.chord, lowest) + at.chord.steps[at.index % len(at.chord.steps)],)


def _power(lowest: int, at: Position) -> tuple[int, ...]:
    root = root_near(at.chord, lowest)
    return (root, root + 7, root + 12)


def _chord(lowest: int, at: Position) -> tuple[int, ...]:
    return voicing(at.chord, lowest)


def _arpeggio(lowest: int, at: Position) -> tuple[int, ...]:
    tones = voicing(at.chord, lowest)
    up_and_down = (*tones, tones[0] + 12, *tones[:0:-1])
    return (up_and_down[at.index % len(up_and_down)],)


def _melody(lowest: int, at: Position) -> tuple[int, ...]:
    return (_of_scale(at.contour[at.count % len(at.contour)], at.key, at, lowest),)


def _riff(lowest: int, at: Position) -> tuple[int, ...]:
    """The same figure in every bar, over the bar's root."""
    return (_of_scale(at.contour[at.index % len(at.contour)], at.chord.root, at, lowest),)


def _of_scale(step: int, root: int, at: Position, lowest: int) -> int:
    octave, degree = divmod(step, len(at.scale))
    return lowest + (root - lowest) % 12 + 12 * max(-1, min(1, octave)) + at.scale[degree]


LINES: Final[Mapping[str, Line]] = MappingProxyType(
    {
        "bass": _bass,
        "walk": _walk,
        "power": _power,
        "chord": _chord,
        "arpeggio": _arpeggio,
        "melody": _melody,
        "riff": _riff,
    }
)
