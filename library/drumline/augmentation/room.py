"""A small room around the recording: reflections after the direct sound, which stays where it is, and so do hits."""

from dataclasses import replace

import numpy as np
from scipy import signal

from drumline.augmentation.example import Drawn, Example, Random, Transform, gain
from drumline.core.grid import RATE_HZ
from drumline.core.ranges import PositiveRange, Range
from drumline.effects.room import Shoebox, shoebox_response


class Room(Transform):
    """A rectangular room (`effects.room`), heard through one microphone."""

    probability: float = 0.3
    width_m: PositiveRange = (2.5, 9.0)
    """Width and depth of the room [m], sampled separately."""
    rt60_s: PositiveRange = (0.1, 0.6)
    """Time in which sound falls by 60 dB, seconds, drawn by its logarithm."""
    wet_db: Range = (-24.0, -6.0)
    """Reverberant energy over direct."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        width_m, depth_m = random.uniform(*self.width_m, 2)
        rt60_s = float(np.exp(random.uniform(*np.log(self.rt60_s))))
        wet_db = random.uniform(*self.wet_db)
        height_m = random.uniform(2.3, 3.5)
        across, along = random.uniform(0.3, 0.7, 2)
        room = Shoebox(
            size_m=(width_m, depth_m, height_m),
            kit_m=(across * width_m, 0.3 * depth_m, 0.0),
            microphone_m=(along * width_m, 0.75 * depth_m, 1.6),
            spacing_m=0.0,
            rt60_s=(1.2 * rt60_s, rt60_s, 0.7 * rt60_s),
            wet_db=wet_db,
            seed=int(random.integers(1 << 31)),
        )
        response = shoebox_response(room, piece="snare", channels=1, rate_hz=RATE_HZ)[0].astype(np.float32)
        wet = signal.oaconvolve(example.samples, response)[: len(example.samples)]
        samples = np.asarray(example.samples + wet * gain(wet_db), dtype=np.float32)
        return replace(example, samples=samples), {"rt60_s": rt60_s, "wet_db": wet_db, "width_m": width_m}
