"""Kits that nobody built: modes and noise, drawn by a seed, far beyond what is tasteful.

A drum's skin is a handful of modes over a falling pitch, its wires and sticks are noise in bands; a cymbal is some
fifty inharmonic partials, of which the higher ones die sooner, over a wash (`rendering.modes`). The three sounds of a
hi-hat share their partials. As in `synth_kit`, of which this is the wild cousin, a stroke is heard from its first
sample on.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from drumline.core.taxonomy import CLASSES
from drumline.rendering.kit import PIECE_OF, PIECES, Samples
from drumline.rendering.modes import Random, Recipe, Wave, bent, log_uniform, modes, noise, plate, skin, stick
from drumline.rendering.synth_kit import SynthKit, finished, seconds

LAYERS: Final = (0.3, 0.65, 1.0)
"""The velocities at which strokes are synthesised."""
_TAKES: Final = 2
_PEAKS_DB: Final[Mapping[str, float]] = MappingProxyType(
    {
        "kick": -6, "snare_head": -7, "snare_rim": -11, "tom_high": -8, "tom_mid": -8, "tom_floor": -7,
        "hihat_closed": -16, "hihat_open": -15, "hihat_pedal": -20, "ride_body": -16, "ride_bell": -13, "crash": -10,
    }
)  # fmt: skip
"""Peak level of the hardest hit [dBFS]."""


def modal_kit(seed: int, *, rate_hz: int) -> SynthKit:
    """The kit of a seed, in a second or two."""
    strokes = {
        drum: tuple(
            tuple(_stroke(drum, seed, velocity, take, rate_hz) for take in range(_TAKES)) for velocity in LAYERS
        )
        for drum in CLASSES
    }
    return SynthKit(f"modal {seed}", rate_hz, strokes, LAYERS)


def _stroke(drum: str, seed: int, velocity: float, take: int, rate_hz: int) -> Samples:
    piece = list(PIECES).index(PIECE_OF[drum])  # whose classes are one instrument, in all layers and takes
    built, struck = np.random.default_rng((seed, piece)), np.random.default_rng((seed, piece, take + 1))
    balance_db = np.random.default_rng((seed, CLASSES.index(drum))).uniform(-3, 3)
    raw = _RECIPES[drum](built, struck, velocity, rate_hz)
    return finished(raw, 10 ** ((_PEAKS_DB[drum] + balance_db) / 20), velocity, rate_hz)


def _kick(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    base_hz, ring_s = log_uniform(built, 36, 80), log_uniform(built, 0.05, 0.35)
    at = seconds(min(5 * ring_s, 1.0), rate_hz)
    hz = base_hz * np.array([1.0, built.uniform(1.5, 2.4), built.uniform(2.4, 4.0)])
    level = np.array([1.0, built.uniform(0, 0.5), built.uniform(0, 0.3)])
    rings = ring_s * np.array([1.0, built.uniform(0.2, 0.8), built.uniform(0.1, 0.5)])
    body = modes(at, hz, level, rings, bent(at, built.uniform(0.2, 5.0), log_uniform(built, 0.006, 0.04)))
    air = noise(struck, len(at), 100, log_uniform(built, 300, 3_000), rate_hz) * np.exp(
        -at / log_uniform(built, 0.02, 0.1)
    )
    return np.asarray(body + log_uniform(built, 0.005, 0.15) * air + stick(built, struck, velocity, len(at), rate_hz))


def _snare(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    body = skin(built, struck, velocity, rate_hz, log_uniform(built, 120, 340), log_uniform(built, 0.02, 0.15))
    wires_s, low_hz = log_uniform(built, 0.03, 0.25), log_uniform(built, 500, 3_000)
    count = max(len(body), int(5 * wires_s * rate_hz))
    at = np.arange(count) / rate_hz
    wires = noise(struck, count, low_hz, log_uniform(built, 5_000, 11_000) * (0.5 + 0.5 * velocity), rate_hz)
    wires *= np.exp(-at / wires_s) * log_uniform(built, 0.08, 0.8)
    wires[: len(body)] += body
    return wires + stick(built, struck, velocity, count, rate_hz)


def _rim(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    at = seconds(0.2, rate_hz)
    hz = log_uniform(built, 350, 900) * np.array([1.0, built.uniform(1.6, 2.8), built.uniform(3.0, 5.0)])
    rings = log_uniform(built, 0.006, 0.04) * np.array([1.0, 0.7, 0.5])
    wood = modes(at, hz, np.array([1.0, 0.8, 0.5]) * built.uniform(0.3, 1.0, 3), rings, at)
    return np.asarray(wood + 2 * stick(built, struck, velocity, len(at), rate_hz))


def _tom(of_floor: float, ring_s: float) -> Recipe:
    def tom(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
        base_hz, ring = of_floor * built.uniform(0.88, 1.12), ring_s * log_uniform(built, 0.5, 2.5)
        body = skin(built, struck, velocity, rate_hz, base_hz, ring)
        return body + stick(built, struck, velocity, len(body), rate_hz)

    return tom


def _hihat(short_s: float, long_s: float) -> Recipe:
    def hihat(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
        low_hz, position = log_uniform(built, 500, 5_000), built.random()
        ring_s = short_s * (long_s / short_s) ** position
        return plate(built, struck, velocity, rate_hz, low_hz=low_hz, ring_s=ring_s, ping=built.uniform(0, 0.5))

    return hihat


def _ride(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    return plate(
        built, struck, velocity, rate_hz,
        low_hz=log_uniform(built, 300, 1_500), ring_s=log_uniform(built, 0.3, 1.6), ping=built.uniform(0.3, 3.0),
    )  # fmt: skip


def _bell(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    bow = _ride(built, struck, velocity, rate_hz)
    at = np.arange(len(bow)) / rate_hz
    hz = log_uniform(built, 500, 1_400) * np.array([1.0, *np.cumsum(built.uniform(0.3, 1.2, 4)) + 1.0])
    tones = modes(at, hz, built.uniform(0.3, 1.0, 5), log_uniform(built, 0.2, 1.2) * np.ones(5), at)
    return np.asarray(bow / np.abs(bow).max() * log_uniform(built, 0.1, 0.6) + tones / np.abs(tones).max())


def _crash(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    return plate(
        built,
        struck,
        velocity,
        rate_hz,
        low_hz=log_uniform(built, 200, 1_500),
        ring_s=log_uniform(built, 0.3, 1.5),
        ping=0.0,
    )


_RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        "kick": _kick,
        "snare_head": _snare,
        "snare_rim": _rim,
        "tom_high": _tom(180, 0.1),
        "tom_mid": _tom(130, 0.13),
        "tom_floor": _tom(85, 0.18),
        "hihat_closed": _hihat(0.012, 0.06),
        "hihat_open": _hihat(0.15, 0.8),
        "hihat_pedal": _hihat(0.01, 0.04),
        "ride_body": _ride,
        "ride_bell": _bell,
        "crash": _crash,
    }
)
