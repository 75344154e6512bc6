"""Tape speed: resampling moves tempo and pitch together. Exact, and costs next to nothing.

Hits and tempo follow: ``new_s = old_s / rate``. No edge is smeared, since nothing but the sampling rate changes.
"""

from typing import ClassVar, Literal

import soxr

from drumline.augmentation.example import Drawn, Example, Random, Samples, Transform, faster
from drumline.core.grid import RATE_HZ
from drumline.core.ranges import PositiveRange


class Speed(Transform):
    """The tape runs faster or slower."""

    moves: ClassVar[Literal["time", "nothing"]] = "time"

    probability: float = 0.4
    rate: PositiveRange = (0.92, 1.08)
    """How many times as fast; 1.06 is a semitone."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        rate = random.uniform(*self.rate)
        backing = None if example.backing is None else at_speed(example.backing, rate)
        return faster(example, rate, samples=at_speed(example.samples, rate), backing=backing), {"rate": rate}


def at_speed(samples: Samples, rate: float) -> Samples:
    """Samples [N] as [N / rate]: sample n of the result was sample ``n * rate``."""
    resampled: Samples = soxr.resample(samples, RATE_HZ * rate, RATE_HZ)
    return resampled
