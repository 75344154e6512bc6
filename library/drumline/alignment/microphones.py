"""How much later one microphone of a session hears each stroke than another, to a fraction of a sample.

A delay is positive where the target hears a stroke after the anchor. It is the lag of the largest cross-correlation of
the two signals around the stroke, whatever its sign (a microphone under a snare is upside down), between samples
by band-limited interpolation. Differencing the signals first gives their attacks more weight than their bodies,
which microphones at different places hear differently.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
import scipy.signal
import scipy.stats
from numpy.typing import NDArray

from drumline.core.grid import HIGH
from drumline.features.onset_envelope import Envelope

Floats = NDArray[np.float64]
Samples = NDArray[np.float32]

_APART_S: Final = 0.08
"""Onsets nearer than this to a stronger one are left out: their windows would hold both."""
_HEIGHT: Final = 3.0
"""Minimum height of an onset, relative to the mean of the envelope."""
_FINER: Final = 8
"""Points a sample at which the correlation is looked at; a parabola does the rest."""
_MOST_FOR_SLOPES: Final = 1_000
"""Delays that the regression takes: it looks at every pair of them."""


@dataclass(frozen=True)
class Delays:
    """Strokes that both microphones hear."""

    time_s: Floats
    """On the anchor's clock [N], rising."""
    delay_samples: Floats
    """[N]"""


@dataclass(frozen=True)
class Drift:
    """How fast a delay grows, by the median of the slopes between all pairs of strokes (Theil and Sen)."""

    samples_per_minute: float
    """NaN for fewer than three strokes, as is the interval."""
    low: float
    high: float


def find_onsets(envelope: Envelope) -> Floats:
    """Seconds of the strokes of a recording that stand by themselves, rising: rough, to a frame or two."""
    strength = envelope.sum(axis=0)
    least = _HEIGHT * float(strength.mean())
    frames, _ = scipy.signal.find_peaks(strength, height=max(least, 1e-9), distance=int(HIGH.frame(_APART_S)))
    return HIGH.seconds(frames)


def rough_delay_s(anchor: Envelope, target: Envelope, *, reach_s: float) -> float:
    """The delay between two recordings as a whole, to a frame: where their onset envelopes agree best."""
    reach = int(HIGH.frame(reach_s))
    length = max(anchor.shape[1], target.shape[1])
    one, two = (
        np.pad(each.sum(axis=0) - each.sum(axis=0).mean(), (0, length - each.shape[1])) for each in (anchor, target)
    )
    curve = scipy.signal.correlate(two, one, mode="full", method="fft")
    lags = scipy.signal.correlation_lags(length, length)
    near = np.abs(lags) <= reach
    return float(HIGH.seconds(lags[near][np.argmax(curve[near])]))


def stroke_delay(anchor: Samples, target: Samples) -> tuple[float, float]:
    """(delay, likeness) of one stroke: samples from the start of ``anchor`` [N] in ``target`` [N + M], 0 to M.

    Likeness is the correlation coefficient there, 0 to 1; 0 where either is silent.
    """
    one, two = np.diff(anchor.astype(np.float64)), np.diff(target.astype(np.float64))
    size = scipy.fft.next_fast_len(len(two) + len(one), real=True)
    spectrum = scipy.fft.rfft(two, size) * np.conj(scipy.fft.rfft(one, size))
    fine = scipy.fft.irfft(spectrum, size * _FINER) * _FINER
    most = len(two) - len(one)
    curve = np.abs(fine[: most * _FINER + 1])
    top = int(np.argmax(curve))
    at = top / _FINER
    if 0 < top < len(curve) - 1:
        before, here, after = curve[top - 1 : top + 2]
        bend = before - 2 * here + after
        at += 0.5 * (before - after) / bend / _FINER if bend < 0 else 0.0
    window = two[round(at) : round(at) + len(one)]
    energy = float(np.sqrt((one @ one) * (window @ window)))
    return at, min(1.0, float(curve[top]) / energy) if energy > 0 else 0.0


def drift(delays: Delays, *, rate_hz: int, level: float) -> Drift:
    """The drift of a pair of microphones, in samples of ``rate_hz`` a minute, with its interval."""
    if len(delays.time_s) < 3:
        return Drift(float("nan"), float("nan"), float("nan"))
    some = np.unique(np.linspace(0, len(delays.time_s) - 1, _MOST_FOR_SLOPES).round().astype(int))
    found = scipy.stats.theilslopes(delays.delay_samples[some], delays.time_s[some] / 60.0, alpha=level)
    return Drift(float(found.slope), float(found.low_slope), float(found.high_slope))
