"""People: a babble without words. Hits stay where they are.

Voices overlap until nothing but their spectrum and their syllables is left: noise in three bands of speech, each with
an envelope of its own that moves some four times a second.
"""

from typing import Final

import numpy as np

from drumline.augmentation.example import Drawn, Example, Random, Samples, Transform
from drumline.augmentation.noise import added
from drumline.core.grid import RATE_HZ
from drumline.core.ranges import Range
from drumline.effects import filters

_BANDS_HZ: Final = ((120.0, 600.0, 1.0), (600.0, 1600.0, 0.5), (1600.0, 4500.0, 0.2))
"""Low and high edge, and amplitude: a long-term spectrum of speech falls by some 9 dB an octave above 600 Hz."""


class Crowd(Transform):
    """An audience."""

    probability: float = 0.1
    snr_db: Range = (8.0, 30.0)
    """RMS of the window over that of the crowd."""
    syllables_hz: Range = (2.0, 6.0)
    """How often the loudness moves."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        snr_db, syllables_hz = random.uniform(*self.snr_db), random.uniform(*self.syllables_hz)
        crowd = babble(len(example.samples), syllables_hz, random)
        return added(example, crowd, snr_db), {"snr_db": snr_db, "syllables_hz": syllables_hz}


def babble(length: int, syllables_hz: float, random: Random) -> Samples:
    """Babble, float32 [length], of any level."""
    seconds = np.arange(length, dtype=np.float32) / np.float32(RATE_HZ)
    knots_s = np.arange(0.0, length / RATE_HZ + 2 / syllables_hz, 1 / syllables_hz)
    total = np.zeros(length, dtype=np.float32)
    for low_hz, high_hz, amplitude in _BANDS_HZ:
        loudness = amplitude * random.uniform(0.2, 1.0, len(knots_s))
        bands = [filters.Band("high_pass", low_hz), filters.Band("low_pass", high_hz)]
        white = random.standard_normal(length, dtype=np.float32)
        total += filters.apply(bands, white, rate_hz=RATE_HZ) * np.interp(seconds, knots_s, loudness).astype(np.float32)
    return total
