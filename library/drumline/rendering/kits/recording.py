"""From the files of a kit to strokes: decoded once, mono, at one rate, tuned, trimmed, the onset measured."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from drumline.core.errors import ConfigError
from drumline.rendering.kit import Samples, Stroke
from drumline.rendering.kits.onset import level_db, onset_of

MAX_S: Final = 10.0
"""No stroke rings longer: it bounds a kit's memory."""
TAIL_DB: Final = -60.0
"""A tail ends where it falls this far below the stroke's loudest 10 ms."""
_BLOCK_S: Final = 0.01
_FADE_S: Final = 0.05
_CUT_FADE_S: Final = 1.0  # where MAX_S cuts a cymbal that still rings


@dataclass(frozen=True, slots=True)
class Sound:
    """One recording as a kit plays it."""

    path: str
    """Whatever the reader's `Load` understands: a file's URI, or the key and velocity of a synthesiser."""
    gain_db: float = 0.0
    semitones: float = 0.0
    first_frame: int = 0


Load = Callable[[str], tuple[NDArray[np.float32], int]]
"""Path -> (samples [N, channels], rate [Hz]), at most `MAX_S` long. Raises ConfigError where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Take:
    """A stroke and how loud it was played."""

    stroke: Stroke
    level_db: float
    """`onset.level_db`."""


def read_audio(data: bytes, location: str) -> tuple[NDArray[np.float32], int]:
    """The samples [N, channels] and the rate of an audio file. Raises ConfigError where it is none."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            # Twice: tuning an octave up shortens the sample, and a file may begin with silence.
            return file.read(int(2 * MAX_S * file.samplerate), dtype="float32", always_2d=True), file.samplerate
    except soundfile.LibsndfileError as error:
        raise ConfigError(f"{location}: a kit's sample that cannot be decoded ({error})") from error


def recorded(sounds: Sequence[Sound], *, load: Load, rate_hz: int, semitones: float) -> Take | None:
    """Recordings that sound together (microphones of one stroke) as one take; None where they are silent.

    Mono: the mean of the channels. A stereo kit would keep the axis here, and everywhere after.
    """
    parts = []
    for sound in sounds:
        channels, file_rate_hz = load(sound.path)
        mono = channels[sound.first_frame :].mean(axis=1) * np.float32(10 ** (sound.gain_db / 20.0))
        # Played n semitones up means played 2^(n/12) times as fast.
        played_hz = file_rate_hz * 2.0 ** ((sound.semitones + semitones) / 12.0)
        parts.append(mono if played_hz == rate_hz else soxr.resample(mono, played_hz, rate_hz))
    mixed = np.zeros(max((part.size for part in parts), default=0), dtype=np.float32)
    for part in parts:
        mixed[: part.size] += part
    if not mixed.any():
        return None
    samples = trimmed(mixed, rate_hz)
    onset = onset_of(samples, rate_hz)
    return Take(Stroke(samples, onset), level_db(samples, onset, rate_hz))


def trimmed(samples: Samples, rate_hz: int) -> Samples:
    """Samples whose tail fades out where it becomes inaudible, or at `MAX_S`."""
    block = max(1, round(_BLOCK_S * rate_hz))
    powers = np.add.reduceat(np.square(samples), np.arange(0, samples.size, block))
    audible = np.flatnonzero(powers > powers.max() * 10 ** (TAIL_DB / 10.0))[-1] + 1
    fade_s = _FADE_S
    end = min(samples.size, int(audible) * block + round(fade_s * rate_hz))
    if end > round(MAX_S * rate_hz):
        end, fade_s = round(MAX_S * rate_hz), _CUT_FADE_S
    kept = samples[:end].copy()
    fade = min(end, round(fade_s * rate_hz))
    kept[end - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return kept
