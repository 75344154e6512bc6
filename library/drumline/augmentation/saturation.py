"""Tape, valves, an overdriven input. Hits stay: it works sample by sample."""

from dataclasses import replace

import numpy as np

from drumline.augmentation.example import Drawn, Example, Random, Transform
from drumline.core.ranges import Range
from drumline.effects import colour


class Saturation(Transform):
    """``tanh`` of the window scaled to its own peak (`effects.colour`), then at its old peak again."""

    probability: float = 0.2
    drive_db: Range = (-6.0, 12.0)
    """Gain into the curve: 0 dB bends the peak to 0.76."""
    asymmetry: Range = (0.0, 0.2)
    """0 gives odd harmonics only."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        drive_db, asymmetry = random.uniform(*self.drive_db), random.uniform(*self.asymmetry)
        peak = np.float32(np.abs(example.samples).max(initial=0.0))
        if peak == 0:
            return example, {}
        samples = colour.saturate(example.samples / peak, colour.Saturation(drive_db, asymmetry)) * peak
        return replace(example, samples=samples), {"drive_db": drive_db, "asymmetry": asymmetry}
