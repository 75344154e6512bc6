"""Pulse tracking: candidate tempos and the beat path of each.

A *pulse curve* has one value for every 10 ms, large where something that marks the beat begins: from hits (kick and
snare weigh more than what subdivides) or from an onset envelope. Candidate periods are peaks of its autocorrelation
combed at one, two, four and eight beats (after Klapuri, Eronen, Astola, IEEE TASLP 2006). Each is followed by dynamic
programming (Ellis, "Beat Tracking by Dynamic Programming", JNMR 2007): the path follows a drummer who drifts and goes
on through rests.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.grid import HIGH
from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import INSTRUMENTS

Pulse = NDArray[np.float64]
"""[T], a frame every `FRAME_S`."""

FRAME_S: Final = 0.01
PERIODS_S: Final = (0.2, 1.2)
"""Shortest and longest candidate period."""
_CANDIDATES: Final = np.exp(np.arange(np.log(PERIODS_S[0]), np.log(PERIODS_S[1]), 0.004))
_COMBED_BEATS: Final = (1, 2, 4, 8)
"""Where the autocorrelation is read: up to two bars. Three beats would reward the bars of other metres."""
# In the order of `INSTRUMENTS`, whose -1 (a cymbal of any kind, percussion) is the last.
_WEIGHTS: Final = np.array([1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5])
_LOUDEST: Final = 8.0
"""Limit of an envelope of mean 1: one hit must not outweigh the song."""
_BUMP: Final = np.exp(-0.5 * np.square(np.arange(-4, 5) * FRAME_S / 0.02))
_UNKNOWN_VELOCITY: Final = 0.7
_TIGHTNESS: Final = 100.0
"""Tempo-deviation penalty (Ellis's alpha), against hits of height 1."""


def pulse_of_hits(events: Events, duration_s: float) -> Pulse:
    """Onset-strength curve from hits: one Gaussian per hit, scaled by class weight and velocity."""
    heights = _WEIGHTS[INSTRUMENTS.certain_class(events.label)] * np.where(
        np.isnan(events.velocity), _UNKNOWN_VELOCITY, events.velocity
    )
    pulse = np.zeros(int(max(duration_s, float(events.time_s[-1])) / FRAME_S) + len(_BUMP))
    np.add.at(pulse, np.round(np.maximum(events.time_s, 0.0) / FRAME_S).astype(np.int64), heights)
    return np.asarray(np.convolve(pulse, _BUMP, mode="same"))


def pulse_of_envelope(envelope: NDArray[np.float32]) -> Pulse:
    """Onset-strength curve from an onset envelope [3, T], summed over its bands."""
    frames = np.arange(0, envelope.shape[1] * HIGH.frame_s, FRAME_S)
    strength = np.minimum(envelope, _LOUDEST).sum(axis=0)
    return np.asarray(np.interp(HIGH.position(frames), np.arange(len(strength)), strength))


def candidate_periods_s(pulse: Pulse, number: int) -> list[float]:
    """The periods [s] of the highest peaks of the combed autocorrelation, the highest first."""
    lags = _CANDIDATES / FRAME_S
    correlation = _autocorrelation(pulse - pulse.mean(), int(max(_COMBED_BEATS) * lags.max()) + 2)
    combed = np.interp(np.outer(_COMBED_BEATS, lags), np.arange(len(correlation)), correlation).mean(axis=0)
    padded = np.pad(combed, 1, constant_values=-np.inf)
    peaks = np.flatnonzero((combed >= padded[:-2]) & (combed > padded[2:]))
    return [float(_CANDIDATES[index]) for index in peaks[np.argsort(-combed[peaks], kind="stable")][:number]]


def track(pulse: Pulse, period_s: float) -> NDArray[np.float64]:
    """Times [s] of the beats on the best path at about this period, from the curve's start to its end."""
    period = period_s / FRAME_S
    lags = np.arange(round(period * 0.7), round(period * 1.4) + 1)
    cost = _TIGHTNESS * np.square(np.log(lags / period))
    local = pulse / max(float(pulse.std()), 1e-9)
    best = local.copy()
    before = np.full(len(local), -1)
    # Within a block no frame is another's predecessor: all its frames are decided at once.
    for start in range(0, len(local), int(lags[0])):
        block = np.arange(start, min(start + int(lags[0]), len(local)))
        earlier = block[:, np.newaxis] - lags
        reached = np.where(earlier >= 0, best[np.maximum(earlier, 0)], 0.0) - cost
        chosen = reached.argmax(axis=1)
        rows = np.arange(len(block))
        best[block] += reached[rows, chosen]
        before[block] = earlier[rows, chosen]
    last = max(0, len(best) - round(period))
    frames = [last + int(best[last:].argmax())]
    while (previous := int(before[frames[-1]])) >= 0:
        frames.append(previous)
    return np.array(frames[::-1]) * FRAME_S


def _autocorrelation(values: Pulse, num_lags: int) -> NDArray[np.float64]:
    """For lags from 0, the first being 1; each divided by how much overlaps, so that long lags count alike."""
    size = 1 << (len(values) + num_lags).bit_length()
    spectrum = np.fft.rfft(values, size)
    found = np.fft.irfft(spectrum * spectrum.conj(), size)[:num_lags]
    overlap = 1.0 - np.minimum(np.arange(num_lags) / len(values), 0.9)
    return np.asarray(found / (overlap * max(float(found[0]), 1e-9)))
