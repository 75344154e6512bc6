"""A drum kit made of sines and noise: no samples, no licence, and the acoustic onset is known to the sample.

Every stroke starts at its first sample and stands at a tenth of its peak within a millisecond, so that a
rendered song's labels are exact. Recipes follow the usual analogue ones (a swept sine for skins, square-wave
partials and high-passed noise for metal: Roland TR-808 service notes). A seed is one drum kit: tunings, decays
and noises differ, and the same seed gives the same samples.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from drumline.core.taxonomy import CLASSES
from drumline.rendering.kit import Stroke

Samples = NDArray[np.float32]
Random = np.random.Generator

LAYERS: Final = (0.2, 0.4, 0.6, 0.8, 1.0)
"""The velocities at which strokes are synthesised; between them the nearest is scaled."""
TAKES: Final = 2
"""Different strokes of each layer, so that a roll is not a machine gun."""
ATTACK_S: Final = 0.0003
"""Long enough not to click above 11 kHz, short enough to be the onset."""


@dataclass(frozen=True)
class SynthKit:
    """A synthesised kit: strokes by class, layer and take."""

    name: str
    rate_hz: int
    strokes: Mapping[str, tuple[tuple[Samples, ...], ...]]
    layers: tuple[float, ...] = LAYERS
    """Their velocities."""

    @property
    def drums(self) -> frozenset[str]:
        return frozenset(self.strokes)

    def stroke(
        self, drum: str, velocity: float, *, take: int, source_name: str = "", openness: float | None = None
    ) -> Stroke:
        """As `kit.Kit.stroke`; it has one piece a class, and one open position of the hi-hat."""
        layer = int(np.argmin(np.abs(np.array(self.layers) - velocity)))
        takes = self.strokes[drum][layer]
        samples = takes[take % len(takes)] * np.float32(_level(velocity) / _level(self.layers[layer]))
        return Stroke(samples, onset=0)


def synth_kit(seed: int, *, rate_hz: int = 44_100) -> SynthKit:
    """Build the kit of a seed: about 25 MB of strokes, in about half a second."""
    strokes = {drum: _layers(drum, seed, index, rate_hz) for index, drum in enumerate(CLASSES)}
    return SynthKit(f"synth {seed}", rate_hz, strokes)


def _layers(drum: str, seed: int, index: int, rate_hz: int) -> tuple[tuple[Samples, ...], ...]:
    def take_of(velocity: float, take: int) -> Samples:
        # The same tuning for every layer and take of a drum, other noise for each take.
        tuning, noise = np.random.default_rng((seed, index)), np.random.default_rng((seed, index, take + 1))
        return _struck(drum, velocity, tuning, noise, rate_hz)

    return tuple(tuple(take_of(velocity, take) for take in range(TAKES)) for velocity in LAYERS)


def _struck(drum: str, velocity: float, tuning: Random, noise: Random, rate_hz: int) -> Samples:
    """One stroke: a harder one is louder (30 dB over the range) and brighter."""
    return finished(_RECIPES[drum](tuning, noise, velocity, rate_hz), _GAINS[drum], velocity, rate_hz)


def finished(raw: NDArray[np.float64], peak: float, velocity: float, rate_hz: int) -> Samples:
    """A stroke [N] (changed) with an attack and an end that do not click; ``peak`` is that of the hardest."""
    raw *= np.minimum(1.0, np.arange(len(raw)) / (ATTACK_S * rate_hz))
    release = min(len(raw), rate_hz // 50)
    raw[-release:] *= np.linspace(1.0, 0.0, release)
    gain = peak * _level(velocity) / np.max(np.abs(raw))
    return np.asarray(raw * gain, dtype=np.float32)


def _level(velocity: float) -> float:
    return float(10 ** (-30.0 * (1.0 - velocity) / 20.0))


def seconds(length_s: float, rate_hz: int) -> NDArray[np.float64]:
    """The times of the samples of a sound [s]."""
    return np.arange(int(length_s * rate_hz)) / rate_hz


def _hiss(noise: Random, count: int, low_hz: float, high_hz: float, rate_hz: int) -> NDArray[np.float64]:
    """White noise between two frequencies, of unit deviation. Filtered causally: nothing comes early."""
    edges = [low_hz, min(high_hz, 0.45 * rate_hz)]
    sections = signal.butter(2, edges, "bandpass", fs=rate_hz, output="sos")
    # Started before the stroke, so that the filter already rings at its first sample.
    lead = rate_hz // 100
    hiss = signal.sosfilt(sections, noise.standard_normal(count + lead))[lead:]
    return np.asarray(hiss / np.std(hiss))


def _kick(tuning: Random, noise: Random, velocity: float, rate_hz: int) -> NDArray[np.float64]:
    base_hz, sweep_hz, decay_s = tuning.uniform(45, 62), tuning.uniform(90, 200), tuning.uniform(0.08, 0.16)
    at = seconds(0.45, rate_hz)
    # The phase of base + sweep * exp(-t / 20 ms), integrated.
    phase = 2 * np.pi * (base_hz * at + sweep_hz * 0.02 * (1 - np.exp(-at / 0.02)))
    # A cosine, because a 50 Hz sine would need 5 ms to be heard.
    body = np.cos(phase) * np.exp(-at / decay_s)
    beater = _hiss(noise, len(at), 1_000, 6_000, rate_hz) * np.exp(-at / 0.004)
    return np.asarray(body + (0.05 + 0.25 * velocity) * beater)


def _skin(low_hz: float, high_hz: float, decay_s: float) -> Callable[[Random, Random, float, int], NDArray[np.float64]]:
    def tom(tuning: Random, noise: Random, velocity: float, rate_hz: int) -> NDArray[np.float64]:
        base_hz, ring_s = tuning.uniform(low_hz, high_hz), decay_s * tuning.uniform(0.7, 1.3)
        at = seconds(4 * ring_s, rate_hz)
        phase = 2 * np.pi * base_hz * (at + 0.25 * velocity * 0.04 * (1 - np.exp(-at / 0.04)))
        body = np.cos(phase) * np.exp(-at / ring_s) + 0.3 * np.cos(1.59 * phase) * np.exp(-at / (0.5 * ring_s))
        stick = _hiss(noise, len(at), 800, 7_000, rate_hz) * np.exp(-at / 0.006)
        return np.asarray(body + (0.05 + 0.2 * velocity) * stick)

    return tom


def _snare_head(tuning: Random, noise: Random, velocity: float, rate_hz: int) -> NDArray[np.float64]:
    base_hz, wires_s = tuning.uniform(170, 240), tuning.uniform(0.06, 0.13)
    at = seconds(0.5, rate_hz)
    body = sum(np.cos(2 * np.pi * base_hz * ratio * at) * np.exp(-at / 0.05) for ratio in (1.0, 1.6))
    wires = _hiss(noise, len(at), 1_200, 4_000 + 7_000 * velocity, rate_hz) * np.exp(-at / wires_s)
    return np.asarray(0.6 * body + 0.45 * wires)


def _snare_rim(tuning: Random, noise: Random, velocity: float, rate_hz: int) -> NDArray[np.float64]:
    base_hz = tuning.uniform(420, 600)
    at = seconds(0.15, rate_hz)
    wood = sum(np.cos(2 * np.pi * base_hz * ratio * at) * np.exp(-at / 0.015) for ratio in (1.0, 2.6, 4.1))
    click = _hiss(noise, len(at), 1_500, 3_000 + 4_000 * velocity, rate_hz) * np.exp(-at / 0.005)
    return np.asarray(wood + 0.6 * click)


def _metal(
    low_hz: float, decay_s: float, *, ping: float = 0.0, ping_hz: float = 0.0
) -> Callable[[Random, Random, float, int], NDArray[np.float64]]:
    """Six detuned square waves and noise, high-passed; ``ping`` adds the stick's tone of a ride."""

    def cymbal(tuning: Random, noise: Random, velocity: float, rate_hz: int) -> NDArray[np.float64]:
        ring_s, pitch = decay_s * tuning.uniform(0.75, 1.25), tuning.uniform(0.9, 1.15)
        at = seconds(min(4 * ring_s, 2.5), rate_hz)
        partials_hz = pitch * np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0]) * tuning.uniform(0.97, 1.03, 6) * 5
        tones = np.sum(np.sign(np.sin(2 * np.pi * partials_hz[:, None] * at)), axis=0) / 6
        high_hz = 6_000 + 10_000 * velocity
        sections = signal.butter(2, [low_hz, min(high_hz, 0.45 * rate_hz)], "bandpass", fs=rate_hz, output="sos")
        shimmer = signal.sosfilt(sections, tones) + 0.35 * _hiss(noise, len(at), low_hz, high_hz, rate_hz)
        # A stroke is a hard edge and a long wash.
        wash = shimmer * (0.6 * np.exp(-at / 0.01) + np.exp(-at / ring_s))
        tone = np.cos(2 * np.pi * ping_hz * pitch * at) + 0.7 * np.cos(2 * np.pi * 1.48 * ping_hz * pitch * at)
        return np.asarray(wash + ping * tone * np.exp(-at / (0.5 * ring_s)))

    return cymbal


_RECIPES: Final = {
    "kick": _kick,
    "snare_head": _snare_head,
    "snare_rim": _snare_rim,
    "tom_high": _skin(165, 210, 0.12),
    "tom_mid": _skin(120, 155, 0.15),
    "tom_floor": _skin(75, 105, 0.19),
    "hihat_closed": _metal(5_500, 0.03),
    "hihat_open": _metal(5_000, 0.35),
    "hihat_pedal": _metal(4_000, 0.02),
    "ride_body": _metal(3_500, 0.5, ping=0.35, ping_hz=2_900),
    "ride_bell": _metal(3_500, 0.45, ping=1.0, ping_hz=1_150),
    "crash": _metal(2_500, 0.8),
}
_GAINS: Final = {
    "kick": 0.5,
    "snare_head": 0.45,
    "snare_rim": 0.3,
    "tom_high": 0.38,
    "tom_mid": 0.4,
    "tom_floor": 0.42,
    "hihat_closed": 0.16,
    "hihat_open": 0.18,
    "hihat_pedal": 0.1,
    "ride_body": 0.16,
    "ride_bell": 0.2,
    "crash": 0.3,
}
"""Peaks of the hardest strokes, as they stand in a mix."""
