"""Onsets of a chart in rows by drum, and how much the audio looks like such an onset at each frame.

Hits fall into four rows by what they do to a spectrum: kick, drum (snare and toms), cymbal, and those of which the
chart only says tom or cymbal. Hits of one row at one time are one onset.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from drumline.core.grid import HIGH
from drumline.core.hits import Hit
from drumline.features.onset_envelope import Envelope

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ROWS: Final = 4
_BANDS_HEARD: Final = np.array(
    # kick drum cymbal: the bands of an onset envelope
    [
        [1.0, 0.3, 0.1],
        [0.1, 1.0, 0.3],
        [0.0, 0.2, 1.0],
        [0.0, 0.6, 0.6],
    ]
)
_CEILING: Final = 4.0
"""Times the mean: a crash counts for no more than a good snare."""

_BLUR_S: Final = 0.0116
"""Standard deviation of the blur: what a person plays lies about as far from the grid."""


@dataclass(frozen=True)
class Onsets:
    """The chart's onsets in time order."""

    times_s: Floats
    """Chart time [N]."""
    rows: Ints
    """Index of each onset's row, 0 to 3 [N]."""

    @property
    def span_s(self) -> float:
        return float(self.times_s[-1] - self.times_s[0]) if len(self.times_s) else 0.0


def onsets_of(hits: Sequence[Hit]) -> Onsets:
    """The onsets of hits. Rolls, free passages and faint strokes are left out where they are not most of the chart."""
    exact = [hit for hit in hits if not {"roll", "approximate", "faint"}.intersection(hit.flags)]
    used = exact if 2 * len(exact) >= len(hits) else hits
    found = sorted({(hit.time_s, _row(hit.label)) for hit in used})
    return Onsets(
        np.array([time_s for time_s, _ in found], dtype=np.float64), np.array([row for _, row in found], dtype=np.int64)
    )


def responses(envelope: Envelope) -> Envelope:
    """For each row, the envelope as heard through its bands: float32 [4, T]."""
    return np.asarray(_BANDS_HEARD.astype(np.float32) @ envelope)


def salience(responses: Envelope) -> Envelope:
    """For each row, how strongly such an onset is heard at each frame: float32 [4, T], mean 0 and deviation 1."""
    limited = np.minimum(responses, np.float32(_CEILING))
    deviations = limited.std(axis=1, keepdims=True)
    centred = limited - limited.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.where(deviations > 0, deviations, 1.0), dtype=np.float32)


def blurred(responses: Envelope) -> Envelope:
    """The responses [4, T] out of focus: what lies a few frames from its place is still seen there."""
    limited = np.minimum(responses, np.float32(_CEILING))
    return np.asarray(gaussian_filter1d(limited, _BLUR_S * HIGH.frame_rate_hz, axis=1), dtype=np.float32)


def sampled(salience: Envelope, rows: Ints, frames: Ints) -> Envelope:
    """The salience at frames (same shape as broadcast ``rows``); outside the audio it is 0, the mean."""
    inside = (frames >= 0) & (frames < salience.shape[1])
    values = salience[rows, np.where(inside, frames, 0)]
    return np.asarray(np.where(inside, values, 0.0), dtype=np.float32)


def windows_of(onsets: Onsets, window_s: float) -> Ints:
    """The window of each onset [N], of about ``window_s`` seconds each, numbered without gaps."""
    count = max(1, round(onsets.span_s / window_s))
    into = (onsets.times_s - onsets.times_s[0]) / max(onsets.span_s, HIGH.frame_s)
    numbers = np.minimum((into * count).astype(np.int64), count - 1)
    return np.asarray(np.unique(numbers, return_inverse=True)[1], dtype=np.int64)


def _row(label: str) -> int:
    if label in ("tom_or_cymbal", "unclear", "other"):
        return 3
    if label == "kick":
        return 0
    return 1 if label.startswith(("snare", "tom")) else 2
