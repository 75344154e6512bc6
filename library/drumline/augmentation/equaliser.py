"""Another microphone, desk or loudspeaker: shelves and a peak. Hits stay: biquads ring after an edge, never before."""

from dataclasses import replace

import numpy as np

from drumline.augmentation.example import Drawn, Example, Random, Transform
from drumline.core.grid import RATE_HZ
from drumline.core.ranges import Probability, Range
from drumline.effects import filters


class Equaliser(Transform):
    """Two shelves and a peak; now and then the narrow band of a telephone or a small loudspeaker."""

    probability: float = 0.5
    gain_db: Range = (-9.0, 9.0)
    """Gain of each of the three bands [dB]."""
    narrow_probability: Probability = 0.1
    """Probability of a further high pass at 80 to 300 Hz and low pass at 3.5 to 9 kHz."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        low_db, peak_db, high_db = (float(gain_db) for gain_db in random.uniform(*self.gain_db, 3))
        peak_hz = float(np.exp(random.uniform(np.log(200.0), np.log(5000.0))))
        bands = [
            filters.Band("low_shelf", random.uniform(80.0, 300.0), low_db),
            filters.Band("peak", peak_hz, peak_db, q=random.uniform(0.5, 2.0)),
            filters.Band("high_shelf", random.uniform(3000.0, 8000.0), high_db),
        ]
        narrow = random.random() < self.narrow_probability
        if narrow:
            bands.append(filters.Band("high_pass", random.uniform(80.0, 300.0)))
            bands.append(filters.Band("low_pass", random.uniform(3500.0, 9000.0)))
        # Double precision: a shelf at 80 Hz has poles too near 1 for float32.
        samples = filters.apply(bands, example.samples.astype(np.float64), rate_hz=RATE_HZ).astype(np.float32)
        drawn = {"low_db": low_db, "peak_db": peak_db, "peak_hz": peak_hz, "high_db": high_db, "narrow": float(narrow)}
        return replace(example, samples=samples), drawn
