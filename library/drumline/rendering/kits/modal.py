"""Kits that nobody built: modes and noise, drawn by a seed, far beyond what is tasteful.

A drum's skin is a handful of modes over a falling pitch, its wires and sticks are noise in bands; a cymbal is some
fifty inharmonic partials, of which the higher ones die sooner, over a wash (modes: N. H. Fletcher, T. D. Rossing, The
Physics of Musical Instruments, ch. 18 and 20). The three sounds of a hi-hat share their partials. As in `synth_kit`, of
which this is the wild cousin, a stroke is heard from its first sample on.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from drumline.core.taxonomy import CLASSES
from drumline.rendering.kit import PIECE_OF, PIECES, Samples
from drumline.rendering.synth_kit import SynthKit, finished, seconds

Wave = NDArray[np.float64]
Random = np.random.Generator
Recipe = Callable[[Random, Random, float, int], Wave]
"""Of a stroke: what was built, how it is struck, its velocity and the rate [Hz]."""

LAYERS: Final = (0.3, 0.65, 1.0)
"""The velocities at which strokes are synthesised."""
_TAKES: Final = 2
_SKIN_RATIOS: Final = np.array([1.0, 1.59, 2.14, 2.30, 2.65, 2.92])
_PEAKS_DB: Final[Mapping[str, float]] = MappingProxyType(
    {
        "kick": -6, "snare_head": -7, "snare_rim": -11, "tom_high": -8, "tom_mid": -8, "tom_floor": -7,
        "hihat_closed": -16, "hihat_open": -15, "hihat_pedal": -20, "ride_body": -16, "ride_bell": -13, "crash": -10,
    }
)  # fmt: skip
"""Of the hardest stroke."""


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


def _log(random: Random, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _noise(struck: Random, count: int, low_hz: float, high_hz: float, rate_hz: int) -> Wave:
    """In a band, of unit deviation; the filter rings already at the first sample."""
    top = 0.49 * rate_hz
    edges = [min(low_hz, 0.8 * top), min(max(high_hz, 1.3 * low_hz), top)]
    lead = rate_hz // 50
    sections = signal.butter(2, edges, "bandpass", fs=rate_hz, output="sos")
    hiss = signal.sosfilt(sections, struck.standard_normal(count + lead))[lead:]
    return np.asarray(hiss / hiss.std())


def _modes(at: Wave, hz: Wave, level: Wave, ring_s: Wave, bend: Wave) -> Wave:
    """Partials that die away, over a phase that `bend` (seconds) makes of time. Cosines: heard at once."""
    return np.asarray((level * np.exp(-at[:, None] / ring_s) * np.cos(2 * np.pi * hz * bend[:, None])).sum(axis=1))


def _bent(at: Wave, depth: float, settle_s: float) -> Wave:
    """Time for a pitch that starts so much higher, in its own measure, and settles."""
    return at + depth * settle_s * (1 - np.exp(-at / settle_s))


def _skin(built: Random, struck: Random, velocity: float, rate_hz: int, base_hz: float, ring_s: float) -> Wave:
    at = seconds(min(6 * ring_s, 1.5), rate_hz)
    hz = base_hz * _SKIN_RATIOS * built.uniform(0.95, 1.05, len(_SKIN_RATIOS))
    level = built.uniform(0.2, 1.0, len(hz)) / np.arange(1, len(hz) + 1) ** built.uniform(0.5, 2.0)
    level[1:] *= 0.4 + 0.6 * velocity
    rings = np.asarray(ring_s / np.arange(1, len(hz) + 1) ** built.uniform(0.2, 1.0), dtype=np.float64)
    bend = _bent(at, built.uniform(0.0, 0.5) * velocity, _log(built, 0.01, 0.08))
    level *= struck.uniform(0.85, 1.15, len(hz)) / level.sum()
    return _modes(at, hz, level, rings, bend)


def _stick(built: Random, struck: Random, velocity: float, count: int, rate_hz: int) -> Wave:
    at = np.arange(count) / rate_hz
    low_hz = _log(built, 500, 4_000)
    click = _noise(struck, count, low_hz, low_hz * _log(built, 2, 8), rate_hz)
    return np.asarray(click * np.exp(-at / _log(built, 0.0015, 0.012)) * _log(built, 0.02, 0.4) * (0.3 + velocity))


def _kick(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    base_hz, ring_s = _log(built, 36, 80), _log(built, 0.05, 0.35)
    at = seconds(min(5 * ring_s, 1.0), rate_hz)
    hz = base_hz * np.array([1.0, built.uniform(1.5, 2.4), built.uniform(2.4, 4.0)])
    level = np.array([1.0, built.uniform(0, 0.5), built.uniform(0, 0.3)])
    rings = ring_s * np.array([1.0, built.uniform(0.2, 0.8), built.uniform(0.1, 0.5)])
    body = _modes(at, hz, level, rings, _bent(at, built.uniform(0.2, 5.0), _log(built, 0.006, 0.04)))
    air = _noise(struck, len(at), 100, _log(built, 300, 3_000), rate_hz) * np.exp(-at / _log(built, 0.02, 0.1))
    return np.asarray(body + _log(built, 0.005, 0.15) * air + _stick(built, struck, velocity, len(at), rate_hz))


def _snare(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    body = _skin(built, struck, velocity, rate_hz, _log(built, 120, 340), _log(built, 0.02, 0.15))
    wires_s, low_hz = _log(built, 0.03, 0.25), _log(built, 500, 3_000)
    count = max(len(body), int(5 * wires_s * rate_hz))
    at = np.arange(count) / rate_hz
    wires = _noise(struck, count, low_hz, _log(built, 5_000, 11_000) * (0.5 + 0.5 * velocity), rate_hz)
    wires *= np.exp(-at / wires_s) * _log(built, 0.08, 0.8)
    wires[: len(body)] += body
    return wires + _stick(built, struck, velocity, count, rate_hz)


def _rim(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    at = seconds(0.2, rate_hz)
    hz = _log(built, 350, 900) * np.array([1.0, built.uniform(1.6, 2.8), built.uniform(3.0, 5.0)])
    rings = _log(built, 0.006, 0.04) * np.array([1.0, 0.7, 0.5])
    wood = _modes(at, hz, np.array([1.0, 0.8, 0.5]) * built.uniform(0.3, 1.0, 3), rings, at)
    return np.asarray(wood + 2 * _stick(built, struck, velocity, len(at), rate_hz))


def _tom(of_floor: float, ring_s: float) -> Recipe:
    def tom(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
        base_hz, ring = of_floor * built.uniform(0.88, 1.12), ring_s * _log(built, 0.5, 2.5)
        body = _skin(built, struck, velocity, rate_hz, base_hz, ring)
        return body + _stick(built, struck, velocity, len(body), rate_hz)

    return tom


def _plate(
    built: Random, struck: Random, velocity: float, rate_hz: int, *, low_hz: float, ring_s: float, ping: float
) -> Wave:
    """A cymbal, of which ``ping`` is how much of a tone stands out; ``ring_s`` is that of its lowest partials."""
    count = int(built.integers(24, 64))
    hz = np.exp(built.uniform(np.log(low_hz), np.log(0.47 * rate_hz), count))
    level, tilt = built.uniform(0.1, 1.0, count), built.uniform(-0.5, 0.7)
    level *= (hz / hz.min()) ** (tilt - 0.8 * (1 - velocity))
    strong = built.choice(count, 5, replace=False)
    level[strong] += ping * level.max() * built.uniform(0.5, 1.0, 5)
    rings = ring_s * (hz / hz.min()) ** -built.uniform(0.1, 0.6)
    wash, edge_s = _log(built, 0.3, 3.0), _log(built, 0.003, 0.03)
    at = seconds(min(4 * ring_s, 2.5), rate_hz)
    turned = built.uniform(0.4, 2.0) * struck.uniform(-1.0, 1.0, count)  # near cosines: an edge, new in each take
    tones = (level * np.exp(-at[:, None] / rings) * np.cos(2 * np.pi * hz * at[:, None] + turned)).sum(axis=1)
    hiss = _noise(struck, len(at), max(low_hz, _log(built, 1_500, 6_000)), 11_000, rate_hz)
    hiss *= np.exp(-at / (0.7 * ring_s)) + built.uniform(0.2, 2.0) * np.exp(-at / edge_s)
    return np.asarray(tones / level.sum() + 0.1 * wash * hiss)


def _hihat(short_s: float, long_s: float) -> Recipe:
    def hihat(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
        low_hz, place = _log(built, 500, 5_000), built.random()
        ring_s = short_s * (long_s / short_s) ** place
        return _plate(built, struck, velocity, rate_hz, low_hz=low_hz, ring_s=ring_s, ping=built.uniform(0, 0.5))

    return hihat


def _ride(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    return _plate(
        built, struck, velocity, rate_hz,
        low_hz=_log(built, 300, 1_500), ring_s=_log(built, 0.3, 1.6), ping=built.uniform(0.3, 3.0),
    )  # fmt: skip


def _bell(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    bow = _ride(built, struck, velocity, rate_hz)
    at = np.arange(len(bow)) / rate_hz
    hz = _log(built, 500, 1_400) * np.array([1.0, *np.cumsum(built.uniform(0.3, 1.2, 4)) + 1.0])
    tones = _modes(at, hz, built.uniform(0.3, 1.0, 5), _log(built, 0.2, 1.2) * np.ones(5), at)
    return np.asarray(bow / np.abs(bow).max() * _log(built, 0.1, 0.6) + tones / np.abs(tones).max())


def _crash(built: Random, struck: Random, velocity: float, rate_hz: int) -> Wave:
    return _plate(
        built, struck, velocity, rate_hz, low_hz=_log(built, 200, 1_500), ring_s=_log(built, 0.3, 1.5), ping=0.0
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
