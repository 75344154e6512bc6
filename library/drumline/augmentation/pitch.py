"""Pitch shift: another tuning at the same tempo. Hits stay where they are.

A time stretch, and then the tape at a speed that undoes it: so the pitch is exact, which Signalsmith's own
transposition is not with blocks as short as ours (0.14 semitones off at 440 Hz).
"""

from dataclasses import replace

import numpy as np

from drumline.augmentation.example import Drawn, Example, Random, Samples, Transform
from drumline.augmentation.speed import at_speed
from drumline.augmentation.stretch import stretched
from drumline.core.ranges import Range


class Pitch(Transform):
    """Tuned higher or lower."""

    probability: float = 0.25
    semitones: Range = (-2.0, 2.0)
    """Up, or down where negative."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        semitones = random.uniform(*self.semitones)
        samples = shifted(example.samples, semitones)
        backing = None if example.backing is None else shifted(example.backing, semitones)
        return replace(example, samples=samples, backing=backing), {"semitones": semitones}


def shifted(samples: Samples, semitones: float) -> Samples:
    """Samples [N] moved in pitch, [N] again."""
    rate = 2 ** (semitones / 12)
    made = at_speed(stretched(samples, 1 / rate), rate)[: len(samples)]
    return np.pad(made, (0, len(samples) - len(made)))
