"""Effects of tape, valves and cheap converters: saturation, noise, and loss.

All work on float32 [channels, N] whose peak is about 1, sample by sample or with a delay below 0.1 ms.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import signal

from drumline.effects import filters

Samples = NDArray[np.float32]

_DC_CORNER_HZ: Final = 10.0


@dataclass(frozen=True)
class Saturation:
    """``tanh(drive x + asymmetry)``, moved and scaled so that 0 stays 0 and 1 stays 1."""

    drive_db: float
    asymmetry: float
    """0 gives odd harmonics only, like a pair of valves; more adds even ones, like tape."""


@dataclass(frozen=True)
class Noise:
    """Background noise of a recording: hiss and hum."""

    hiss_db: float
    """RMS of white noise relative to full scale."""
    hum_db: float | None
    """RMS of mains hum; None is none."""
    mains_hz: int


@dataclass(frozen=True)
class Loss:
    """A worse recorder. None leaves a step out."""

    low_pass_hz: float | None
    rate_hz: int | None
    """Down to this rate and back."""
    bits: int | None
    """Depth of the quantiser, without dither."""


def saturate(samples: Samples, saturation: Saturation) -> Samples:
    drive, bias = 10 ** (saturation.drive_db / 20), saturation.asymmetry
    rest = math.tanh(bias)
    shaped = np.tanh(samples * np.float32(drive) + np.float32(bias)) - np.float32(rest)
    if bias == 0.0:
        return np.asarray(shaped / np.float32(math.tanh(drive)))
    shaped[samples == 0] = 0.0  # float32's tanh may differ from ours in the last bit
    return np.asarray(shaped / np.float32(math.tanh(drive + bias) - rest))


def without_offset(samples: Samples, *, rate_hz: int) -> Samples:
    """A first-order high pass at 10 Hz: what is bent to one side has a mean while it sounds, and no tape head has."""
    pole = math.exp(-2 * math.pi * _DC_CORNER_HZ / rate_hz)
    passed = signal.lfilter(np.array([1, -1], np.float32), np.array([1, -pole], np.float32), samples)
    return np.asarray(passed, dtype=np.float32)


def driven(samples: Samples, saturation: Saturation, *, rate_hz: int) -> Samples:
    """Saturated, without the offset that an asymmetry leaves."""
    return without_offset(saturate(samples, saturation), rate_hz=rate_hz)


def noise(noise: Noise, *, channels: int, length: int, rate_hz: int, seed: int) -> Samples:
    """Hiss, its own for each channel, and hum, the same for all: float32 [channels, length]."""
    random = np.random.default_rng((seed, 2))
    hiss = random.standard_normal((channels, length), dtype=np.float32)
    hiss *= np.float32(10 ** (noise.hiss_db / 20))
    if noise.hum_db is None:
        return hiss
    # Whole mains periods fit into a second, so one second can be repeated.
    phase = 2 * math.pi * noise.mains_hz * np.arange(rate_hz) / rate_hz
    second = sum(np.sin(harmonic * phase + random.uniform(0, 6)) / harmonic for harmonic in (1, 2, 3, 5))
    second = np.asarray(second) * 10 ** (noise.hum_db / 20) / np.sqrt(np.mean(np.square(second)))
    hiss += np.resize(second.astype(np.float32), length)
    return hiss


def lose(samples: Samples, loss: Loss, *, rate_hz: int) -> Samples:
    if loss.low_pass_hz is not None:
        samples = filters.apply([filters.Band("low_pass", loss.low_pass_hz)], samples, rate_hz=rate_hz)
    if loss.rate_hz is not None and loss.rate_hz < rate_hz:
        length = samples.shape[1]
        low = soxr.resample(samples.T, rate_hz, loss.rate_hz)  # linear phase, its delay taken out
        samples = soxr.resample(low, loss.rate_hz, rate_hz).T
        samples = np.pad(samples, ((0, 0), (0, max(0, length - samples.shape[1]))))[:, :length]
    if loss.bits is not None:
        step = np.float32(2.0 ** (1 - loss.bits))
        samples = np.round(samples / step) * step
    return np.asarray(samples, dtype=np.float32)
