"""Something for the drums to play with: a bass, held chords and a little noise, in time with a tempo map.

It exists so that a rendered song can come as a full mix; it is no music to be proud of.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from drumline.core.tempo import TempoMap

Samples = NDArray[np.float32]

_PROGRESSIONS: Final = ((0, 5, 7, 5), (0, 8, 3, 10), (0, -3, 5, 7), (0, 0, 5, 7))
"""Roots of the bars, in semitones over the key."""
_BASS_HZ: Final = 41.2
_CHORDS: Final = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10))


def backing(tempo: TempoMap, *, duration_s: float, rate_hz: int = 44_100, seed: int) -> Samples:
    """Mono float32 [duration_s * rate_hz], peak 0.5. The bass plays eighth notes, the chords change with the bar."""
    random = np.random.default_rng(seed)
    key = float(random.integers(0, 10))
    roots = np.array(_PROGRESSIONS[random.integers(len(_PROGRESSIONS))]) + key
    chord = _CHORDS[random.integers(len(_CHORDS))]
    length = round(duration_s * rate_hz)
    ticks = tempo.ticks(np.arange(length) / rate_hz)
    eighths = ticks / (tempo.resolution / 2)
    bars = (ticks / (tempo.resolution * tempo.time_signatures[0][1])).astype(np.int64)
    root = roots[bars % len(roots)]
    bass = _saw(_pitched(_BASS_HZ, root), rate_hz) * np.exp(-2.0 * (eighths % 1.0))
    bass = signal.lfilter([0.06], [1.0, -0.94], bass)
    pad = np.sum([_saw(_pitched(4 * _BASS_HZ, root + step), rate_hz) for step in chord], axis=0)
    pad = signal.lfilter([0.15], [1.0, -0.85], pad)
    total = 1.6 * bass + 0.25 * pad + 0.01 * random.standard_normal(length)
    return np.asarray(0.5 * total / max(float(np.max(np.abs(total), initial=0.0)), 1e-9), dtype=np.float32)


def mix(drums: Samples, others: Samples, *, drums_gain_db: float = -1.0) -> Samples:
    """Drums with the others, at ``drums_gain_db`` relative to them in RMS (-1 is the median of MedleyDB's mixes).

    Peaks stay below full scale. Raises ValueError where the lengths differ.
    """
    if drums.shape != others.shape:
        raise ValueError(f"drums have {drums.size} samples, the others {others.size}")
    rms_drums, rms_others = (float(np.sqrt(np.mean(np.square(part, dtype=np.float64)))) for part in (drums, others))
    gain = 10 ** (drums_gain_db / 20.0) * rms_others / rms_drums if rms_drums > 0 else 1.0
    total = drums * np.float32(gain) + others
    return np.asarray(total * np.float32(min(1.0, 0.98 / max(float(np.max(np.abs(total), initial=0.0)), 1e-9))))


def _pitched(base_hz: float, semitones: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(base_hz * 2.0 ** (semitones / 12.0))


def _saw(pitch_hz: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """A sawtooth of changing pitch [N], -1 to 1, without a jump of phase where the pitch changes."""
    return np.asarray(2.0 * (np.cumsum(pitch_hz / rate_hz) % 1.0) - 1.0)
