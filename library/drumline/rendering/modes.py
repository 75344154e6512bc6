"""Building blocks of procedural instruments: decaying modes, noise bands, membranes, sticks and plates.

``built`` draws what an instrument is, ``struck`` how one stroke differs from the next. Everything is heard from its
first sample on. Modes: N. H. Fletcher, T. D. Rossing, The Physics of Musical Instruments, ch. 18 and 20.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from drumline.effects.filters import F
from drumline.rendering.synth_kit import seconds

Wave = NDArray[np.float64]
Random = np.random.Generator
Recipe = Callable[[Random, Random, float, int], Wave]
"""Recipe of a hit: random states of the instrument and of the hit, velocity, and sampling rate [Hz]."""

_SKIN_RATIOS: Final = np.array([1.0, 1.59, 2.14, 2.30, 2.65, 2.92])


def log_uniform(random: Random, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def noise(struck: Random, count: int, low_hz: float, high_hz: float, rate_hz: int) -> Wave:
    """In a band, of unit deviation; the filter rings already at the first sample."""
    top = 0.49 * rate_hz
    edges = [min(low_hz, 0.8 * top), min(max(high_hz, 1.3 * low_hz), top)]
    lead = rate_hz // 50
    sections = signal.butter(2, edges, "bandpass", fs=rate_hz, output="sos")
    hiss = signal.sosfilt(sections, struck.standard_normal(count + lead))[lead:]
    return np.asarray(hiss / hiss.std())


def modes(at: Wave, hz: Wave, level: Wave, ring_s: Wave, bend: Wave) -> Wave:
    """Partials that die away, over a phase that `bend` (seconds) makes of time. Cosines: heard at once."""
    return np.asarray((level * np.exp(-at[:, None] / ring_s) * np.cos(2 * np.pi * hz * bend[:, None])).sum(axis=1))


def bent(at: NDArray[F], depth: float, settle_s: float) -> NDArray[F]:
    """Time for a pitch that starts so much higher, in its own measure, and settles."""
    return np.asarray(at + depth * settle_s * (1 - np.exp(-at / settle_s)))


def skin(built: Random, struck: Random, velocity: float, rate_hz: int, base_hz: float, ring_s: float) -> Wave:
    at = seconds(min(6 * ring_s, 1.5), rate_hz)
    hz = base_hz * _SKIN_RATIOS * built.uniform(0.95, 1.05, len(_SKIN_RATIOS))
    level = built.uniform(0.2, 1.0, len(hz)) / np.arange(1, len(hz) + 1) ** built.uniform(0.5, 2.0)
    level[1:] *= 0.4 + 0.6 * velocity
    rings = np.asarray(ring_s / np.arange(1, len(hz) + 1) ** built.uniform(0.2, 1.0), dtype=np.float64)
    bend = bent(at, built.uniform(0.0, 0.5) * velocity, log_uniform(built, 0.01, 0.08))
    level *= struck.uniform(0.85, 1.15, len(hz)) / level.sum()
    return modes(at, hz, level, rings, bend)


def stick(built: Random, struck: Random, velocity: float, count: int, rate_hz: int) -> Wave:
    at = np.arange(count) / rate_hz
    low_hz = log_uniform(built, 500, 4_000)
    click = noise(struck, count, low_hz, low_hz * log_uniform(built, 2, 8), rate_hz)
    click *= np.exp(-at / log_uniform(built, 0.0015, 0.012)) * log_uniform(built, 0.02, 0.4)
    return click * (0.3 + velocity)


def plate(
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
    wash, edge_s = log_uniform(built, 0.3, 3.0), log_uniform(built, 0.003, 0.03)
    at = seconds(min(4 * ring_s, 2.5), rate_hz)
    turned = built.uniform(0.4, 2.0) * struck.uniform(-1.0, 1.0, count)  # near cosines: an edge, new in each take
    tones = (level * np.exp(-at[:, None] / rings) * np.cos(2 * np.pi * hz * at[:, None] + turned)).sum(axis=1)
    hiss = noise(struck, len(at), max(low_hz, log_uniform(built, 1_500, 6_000)), 11_000, rate_hz)
    hiss *= np.exp(-at / (0.7 * ring_s)) + built.uniform(0.2, 2.0) * np.exp(-at / edge_s)
    return np.asarray(tones / level.sum() + 0.1 * wash * hiss)
