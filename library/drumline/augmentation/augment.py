"""A chain of transforms drawn from a seed: from a recording's window to one that nobody has heard.

The order is that of a recording: who plays with whom, how fast and how high, in which room, through which microphone,
onto which tape, amid which noise, how loud. Each transform draws from a generator of its own, seeded by the seed and
its name, so that a changed range changes its own transform and leaves the others of the same seed alone.
"""

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from drumline.augmentation.cross_fade import CrossFade
from drumline.augmentation.crowd import Crowd
from drumline.augmentation.equaliser import Equaliser
from drumline.augmentation.example import Drawn, Example, Transform
from drumline.augmentation.level import Level
from drumline.augmentation.noise import Noise
from drumline.augmentation.pitch import Pitch
from drumline.augmentation.room import Room
from drumline.augmentation.saturation import Saturation
from drumline.augmentation.speed import Speed
from drumline.augmentation.stretch import Stretch
from drumline.core.config import Config


class AugmentConfig(Config):
    """The chain, in the order in which it works."""

    cross_fade: CrossFade = CrossFade()
    speed: Speed = Speed()
    stretch: Stretch = Stretch()
    pitch: Pitch = Pitch()
    room: Room = Room()
    equaliser: Equaliser = Equaliser()
    saturation: Saturation = Saturation()
    crowd: Crowd = Crowd()
    noise: Noise = Noise()
    level: Level = Level()

    @property
    def chain(self) -> Iterator[tuple[str, Transform]]:
        """Names and transforms, in order."""
        for name in type(self).model_fields:
            yield name, getattr(self, name)

    @property
    def fastest(self) -> float:
        """How many times as fast audio can become."""
        rates = ((self.speed.probability, self.speed.rate), (self.stretch.probability, self.stretch.rate))
        return math.prod(max(1.0, highest) for probability, (_, highest) in rates if probability > 0)

    def num_samples_for(self, num_samples: int) -> int:
        """How many samples to read so that ``num_samples`` are left, however fast they become."""
        return math.ceil(num_samples * self.fastest) + 2


UNCHANGED = AugmentConfig.model_validate({name: {"probability": 0.0} for name in AugmentConfig.model_fields})
"""No augmentation at all."""


@dataclass(frozen=True, eq=False)
class Augmented:
    """An example changed, and how."""

    example: Example
    drawn: Mapping[str, Drawn]
    """Sampled parameters of each transform that changed the example."""


def augment(example: Example, config: AugmentConfig, *, seed: int) -> Augmented:
    """The example through the chain. Equal examples, configurations and seeds give equal bytes.

    Its length follows its speed: `AugmentConfig.num_samples_for` says how much to read, `example.fitted` cuts. What is
    left of a backing is dropped: what is returned is what is heard.
    """
    drawn = {}
    for name, transform in config.chain:
        random = np.random.default_rng((seed, zlib.crc32(name.encode())))
        if random.random() < transform.probability:
            example, values = transform.apply(example, random)
            if values:
                drawn[name] = values
    return Augmented(replace(example, backing=None), drawn)
