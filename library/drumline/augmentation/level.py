"""Louder or quieter as a whole. Hits and their velocities stay: a velocity is a stroke's loudness within its song."""

from dataclasses import replace

from drumline.augmentation.example import Drawn, Example, Random, Transform, gain
from drumline.core.ranges import Range


class Level(Transform):
    """The volume knob."""

    probability: float = 0.8
    gain_db: Range = (-12.0, 6.0)
    """On all samples."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        gain_db = random.uniform(*self.gain_db)
        return replace(example, samples=example.samples * gain(gain_db)), {"gain_db": gain_db}
