"""Stem and mix: drums with their backing at a drawn ratio. Hits stay where they are."""

from dataclasses import replace

from drumline.augmentation.example import Drawn, Example, Random, Transform, gain, rms
from drumline.core.ranges import Range


class CrossFade(Transform):
    """Drums with their backing, where an example has one; otherwise the drums alone."""

    probability: float = 0.6
    drums_to_backing_db: Range = (-9.0, 15.0)
    """RMS of the drums over that of the backing, in dB; -1 is the median of MedleyDB's mixes."""

    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        ratio_db = random.uniform(*self.drums_to_backing_db)
        if example.backing is None:
            return example, {}
        drums, others = rms(example.samples), rms(example.backing)
        # A window without drums, or without others, keeps the levels that it has.
        level = gain(-ratio_db) * (drums / others) if drums > 0 and others > 0 else 1.0
        mixed = example.samples + example.backing * example.samples.dtype.type(level)
        return replace(example, samples=mixed, backing=None), {"drums_to_backing_db": ratio_db}
