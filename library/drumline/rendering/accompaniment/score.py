"""Score of an accompaniment: parts of notes in seconds, with General MIDI programs (0 to 127).

https://midi.org/general-midi
"""

from dataclasses import dataclass

import numpy as np
import symusic
from numpy.typing import NDArray

from drumline.core.errors import ChartError
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.amp import Amp


@dataclass(frozen=True, slots=True)
class Note:
    start_s: float
    end_s: float
    pitch: int
    """0 to 127; 60 is middle C."""
    velocity: int
    """1 to 127"""


@dataclass(frozen=True)
class Part:
    """One instrument."""

    program: int
    """General MIDI program, 0 to 127."""
    notes: tuple[Note, ...]
    gain_db: float = 0.0
    pan: float = 0.0
    """-1 left to 1 right."""
    is_percussion: bool = False
    """Whether pitches are keys of the program's drum kit."""
    amp: Amp | None = None
    """Amplifier of the part."""
    drawn: int | None = None
    """Seed of an instrument that is drawn (`modal_instruments`) in place of the SoundFont's."""


def gains(gain_db: float, pan: float, channels: int) -> NDArray[np.float32]:
    """Gain and pan, float32 [channels, 1]; equal power, 0 dB in the middle."""
    gain = 10 ** (gain_db / 20)
    if channels == 1:
        return np.array([[gain]], dtype=np.float32)
    angle = (pan + 1) * np.pi / 4
    return np.array([[gain * np.sqrt(2) * np.cos(angle)], [gain * np.sqrt(2) * np.sin(angle)]], dtype=np.float32)


def parts_of_midi(
    data: bytes, tempo: TempoMap, *, name: str, end_s: float, start_beat: float = 0.0
) -> tuple[Part, ...]:
    """The parts of a MIDI file, drums left out, its beats laid on another song's.

    Quarter note ``start_beat`` of the file sounds at tick 0 of ``tempo``, and from there on both count alike, so that
    the file is in time with the song whatever its own tempo. Notes that start outside 0..end_s are left out. Raises
    ChartError where the file cannot be read; ``name`` stands at its head.
    """
    try:
        score = symusic.Score.from_midi(data)
    except (RuntimeError, ValueError) as error:
        raise ChartError(name, f"not a MIDI file that can be read: {error}") from error
    parts = []
    for track in score.tracks:
        if track.is_drum or not len(track.notes):
            continue
        arrays = track.notes.numpy()
        starts, lengths = arrays["time"].astype(float), arrays["duration"].astype(float)
        ticks_per_tick = tempo.resolution / score.ticks_per_quarter
        origin = start_beat * score.ticks_per_quarter
        starts_s = tempo.seconds((starts - origin) * ticks_per_tick)
        ends_s = tempo.seconds((starts + lengths - origin) * ticks_per_tick)
        notes = tuple(
            Note(float(start_s), float(note_end_s), int(pitch), int(velocity))
            for start_s, note_end_s, pitch, velocity in zip(
                starts_s, ends_s, arrays["pitch"], arrays["velocity"], strict=True
            )
            if 0.0 <= start_s < end_s and velocity > 0
        )
        if notes:
            parts.append(Part(int(track.program), notes))
    return tuple(parts)
