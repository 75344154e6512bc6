"""Drums without a model: onsets, and the ranges they rise in. The baseline of every table, and a fallback.

Wherever a band of the onset envelope jumps, something was struck. What it was is read from how far four ranges of a
mel spectrogram rise there, each against the song's stronger onsets: a kick is low without the middle, a snare is body
and middle without the low, a tom is middle without the high, a hi-hat is high without the middle. A closed hi-hat is
soon gone and an open one hardly falls; what is high and leaves a faint wash is a cymbal.

The labels are partial (``snare``, ``tom``, ``hihat``, ``cymbal``): it can tell no more. All thresholds were set on
rendered songs, never on a corpus that is for judging.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.grid import HIGH, RATE_HZ
from drumline.core.hit_arrays import Events
from drumline.features.logmel import LogMelConfig, log_mel, mel_filters
from drumline.features.onset_envelope import onset_envelope

Values = NDArray[np.float64]

NAME: Final = "heuristic"
VERSION: Final = "1"

_JUMP: Final = 3.5
"""By how much a band of the envelope, whose mean is 1, must exceed its mean over half a second."""
_APART_S: Final = 0.03

_RANGES_HZ: Final = {"low": (20.0, 95.0), "body": (95.0, 320.0), "middle": (700.0, 3500.0), "high": (6500.0, 11_000.0)}
_BEFORE, _AFTER, _LATER = (-4, -3, -2), (0, 1, 2, 3), tuple(range(6, 21))  # frames of 11.6 ms
_STRONG_PERCENTILE: Final = 90
_LEAST_RISE: Final = 0.05
"""Least rise of the logarithmic spectrum; smaller ones are noise."""

_LEAST: Final = {"kick": 0.3, "snare": 0.3, "tom": 0.6, "hihat": 0.1, "cymbal": 0.1}
"""Least score of each drum; a strong hit scores about 1."""
_WASH: Final = (0.03, 0.25)
"""The part of a cymbal's rise that is left between 70 and 230 ms later, at the least."""


def transcribe(samples: NDArray[np.float32]) -> Events:
    """The hits of mono audio at 22,050 Hz [N], with velocities, and confidences from 0.5 at the threshold."""
    onsets_s = onsets(onset_envelope(samples))
    if not len(onsets_s):
        return Events.none()
    rise, left = _rises(samples, onsets_s)
    times_s, labels, strengths, confidences = [], [], [], []
    for drum, score in scores(rise, left["high"]).items():
        struck = score >= _LEAST[drum]
        times_s.append(onsets_s[struck])
        labels += [drum] * int(struck.sum())
        strengths.append(score[struck])
        confidences.append(score[struck] / (score[struck] + _LEAST[drum]))
    return Events.of(
        np.concatenate(times_s),
        labels,
        velocity=np.clip(np.concatenate(strengths), 0.05, 1.0),
        confidence=np.concatenate(confidences),
    )


def onsets(envelope: NDArray[np.float32]) -> Values:
    """Times [s] of what stands out in any band of an onset envelope [3, T], `_APART_S` apart: the stronger stays."""
    width = min(round(0.5 * HIGH.frame_rate_hz), envelope.shape[1])
    means = np.stack([np.convolve(row, np.full(width, 1 / width), "same") for row in envelope])
    jump = (envelope - means).max(axis=0)
    padded = np.pad(jump, 1, constant_values=-np.inf)
    tops = np.flatnonzero((jump > _JUMP) & (jump > padded[:-2]) & (jump >= padded[2:]))
    reach = int(_APART_S * HIGH.frame_rate_hz)
    taken = np.zeros(len(jump), dtype=bool)
    for frame in tops[np.argsort(-jump[tops], kind="stable")].tolist():
        taken[frame] = not taken[max(0, frame - reach) : frame + reach + 1].any()
    return HIGH.seconds(np.flatnonzero(taken))


def scores(rise: Mapping[str, Values], left: Values) -> dict[str, Values]:
    """How much each onset [N] is like each drum, from the rise of each range and what is left of the high one's."""
    is_tom = rise["middle"] - rise["high"] > _LEAST["tom"]
    high = rise["high"] - 0.5 * rise["middle"]
    washes = (left > _WASH[0]) & (left < _WASH[1])
    return {
        "kick": rise["low"] - 0.5 * rise["middle"],
        "snare": np.where(is_tom, 0.0, rise["body"] + rise["middle"] - rise["low"] - 0.5 * rise["high"]),
        "tom": np.where(rise["body"] > 0.3, rise["middle"] - rise["high"], 0.0),
        "hihat": np.where(washes, 0.0, high),
        "cymbal": np.where(washes, high, 0.0),
    }


def _rises(samples: NDArray[np.float32], onsets_s: Values) -> tuple[dict[str, Values], dict[str, Values]]:
    """By range: how far it rises at each onset [N], 1 for a strong one; and the part of that which is left later."""
    config = LogMelConfig(hop=256, bands=64)
    spectrogram = log_mel(samples, config)
    filters = mel_filters(config)
    centres_hz = filters @ np.linspace(0.0, RATE_HZ / 2, filters.shape[1])
    frames = config.grid.frame(onsets_s)[:, np.newaxis]
    rise, left = {}, {}
    for name, (low_hz, high_hz) in _RANGES_HZ.items():
        level = spectrogram[:, (centres_hz >= low_hz) & (centres_hz < high_hz)].mean(axis=1, dtype=np.float64)
        before, after, later = (
            level[np.clip(frames + np.array(offsets), 0, len(level) - 1)] for offsets in (_BEFORE, _AFTER, _LATER)
        )
        floor = before.mean(axis=1)
        own = np.maximum(after.max(axis=1) - floor, _LEAST_RISE)
        rise[name] = own / float(np.percentile(own, _STRONG_PERCENTILE))
        left[name] = (later.min(axis=1) - floor) / own
    return rise, left
