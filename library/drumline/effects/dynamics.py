"""Gain that follows the level: compressor, transient emphasis, limiter.

Each computes a gain curve and none touches time. Levels are peaks of short blocks (0.36 ms), over all channels, so
that a stereo image stands still; gains are given at the edges of blocks and run straight between them. Decibels are
relative to full scale. The envelope is the decoupled one of D. Giannoulis, M. Massberg and J. D. Reiss, "Digital
dynamic range compressor design: a tutorial and analysis", JAES 60(6), 2012: it falls with the release, and is then
smoothed with the attack.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Samples = NDArray[np.float32]
Curve = NDArray[np.float64]

_BLOCK_S: Final = 16 / 44_100
_FLOOR_DB: Final = -100.0
_SLOW_ATTACK_S: Final = 0.02
_EMPHASIS_RELEASE_S: Final = 1.0
_FULL_EMPHASIS_DB: Final = 12.0


@dataclass(frozen=True)
class Compressor:
    """Feed-forward, in the log domain."""

    threshold_db: float
    ratio: float
    """Decibels in for one decibel out, above the threshold."""
    knee_db: float
    """Width of the soft knee."""
    attack_s: float
    release_s: float
    """Time constants: to 1 - 1/e, and to 1/e, of the reduction in decibels."""
    mix: float = 1.0
    """Part of the compressed signal; less than 1 is parallel compression."""


def block_size(rate_hz: int) -> int:
    """Samples in a block: a power of two."""
    return int(2 ** round(math.log2(_BLOCK_S * rate_hz)))


def levels_db(samples: Samples, *, rate_hz: int) -> Curve:
    """The peak of each block of [channels, N], at least -100 dB."""
    size = block_size(rate_hz)
    peaks = np.zeros(-(-samples.shape[1] // size) * size, dtype=np.float32)
    np.abs(samples).max(axis=0, out=peaks[: samples.shape[1]])
    for _ in range(size.bit_length() - 1):  # pairs of pairs: five times as fast as max over a short axis
        peaks = np.maximum(peaks[0::2], peaks[1::2])
    return np.asarray(np.maximum(20 * np.log10(np.maximum(peaks, 1e-30, dtype=np.float64)), _FLOOR_DB))


def static_reduction_db(level_db: Curve, compressor: Compressor) -> Curve:
    """Gain reduction of a steady level [dB], at least 0."""
    over = level_db - compressor.threshold_db
    knee = max(compressor.knee_db, 1e-9)
    bend = np.where(over >= knee / 2, over, np.clip(over + knee / 2, 0, None) ** 2 / (2 * knee))
    return np.asarray((1 - 1 / compressor.ratio) * bend)


def released(reduction_db: Curve, *, release_s: float, step_s: float) -> Curve:
    """``y[n] = max(x[n], y[n - 1] * exp(-step_s / release_s))`` for x of at least 0, without a loop.

    ``log y[n] + n k`` is the running maximum of ``log x[n] + n k``, k being the decay of one step.
    """
    slope = np.arange(len(reduction_db)) * (step_s / release_s)
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.maximum.accumulate(np.log(reduction_db) + slope) - slope))


def attacked(reduction_db: Curve, *, attack_s: float, step_s: float) -> Curve:
    """``y[n] = a y[n - 1] + (1 - a) x[n]`` with ``a = exp(-step_s / attack_s)``."""
    a = math.exp(-step_s / attack_s)
    return np.asarray(signal.lfilter([1 - a], [1, -a], reduction_db))


def compressor_gain(samples: Samples, compressor: Compressor, *, rate_hz: int) -> Samples:
    """The gain [N] of samples [channels, N]."""
    step_s = block_size(rate_hz) / rate_hz
    reduction_db = static_reduction_db(levels_db(samples, rate_hz=rate_hz), compressor)
    reduction_db = released(reduction_db, release_s=compressor.release_s, step_s=step_s)
    reduction_db = attacked(reduction_db, attack_s=compressor.attack_s, step_s=step_s)
    gain = (1 - compressor.mix) + compressor.mix * 10 ** (-reduction_db / 20)
    return _between(np.concatenate([gain[:1], gain]), samples.shape[1], rate_hz)


def emphasis_gain(samples: Samples, gain_db: float, *, rate_hz: int) -> Samples:
    """The gain [N] that raises (or, below 0 dB, lowers) attacks: where the level outruns a slow follower of itself."""
    step_s = block_size(rate_hz) / rate_hz
    over_floor_db = levels_db(samples, rate_hz=rate_hz) - _FLOOR_DB
    held_db = released(over_floor_db, release_s=_EMPHASIS_RELEASE_S, step_s=step_s)
    outrun_db = held_db - attacked(held_db, attack_s=_SLOW_ATTACK_S, step_s=step_s)
    gain = 10 ** (gain_db * np.clip(outrun_db / _FULL_EMPHASIS_DB, 0, 1) / 20)
    # A block ahead, so that an attack's first sample has its share.
    return _between(np.concatenate([gain, gain[-1:]]), samples.shape[1], rate_hz)


def limiter_gain(samples: Samples, ceiling_db: float, *, release_s: float, rate_hz: int) -> Samples:
    """The gain [N] under which samples [channels, N] stay below the ceiling. It looks ahead by one block."""
    step_s = block_size(rate_hz) / rate_hz
    needed_db = np.maximum(levels_db(samples, rate_hz=rate_hz) - ceiling_db, 0)
    # An edge serves both of its blocks: a straight line between two gains that are low enough is low enough.
    edges_db = np.maximum(np.append(needed_db, 0), np.insert(needed_db, 0, 0))
    return _between(10 ** (-released(edges_db, release_s=release_s, step_s=step_s) / 20), samples.shape[1], rate_hz)


def _between(edges: Curve, length: int, rate_hz: int) -> Samples:
    """Values at the edges of blocks [num_blocks + 1] on straight lines at every sample, float32 [length]."""
    size = block_size(rate_hz)
    at = edges.astype(np.float32)
    ramp = np.arange(size, dtype=np.float32) / np.float32(size)
    return (at[:-1, None] + np.diff(at)[:, None] * ramp).reshape(-1)[:length]
