"""Percussion that nobody built, as `kits.modal` for what is no drum kit: a SoundFont has one tambourine, records many.

What sounds like a hi-hat (jingles, shaken beads) varies most. A shaken stroke swells: its label is where it begins.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from drumline.rendering.accompaniment.score import Note, gains
from drumline.rendering.kit import Samples
from drumline.rendering.modes import Random, Recipe, Wave, bent, log_uniform, modes, noise, plate, skin, stick
from drumline.rendering.synth_kit import finished, seconds

_LAYERS: Final = (0.5, 0.75, 1.0)
_TAKES: Final = 3
_STROKES_IN_MEMORY: Final = 64


def play_modal(
    name: str, notes: Sequence[Note], *, pan: float, duration_s: float, rate_hz: int, channels: int, seed: int
) -> Samples:
    """Notes of an instrument of `RECIPES`, float32 [channels, round(duration_s * rate_hz)]; its keys are pitches of
    one instrument."""
    total = np.zeros(round(duration_s * rate_hz), dtype=np.float32)
    lowest = min((note.pitch for note in notes), default=0)
    for number, note in enumerate(notes):
        layer = int(np.argmin(np.abs(np.array(_LAYERS) - note.velocity / 127)))
        sound = _stroke(name, seed, note.pitch - lowest, _LAYERS[layer], number % _TAKES, rate_hz)
        start = round(note.start_s * rate_hz)
        sound = sound[: len(total) - start]
        total[start : start + len(sound)] += sound * np.float32(note.velocity / 127 / _LAYERS[layer])
    return gains(0.0, pan, channels) * total


@lru_cache(maxsize=_STROKES_IN_MEMORY)
def _stroke(name: str, seed: int, key: int, velocity: float, take: int, rate_hz: int) -> Samples:
    built, struck = np.random.default_rng(seed), np.random.default_rng((seed, key, take))
    raw = RECIPES[name](key)(built, struck, velocity, rate_hz)
    return finished(raw, 0.3, velocity, rate_hz)


def _higher(key: int) -> float:
    """Pitch ratio of one drum or bell of an instrument to its first."""
    return float((1.0, 0.78, 0.6)[key])


def _tambourine(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    """Pairs of plates that strike each other several times within some 30 ms, on a skin or none."""
    ring_s, spread_s = log_uniform(built, 0.03, 0.2), log_uniform(built, 0.004, 0.04)
    count = int(built.integers(8, 30))
    at = seconds(6 * ring_s + 3 * spread_s, rate_hz)
    hz = np.exp(built.uniform(np.log(log_uniform(built, 2_000, 5_000)), np.log(0.48 * rate_hz), count))
    level, rings = built.uniform(0.1, 1.0, count), ring_s * built.uniform(0.4, 1.0, count)
    low_hz, hissing = log_uniform(built, 3_000, 7_000), log_uniform(built, 0.2, 3.0)
    sound = np.zeros(len(at))
    times_s = np.concatenate([[0.0], struck.exponential(spread_s, int(built.integers(1, 5)))])
    for begins_s in times_s.tolist():
        start = min(int(begins_s * rate_hz), len(at) - 1)
        since = at[: len(at) - start]
        tones = modes(since, hz, level * struck.uniform(0.2, 1.0, count), rings, since) / level.sum()
        hiss = noise(struck, len(since), low_hz, 11_000, rate_hz) * np.exp(-since / (0.5 * ring_s))
        sound[start:] += (tones + 0.1 * hissing * hiss) * np.exp(-begins_s / (2 * spread_s))
    if built.random() < 0.3:
        thump = skin(built, struck, velocity, rate_hz, log_uniform(built, 150, 500), log_uniform(built, 0.01, 0.06))
        length = min(len(thump), len(sound))
        sound[:length] += log_uniform(built, 0.1, 1.0) * np.abs(sound).max() * thump[:length]
    return sound


def _shaken(swell_s: tuple[float, float], low_hz: tuple[float, float], grains: float) -> Recipe:
    """Beads: noise that swells and dies; ``grains`` is how much single beads stand out."""

    def shaken(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
        rise_s, fall_s = log_uniform(built, *swell_s), log_uniform(built, 0.015, 0.09)
        at = seconds(rise_s + 6 * fall_s, rate_hz)
        low = log_uniform(built, *low_hz)
        hiss = noise(struck, len(at), low, low * log_uniform(built, 1.6, 5.0), rate_hz)
        beads = struck.exponential(1.0, len(at)) ** (grains * built.uniform(0.0, 3.0))
        shape = np.minimum(at / rise_s, 1.0) ** built.uniform(0.5, 2.0) * np.exp(-np.maximum(at - rise_s, 0) / fall_s)
        return np.asarray(hiss * beads / beads.mean() * shape)

    return shaken


def _clap(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    """Hands that do not meet at once, and the room."""
    at = seconds(log_uniform(built, 0.1, 0.4), rate_hz)
    low_hz, hand_s = log_uniform(built, 500, 1_500), log_uniform(built, 0.002, 0.01)
    apart_s, tail_s = log_uniform(built, 0.003, 0.015), log_uniform(built, 0.015, 0.1)
    hiss = noise(struck, len(at), low_hz, low_hz * log_uniform(built, 1.5, 6.0), rate_hz)
    starts_s = np.concatenate([[0.0], np.cumsum(struck.uniform(0.5, 1.5, int(built.integers(0, 5))) * apart_s)])
    hands = [np.where(at < start_s, 0.0, np.exp(-(at - start_s) / hand_s)) for start_s in starts_s]
    tail = np.where(at < starts_s[-1], 0.0, np.exp(-(at - starts_s[-1]) / tail_s))
    return np.asarray(hiss * (np.sum(hands, axis=0) + built.uniform(0.1, 0.8) * tail))


def _bell(low_hz: float, high_hz: float, ring_s: tuple[float, float], partials: int) -> Callable[[int], Recipe]:
    """Struck metal with few partials."""

    def of_key(key: int) -> Recipe:
        def bell(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
            rings = log_uniform(built, *ring_s)
            at = seconds(min(5 * rings, 2.0), rate_hz)
            ratios = np.cumsum([1.0, *built.uniform(0.25, 1.2, partials - 1)])
            hz = log_uniform(built, low_hz, high_hz) * _higher(key) * ratios
            level = built.uniform(0.2, 1.0, partials) * struck.uniform(0.8, 1.2, partials)
            level *= hz < 0.48 * rate_hz
            level[1:] *= 0.3 + 0.7 * velocity
            tones = modes(at, hz, level / level.sum(), rings * built.uniform(0.4, 1.0, partials), at)
            return np.asarray(tones + 0.3 * stick(built, struck, velocity, len(at), rate_hz))

        return bell

    return of_key


def _hand_drum(low_hz: float, high_hz: float, ring_s: tuple[float, float]) -> Callable[[int], Recipe]:
    def of_key(key: int) -> Recipe:
        def drum(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
            base_hz, rings = log_uniform(built, low_hz, high_hz) * _higher(key), log_uniform(built, *ring_s)
            body = skin(built, struck, velocity, rate_hz, base_hz, rings)
            return body + stick(built, struck, velocity, len(body), rate_hz)

        return drum

    return of_key


def _wood(low_hz: float, high_hz: float) -> Callable[[int], Recipe]:
    def of_key(key: int) -> Recipe:
        def wood(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
            at = seconds(0.25, rate_hz)
            hz = log_uniform(built, low_hz, high_hz) * _higher(key) * np.array([1.0, built.uniform(1.8, 3.2)])
            level, rings = np.array([1.0, built.uniform(0.0, 0.6)]), log_uniform(built, 0.006, 0.04) * np.ones(2)
            body = modes(at, hz, level, rings, bent(at, built.uniform(0.0, 0.2), 0.01))
            return body + 0.4 * stick(built, struck, velocity, len(at), rate_hz)

        return wood

    return of_key


def _triangle(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    low_hz, ring_s = log_uniform(built, 1_500, 4_000), log_uniform(built, 0.05, 0.8)
    return plate(built, struck, velocity, rate_hz, low_hz=low_hz, ring_s=ring_s, ping=built.uniform(2.0, 8.0))


def _only(recipe: Recipe) -> Callable[[int], Recipe]:
    return lambda key: recipe


RECIPES: Final[Mapping[str, Callable[[int], Recipe]]] = MappingProxyType(
    {
        "tambourine": _only(_tambourine),
        "shaker": _only(_shaken((0.008, 0.06), (2_000, 7_000), grains=0.3)),
        "maracas": _only(_shaken((0.003, 0.02), (3_000, 7_000), grains=0.5)),
        "cabasa": _only(_shaken((0.01, 0.08), (3_000, 6_000), grains=1.0)),
        "clap": _only(_clap),
        "cowbell": _bell(400, 1_100, (0.03, 0.2), partials=4),
        "claves": _wood(1_500, 3_500),
        "wood block": _wood(600, 2_000),
        "bongos": _hand_drum(300, 700, (0.02, 0.1)),
        "congas": _hand_drum(180, 400, (0.04, 0.25)),
        "timbales": _hand_drum(250, 500, (0.03, 0.2)),
        "agogo": _bell(600, 1_500, (0.05, 0.4), partials=5),
        "triangle": _only(_triangle),
    }
)
"""By the names of `percussion.INSTRUMENTS`, then by the drum or bell of it, from 0."""
