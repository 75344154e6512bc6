"""Equalisers: minimum-phase biquads, which ring after a hit and never before it.

Shelves, peaks and second-order passes after R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter
coefficients" (W3C Working Group Note, 8 June 2021).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import signal

F = TypeVar("F", np.float32, np.float64)
Kind = Literal["low_shelf", "peak", "high_shelf", "high_pass", "low_pass"]

_HIGHEST: Final = 0.45
"""Highest corner frequency as a share of the sampling rate: above it a biquad is warped beyond use."""


@dataclass(frozen=True)
class Band:
    """One biquad."""

    kind: Kind
    frequency_hz: float
    """Midpoint of a shelf, centre of a peak, corner of a pass."""
    gain_db: float = 0.0
    """Gain of shelves and peaks [dB]."""
    q: float = math.sqrt(0.5)
    """1/sqrt(2) is Butterworth's for a pass and the steepest shelf without overshoot."""


def sections(bands: Sequence[Band], rate_hz: int) -> NDArray[np.float64]:
    """Second-order sections [num_bands, 6] for `scipy.signal.sosfilt`.

    A band that lies above 0.45 of the rate is left out: there is nothing for it to work on.
    """
    usable = [band for band in bands if band.frequency_hz < _HIGHEST * rate_hz]
    return np.array([_section(band, rate_hz) for band in usable], dtype=np.float64).reshape(-1, 6)


def apply(bands: Sequence[Band], samples: NDArray[F], *, rate_hz: int) -> NDArray[F]:
    """Samples [..., N] through the bands, in their own precision (float32 will do above some 500 Hz)."""
    sos = sections(bands, rate_hz).astype(samples.dtype)
    return np.asarray(signal.sosfilt(sos, samples, axis=-1)) if len(sos) else samples


def _section(band: Band, rate_hz: int) -> NDArray[np.float64]:
    w = 2 * math.pi * band.frequency_hz / rate_hz
    cos, alpha = math.cos(w), math.sin(w) / (2 * band.q)
    a = 10 ** (band.gain_db / 40)  # the square root of the gain
    slope = 2 * math.sqrt(a) * alpha
    match band.kind:
        case "peak":
            b = (1 + alpha * a, -2 * cos, 1 - alpha * a)
            d = (1 + alpha / a, -2 * cos, 1 - alpha / a)
        case "low_shelf":
            b = (
                a * (a + 1 - (a - 1) * cos + slope),
                2 * a * (a - 1 - (a + 1) * cos),
                a * (a + 1 - (a - 1) * cos - slope),
            )
            d = (a + 1 + (a - 1) * cos + slope, -2 * (a - 1 + (a + 1) * cos), a + 1 + (a - 1) * cos - slope)
        case "high_shelf":
            b = (
                a * (a + 1 + (a - 1) * cos + slope),
                -2 * a * (a - 1 + (a + 1) * cos),
                a * (a + 1 + (a - 1) * cos - slope),
            )
            d = (a + 1 - (a - 1) * cos + slope, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - slope)
        case "low_pass":
            b = ((1 - cos) / 2, 1 - cos, (1 - cos) / 2)
            d = (1 + alpha, -2 * cos, 1 - alpha)
        case "high_pass":
            b = ((1 + cos) / 2, -(1 + cos), (1 + cos) / 2)
            d = (1 + alpha, -2 * cos, 1 - alpha)
    return np.array([*b, *d]) / d[0]
