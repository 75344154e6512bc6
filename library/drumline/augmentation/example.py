"""A training example, and what a transform of one is.

Time runs in seconds from the example's first sample, at 22,050 Hz: a hit at ``time_s`` sounds at sample
``time_s * 22050``. Samples are floats and may pass full scale, as recordings at -14 LUFS do (`audio.loudness`): no
transform clips.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drumline.core.config import Config
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.core.ranges import Probability
from drumline.core.tempo import TempoMap

Samples = NDArray[np.float32]
Random = np.random.Generator
Drawn = Mapping[str, float | str]
"""Sampled parameters of a transform by name, serialisable as JSON."""


@dataclass(frozen=True, eq=False)
class Example:
    """A window of a recording with its hits. Raises ValueError where the samples are not those of one."""

    samples: Samples
    """[N], N at least 1, mono float32, at 22,050 Hz."""
    hits: tuple[Hit, ...]
    """In time order. Some may lie a little outside the window: their frames and masks reach into it."""
    backing: Samples | None = None
    """[N], what plays beside the drums of ``samples`` where that is known apart; `CrossFade` uses it up."""
    tempo: TempoMap | None = None
    """None where unknown."""
    tick_zero_s: float = 0.0
    """Where tick 0 of ``tempo`` lies: ``time_s = tick_zero_s + tempo.seconds(tick)``."""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or not self.samples.size or self.samples.dtype != np.float32:
            raise ValueError(f"an example is one channel of float32, not {self.samples.dtype} {self.samples.shape}")
        if self.backing is not None and self.backing.shape != self.samples.shape:
            raise ValueError(f"a backing of {self.backing.size} samples beside drums of {self.samples.size}")

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE_HZ


class Transform(Config, ABC):
    """The knobs of a transform, and the transform."""

    moves: ClassVar[Literal["time", "nothing"]] = "nothing"
    """``time``: hits and tempo move with the audio. ``nothing``: only the sound changes."""

    probability: Probability
    """How often an example is changed at all."""

    @abstractmethod
    def apply(self, example: Example, random: Random) -> tuple[Example, Drawn]:
        """The example changed, and what was drawn. An empty record says that there was nothing to change."""


def faster(example: Example, rate: float, *, samples: Samples, backing: Samples | None) -> Example:
    """The example with audio that passes ``rate`` times as fast: hits and tempo follow.

    ``new_s = old_s / rate``; ticks stay, tempos are multiplied.
    """
    tempo = example.tempo
    if tempo is not None:
        tempo = replace(tempo, tempos=tuple((tick, tempo_bpm * rate) for tick, tempo_bpm in tempo.tempos))
    return Example(
        samples=samples,
        hits=tuple(replace(hit, time_s=hit.time_s / rate) for hit in example.hits),
        backing=backing,
        tempo=tempo,
        tick_zero_s=example.tick_zero_s / rate,
    )


def fitted(example: Example, num_samples: int) -> Example:
    """The example's first ``num_samples``, with silence behind a shorter one. Hits stay, also those cut off."""

    def fit(samples: Samples) -> Samples:
        return np.pad(samples[:num_samples], (0, max(0, num_samples - len(samples))))

    backing = None if example.backing is None else fit(example.backing)
    return replace(example, samples=fit(example.samples), backing=backing)


def rms(samples: Samples) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(samples))))


def gain(level_db: float) -> np.float32:
    """The factor of a level."""
    return np.float32(10 ** (level_db / 20))
