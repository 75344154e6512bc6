"""Parts through a SoundFont, by way of TinySoundFont; those of drawn instruments through none.

A song asks for few different notes many times, so each is synthesised alone, once, and then added wherever it stands:
tens of times faster than a synthesiser that runs through the song, and every note starts on its own sample. For that,
velocities and lengths are rounded (`_VELOCITY_STEP`, `_LENGTH_STEP_S`), upwards.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from drumline.core.errors import ConfigError
from drumline.rendering.accompaniment.amp import amplified
from drumline.rendering.accompaniment.modal_instruments import play_instrument
from drumline.rendering.accompaniment.score import Note, Part, gains

Samples = NDArray[np.float32]

_VELOCITY_STEP: Final = 12
_LENGTH_STEP_S: Final = 0.02
_MAX_LENGTH_S: Final = 8.0
_RELEASE_S: Final = 1.0  # what rings on after the key is up; the rest is faded out
_FADE_S: Final = 0.05
_FLUSH_S: Final = 0.1  # TinySoundFont ends a voice that is cut off within 10 ms
_SILENCE: Final = 1e-4
_DRUM_BANK: Final = 128


def render_parts(
    parts: Sequence[Part], *, soundfont: str, duration_s: float, rate_hz: int, channels: int, max_synthesis_rate_hz: int
) -> Samples:
    """Audio float32 [channels, round(duration_s * rate_hz)], at whatever level the SoundFont has; not clipped.

    Where all instruments are drawn, no SoundFont is opened. Raises ConfigError where TinySoundFont is not installed or
    the file is not a SoundFont with melodic programs.
    """
    synthesis_rate_hz = min(rate_hz, max_synthesis_rate_hz)
    total = np.zeros((channels, round(duration_s * synthesis_rate_hz)), dtype=np.float32)
    for part in parts:
        if part.drawn is None:
            track = _track(part, _player(soundfont, synthesis_rate_hz), total.shape, synthesis_rate_hz)
        else:
            track = play_instrument(part, seed=part.drawn, shape=total.shape, rate_hz=synthesis_rate_hz)
        total += track if part.amp is None else amplified(track, part.amp, rate_hz=synthesis_rate_hz)
    if synthesis_rate_hz != rate_hz:
        resampled = soxr.resample(total.T, synthesis_rate_hz, rate_hz, quality="HQ").T
        total = np.zeros((channels, round(duration_s * rate_hz)), dtype=np.float32)
        shared = min(total.shape[1], resampled.shape[1])
        total[:, :shared] = resampled[:, :shared]
    return total


def _track(part: Part, player: "_Player", shape: tuple[int, int], rate_hz: int) -> Samples:
    """A part as the SoundFont has it, float32 of a shape of [channels, N]."""
    channels, count = shape
    gain = gains(part.gain_db, part.pan, channels)
    track = np.zeros(shape, dtype=np.float32)
    sounds: dict[tuple[int, int, int], Samples] = {}
    for note in part.notes:
        start = round(note.start_s * rate_hz)
        if not 0 <= start < count:
            continue
        key = _rounded(note)
        if key not in sounds:
            stereo = player.sound(part, *key)
            sounds[key] = gain * (stereo if channels == 2 else 0.5 * (stereo[:1] + stereo[1:]))
        sound = sounds[key][:, : count - start]
        track[:, start : start + sound.shape[1]] += sound
    return track


def check_soundfont(path: str) -> None:
    """Raise ConfigError where `render_parts` would. It is loaded and let go: seconds for an SF3, whose samples are
    compressed."""
    _Player(path, 22_050)


def tinysoundfont() -> ModuleType:
    """The package, imported when it is first needed. Raises ConfigError where it is not installed."""
    try:
        import tinysoundfont as package  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ModuleNotFoundError as error:
        raise ConfigError(
            "playing SoundFonts needs tinysoundfont: pip install --no-deps 'tinysoundfont>=0.3.6' "
            "(its one dependency, PyAudio, is for loudspeakers only and needs PortAudio to build)"
        ) from error
    module: ModuleType = package
    return module


class _Player:
    """One SoundFont at one rate."""

    def __init__(self, path: str, rate_hz: int) -> None:
        package = tinysoundfont()
        self._rate_hz = rate_hz
        self._synth: Any = package.Synth(samplerate=rate_hz)
        try:
            self._font = self._synth.sfload(str(Path(path).expanduser()))
        except (RuntimeError, package.SoundFontException) as error:
            raise ConfigError(f"{path}: cannot be read as a SoundFont (.sf2): {error}") from error
        self._programs = np.array([p for p in range(128) if self._synth.sfpreset_name(self._font, 0, p) is not None])
        if not len(self._programs):
            raise ConfigError(f"{path}: holds no melodic programs (bank 0); is it a drum kit?")

    def sound(self, part: Part, pitch: int, velocity: int, length_steps: int) -> Samples:
        """One note with its release, float32 [2, N]. Programs that the font lacks sound as the nearest it has."""
        if part.is_percussion:
            self._synth.program_select(0, self._font, _DRUM_BANK, part.program, True)
        else:
            nearest = int(self._programs[np.argmin(np.abs(self._programs - part.program))])
            self._synth.program_select(0, self._font, 0, nearest)
        self._synth.noteon(0, pitch, velocity)
        held = self._generate(length_steps * _LENGTH_STEP_S)
        self._synth.noteoff(0, pitch)
        released = self._generate(_RELEASE_S)
        # Whatever still rings must not sound in the next note.
        self._synth.sounds_off(0)
        self._generate(_FLUSH_S)
        samples = np.concatenate([held, released], axis=1)
        fade = round(_FADE_S * self._rate_hz)
        samples[:, -fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        audible = np.flatnonzero(np.abs(samples[0]) + np.abs(samples[1]) > _SILENCE)
        return samples[:, : audible[-1] + 1 if len(audible) else 1]

    def _generate(self, seconds: float) -> Samples:
        interleaved = np.frombuffer(self._synth.generate(round(seconds * self._rate_hz)), dtype=np.float32)
        return np.ascontiguousarray(interleaved.reshape(-1, 2).T)  # a few long rows are what numpy is fast at


@lru_cache(maxsize=4)
def _player(path: str, rate_hz: int) -> _Player:
    """Kept: a large SoundFont takes a quarter of a second to load (an SF3 eight), and twice its size in memory."""
    return _Player(path, rate_hz)


def _rounded(note: Note) -> tuple[int, int, int]:
    """Pitch, velocity and length in steps, of the note that stands for this one."""
    velocity = min(127, -(-note.velocity // _VELOCITY_STEP) * _VELOCITY_STEP)
    length_s = min(max(note.end_s - note.start_s, _LENGTH_STEP_S), _MAX_LENGTH_S)
    return note.pitch, velocity, int(np.ceil(length_s / _LENGTH_STEP_S - 1e-6))
