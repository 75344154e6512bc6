"""Rooms: what a wall adds to a hit, after it.

A response holds no direct sound: that is the dry signal itself, at sample 0. It is float64 [channels, L] of energy 1
a channel, so ``wet_db`` is the reverberant energy over the direct. Early reflections are image sources in a shoebox
(J. B. Allen, D. A. Berkley, "Image method for efficiently simulating small-room acoustics", JASA 65(4), 1979); behind
them stands noise that decays in three bands, its own for each channel (M. R. Schroeder, "Natural sounding artificial
reverberation", JAES 10(3), 1962).
"""

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy import signal

from drumline.core.artifacts import read_bytes
from drumline.effects.kit_layout import PLACES, SPEED_OF_SOUND, Candidate

Response = NDArray[np.float64]

_MAX_ORDER: Final = 4
_CROSSOVERS_HZ: Final = (300.0, 3000.0)
_MAX_LENGTH_S: Final = 4.0
_GATE_FADE_S: Final = 0.01
_BLEND_S: Final = 0.0005
"""A measured direct sound is smeared over about this long; the dry signal stands in for it."""


@dataclass(frozen=True)
class Shoebox:
    """A rectangular room with a kit and a pair of microphones in it."""

    size_m: Candidate
    """Width, depth, height."""
    kit_m: Candidate
    """Where the snare stands on the floor (`kit_layout.PLACES` starts there)."""
    microphone_m: Candidate
    """Middle of the pair."""
    spacing_m: float
    """Between the pair; of no effect with one channel."""
    rt60_s: tuple[float, float, float]
    """Time in which sound falls by 60 dB: below 300 Hz, between, above 3 kHz."""
    wet_db: float
    seed: int
    """Random seed of the diffuse tail."""
    gate_s: float | None = None
    """When a gate cuts the response off; None is never."""


@dataclass(frozen=True)
class MeasuredRoom:
    """A room impulse response from a file."""

    file: str
    """Path or URI of an audio file; its first two channels are taken."""
    wet_db: float


def shoebox_response(room: Shoebox, *, piece: str, channels: int, rate_hz: int) -> Response:
    """Response of a room without the direct sound: reflections of the piece's position, and a tail common to all."""
    tail = _tail(room, channels=channels, rate_hz=rate_hz)
    mixing = _mixing_time_s(room)
    response = tail.copy()
    for channel, microphone in enumerate(_microphones(room, channels)):
        delays, gains = _reflections(room, piece, microphone)
        index = np.maximum(1, np.round(delays * rate_hz).astype(np.int64))
        early = delays < mixing
        reflections = np.bincount(index[early], gains[early], minlength=response.shape[1])[: response.shape[1]]
        energy = float(np.sum(reflections**2))
        # The tail's envelope, had it begun at 0, would hold as much until the mixing time: so decay runs on through it.
        expected = 1 - 10 ** (-6 * mixing / room.rt60_s[1])
        response[channel] *= math.sqrt(energy / expected) if energy > 0 else 1.0
        response[channel] += reflections
    if room.gate_s is not None:
        time_s = np.arange(response.shape[1]) / rate_hz
        response *= np.clip((room.gate_s - time_s) / _GATE_FADE_S, 0.0, 1.0)
    return _unit_energy(response)


@lru_cache(maxsize=4)
def measured_response(file: str, *, channels: int, rate_hz: int) -> Response:
    """Response of a measured room, its direct sound aligned to sample 0 and removed.

    The direct sound is the first peak within 6 dB of the highest. Raises FileNotFoundError, soundfile.LibsndfileError,
    or ValueError for a silent file.
    """
    samples, file_rate_hz = soundfile.read(io.BytesIO(read_bytes(file)), dtype="float64", always_2d=True)
    samples = soxr.resample(samples, file_rate_hz, rate_hz)[:, :channels].T
    samples = np.repeat(samples, channels, axis=0)[:channels] if len(samples) < channels else samples
    start = direct_path(samples)
    response = samples[:, start : start + round(_MAX_LENGTH_S * rate_hz)].copy()
    blend = min(response.shape[1], max(1, round(_BLEND_S * rate_hz)))
    response[:, :blend] = 0.0
    return _unit_energy(response)


