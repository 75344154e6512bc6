"""Noise of recordings: white and pink noise, hiss, hum. Times of hits do not change."""

from dataclasses import replace
from typing import Final

import numpy as np
from scipy import signal

from drumline.augmentation.example import Drawn, Example, Random, Samples, Transform, gain, rms
from drumline.core.grid import RATE_HZ
from drumline.core.ranges import Range
from drumline.effects import colour, filters

KINDS: Final = ("white", "pink", "hiss", "hum")
QUIET: Final = 0.01
"""RMS that stands in for that of a quieter window: 26 dB under the level that recordings are brought to."""

# Pinking filter of third order, within 0.4 dB of 3 dB an octave from 20 Hz to 9 kHz (Julius O. Smith, "Spectral Audio
# Signal Processing", 2011, section "Example: Synthesis of 1/F Noise").
_PINK: Final = (
    (0.049922035, -0.095993537, 0.050612699, -0.004408786),
    (1.0, -2.494956002, 2.017265875, -0.522189400),
)


class Noise(Transform):
    """Noise of one kind."""

    probability: float = 0.3
    snr_db: Range = (10.0, 45.0)
    """RMS of the window over that of the noise."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        kind = KINDS[random.integers(len(KINDS))]
        snr_db = random.uniform(*self.snr_db)
        return added(example, noise(kind, len(example.samples), random), snr_db), {"kind": kind, "snr_db": snr_db}


def added(example: Example, other: Samples, snr_db: float) -> Example:
    """The example with another sound, brought to an RMS ``snr_db`` below that of the example (at least `QUIET`)."""
    level = gain(-snr_db) * max(rms(example.samples), QUIET) / max(rms(other), 1e-9)
    return replace(example, samples=example.samples + other * np.float32(level))


def noise(kind: str, length: int, random: Random) -> Samples:
    """Noise of a kind of `KINDS`, float32 [length], of any level."""
    if kind == "hum":
        mains = colour.Noise(hiss_db=-120.0, hum_db=-20.0, mains_hz=int(random.choice((50, 60))))
        seed = int(random.integers(1 << 31))
        return np.asarray(colour.noise(mains, channels=1, length=length, rate_hz=RATE_HZ, seed=seed)[0])
    white: Samples = random.standard_normal(length, dtype=np.float32)
    if kind == "pink":
        white = np.asarray(signal.lfilter(*_PINK, white), dtype=np.float32)
    if kind == "hiss":
        white = filters.apply([filters.Band("high_pass", 4000.0)], white, rate_hz=RATE_HZ)
    return white
