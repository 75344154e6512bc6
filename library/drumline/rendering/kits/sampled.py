"""A kit of recordings: classes, voices, velocity layers, takes.

A *voice* is one way to play a class: ``crash 2``, ``china``, the half-open hi-hat. A *layer* holds the recordings for
a span of velocities, a *take* is one of them.

How loud a stroke is follows from its velocity alone, continuously: in the middle of each layer it is as loud as the
kit's format says, between the middles it is interpolated (dB over the logarithm of velocity), and takes of one
layer are brought to the same level. So a soft and a hard stroke differ inside a layer too, no step is heard
from one to the next, and a label's velocity can be heard. A softer layer is never as loud as a harder one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.rendering.kit import Stroke
from drumline.rendering.kits.recording import Take

SLOPE_DB: Final = 20.0
"""Level by tenfold velocity below the softest and above the hardest layer: amplitude goes with velocity."""
_LEAST_SLOPE_DB: Final = 6.0
_SOFTEST: Final = 0.02
_SPELLINGS: Final = {"chinese": "china", "x": "side", "cross": "side", "sidestick": "side", "rimshot": "rim"}


@dataclass(frozen=True)
class Layer:
    """The recordings for a span of velocities."""

    low: float
    """The softest velocity it is for, 0 to 1; it ends where the next layer begins."""
    middle: float
    """The velocity at which `level_db` holds."""
    level_db: float
    """How loud the kit plays it there."""
    takes: tuple[Take, ...]


@dataclass(frozen=True)
class Voice:
    """One way to play a class."""

    name: str
    """In General MIDI's words as far as they go: ``crash cymbal 2``, ``side stick``."""
    layers: tuple[Layer, ...]
    """By rising velocity, at least one."""
    openness: float | None = None
    """Openness of a hi-hat, 0 closed to 1 open."""

    @cached_property
    def words(self) -> frozenset[str]:
        return words_of(self.name)

    @cached_property
    def _lows(self) -> NDArray[np.float64]:
        return np.array([layer.low for layer in self.layers])

    @cached_property
    def _levels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(log10 velocity, level [dB]), a line of knots that never falls."""
        places = np.log10([max(_SOFTEST, layer.middle) for layer in self.layers])
        levels_db = np.array([layer.level_db for layer in self.layers])
        for index in range(len(places) - 2, -1, -1):  # from the hardest down: hard strokes are played with most care
            highest = levels_db[index + 1] - _LEAST_SLOPE_DB * (places[index + 1] - places[index])
            levels_db[index] = min(levels_db[index], highest)
        ends = np.log10([_SOFTEST, 1.0])
        before, after = levels_db[0] + SLOPE_DB * (ends[0] - places[0]), levels_db[-1] + SLOPE_DB * (0.0 - places[-1])
        return np.array([ends[0], *places, ends[1]]), np.array([before, *levels_db, after])

    def level_db(self, velocity: float) -> float:
        """How loud a stroke is (`onset.level_db`)."""
        return float(np.interp(np.log10(max(_SOFTEST, velocity)), *self._levels))

    def take(self, velocity: float, number: int) -> Take:
        """The recording for a velocity; consecutive numbers are different ones where there are several."""
        layer = self.layers[max(0, int(np.searchsorted(self._lows, velocity, side="right")) - 1)]
        return layer.takes[number % len(layer.takes)]


@dataclass(frozen=True)
class KitFacts:
    """Origin, licence and split group of a kit, needed to redistribute its sounds or to evaluate with them."""

    name: str
    uri: str
    licence: str = ""
    """As its files tell it, or our data about it; empty where nobody says."""
    attribution: str = ""
    group: str = ""
    """Kits of one group share recordings: never on both sides of a split."""


@dataclass(frozen=True)
class SampledKit:
    """A `kit.Kit` made of recordings."""

    facts: KitFacts
    rate_hz: int
    voices: Mapping[str, tuple[Voice, ...]]
    """Class -> voices, the one played by default first."""
    gain_db: float = 0.0

    @property
    def name(self) -> str:
        return self.facts.name

    @cached_property
    def drums(self) -> frozenset[str]:
        return frozenset(self.voices)

    @cached_property
    def num_bytes(self) -> int:
        """Memory of its samples."""
        return sum({id(take): take.stroke.samples.nbytes for take in self._takes()}.values())

    def voice(self, drum: str, *, source_name: str = "", openness: float | None = None) -> Voice:
        """The voice with most words of ``source_name``, or just those; then the nearest in openness; then the first."""
        voices = self.voices[drum]
        if len(voices) == 1:
            return voices[0]
        words = words_of(source_name)

        def fitness(voice: Voice) -> tuple[int, bool, float]:
            apart = 0.0 if openness is None or voice.openness is None else abs(voice.openness - openness)
            return len(words & voice.words), words == voice.words, -apart

        return max(voices, key=fitness)

    def stroke(
        self, drum: str, velocity: float, *, take: int, source_name: str = "", openness: float | None = None
    ) -> Stroke:
        """As `kit.Kit.stroke`."""
        voice = self.voice(drum, source_name=source_name, openness=openness)
        chosen = voice.take(velocity, take)
        gain_db = self.gain_db + voice.level_db(velocity) - chosen.level_db
        return Stroke(chosen.stroke.samples * np.float32(10 ** (gain_db / 20.0)), chosen.stroke.onset)

    def _takes(self) -> Sequence[Take]:
        layers = chain.from_iterable(voice.layers for voices in self.voices.values() for voice in voices)
        return [take for layer in layers for take in layer.takes]


@lru_cache(maxsize=1024)
def words_of(name: str) -> frozenset[str]:
    """The words and numbers of a piece's name, in one spelling."""
    return frozenset(_SPELLINGS.get(word, word) for word in re.findall(r"[a-z]+|\d+", name.casefold()))