def direct_path(response: Response) -> int:
    """The sample of [channels, N] at which the direct sound stands. Raises ValueError for silence."""
    level = np.abs(response).max(axis=0)
    highest = float(level.max(initial=0.0))
    if highest == 0.0:
        raise ValueError("the room's response is silent")
    first = int(np.argmax(level >= highest / 2))
    after = level[first : first + 8]  # to the top of that same peak
    return first + int(np.argmax(after))


def _microphones(room: Shoebox, channels: int) -> list[Candidate]:
    x, y, z = room.microphone_m
    offsets = [0.0] if channels == 1 else [-room.spacing_m / 2, room.spacing_m / 2]
    return [(min(max(x + offset, 0.05), room.size_m[0] - 0.05), y, z) for offset in offsets]


def _reflections(room: Shoebox, piece: str, microphone: Candidate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Delays [s] after the direct sound and gains relative to it, of the image sources up to `_MAX_ORDER`."""
    size = np.array(room.size_m)
    source = np.clip(np.array(room.kit_m) + np.array(PLACES[piece]), 0.05, size - 0.05)
    steps = np.arange(-_MAX_ORDER, _MAX_ORDER + 1)
    cells = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    orders = np.abs(cells).sum(axis=1)
    cells, orders = cells[(orders > 0) & (orders <= _MAX_ORDER)], orders[(orders > 0) & (orders <= _MAX_ORDER)]
    # A wall mirrors: in cells of odd number the source stands the other way round.
    images = cells * size + np.where(cells % 2 == 0, source, size - source)
    direct_m = float(np.linalg.norm(source - np.array(microphone)))
    distances_m = np.linalg.norm(images - np.array(microphone), axis=1)
    gains = _wall_gain(room) ** orders * direct_m / distances_m
    return (distances_m - direct_m) / SPEED_OF_SOUND, gains


def _wall_gain(room: Shoebox) -> float:
    """Pressure reflected by a wall such that the room decays as drawn (Eyring's formula, solved for absorption)."""
    x, y, z = room.size_m
    volume, surface = x * y * z, 2 * (x * y + y * z + z * x)
    return math.exp(-12 * math.log(10) * volume / (SPEED_OF_SOUND * surface * room.rt60_s[1]))


def _mixing_time_s(room: Shoebox) -> float:
    """When reflections are too dense to tell apart: sqrt(volume in cubic metres) milliseconds (Polack, 1992)."""
    return math.sqrt(math.prod(room.size_m)) / 1000


@lru_cache(maxsize=2)
def _tail(room: Shoebox, *, channels: int, rate_hz: int) -> Response:
    """Decaying noise from the mixing time on; its envelope would have energy 1 from time 0."""
    seconds = min(_MAX_LENGTH_S, 1.1 * max(room.rt60_s))
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = np.random.default_rng((room.seed, 1)).standard_normal((channels, len(time_s)))
    low_hz, high_hz = _CROSSOVERS_HZ
    lows = signal.sosfiltfilt(signal.butter(2, low_hz, output="sos", fs=rate_hz), noise)
    highs = noise - signal.sosfiltfilt(signal.butter(2, high_hz, output="sos", fs=rate_hz), noise)
    bands = (lows, noise - lows - highs, highs)
    tail = sum(band * 10 ** (-3 * time_s / rt60_s) for band, rt60_s in zip(bands, room.rt60_s, strict=True))
    # Power of the middle's envelope summed over time: 1 / (1 - ratio from one sample to the next).
    tail = np.asarray(tail) * math.sqrt(1 - 10 ** (-6 / (room.rt60_s[1] * rate_hz)))
    mixing = round(_mixing_time_s(room) * rate_hz)
    tail[:, :mixing] = 0.0
    return tail


def _unit_energy(response: Response) -> Response:
    energy = np.mean(np.sum(response**2, axis=-1))
    return response / math.sqrt(energy) if energy > 0 else response
