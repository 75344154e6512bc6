"""Knowing a recording again after re-encoding, another gain, or a little silence put before it.

Haitsma, Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002: of each frame one 32-bit word; a bit says
whether the energy difference between two neighbouring bands grew since the frame before. Gain cancels out, and a
codec moves only differences that were small already. Ours has longer windows (0.74 s) and 21.5 words a second, so
that a shift by half a hop still leaves most bits alone, and bands from 100 to 5,000 Hz, because drums are not a tune.

Frames more than 50 dB under the loudest carry no evidence: their word is 0 and is never compared, or two drum
stems would be alike in their rests.

Finding pairs among many songs takes two steps: `sketch` gives a song's 128 smallest hashes, in which two copies of
a recording share many (`MIN_SHARED`); `bit_error_rate` then compares the words (`MAX_BIT_ERROR_RATE`).
"""

from typing import Final, NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import fft

from drumline.core.grid import RATE_HZ

WORD_RATE_HZ: Final = RATE_HZ / 1024
"""Words a second."""
SKETCH_SIZE: Final = 128
MIN_SHARED: Final = 8
"""Hashes that two sketches share before the words are compared. Measured on 25 recordings: copies at 45 kbit/s share
30 and more; different ones at most 5, except loops on the same kit (22 to 29), which the words then tell apart."""
MAX_BIT_ERROR_RATE: Final = 0.16
"""Under it two recordings are the same. Measured: copies at 45 kbit/s, moved by any part of a hop, reach 0.114 (Opus at
19 kbit/s 0.19); another mix of the same performance starts at 0.216, one pattern on different kits at 0.181, different
songs at 0.31, most near 0.45."""

_RATE_HZ: Final = 11_025
_WINDOW: Final = 8192
_HOP: Final = 512
_BANDS_HZ: Final = (100.0, 5_000.0)
_NUM_BANDS: Final = 33
_SILENCE_DB: Final = -50.0
_FRAMES_AT_ONCE: Final = 256  # 8 MB of spectra
_STABLE_BITS: Final = np.uint32(0x00FF_FFFF)  # the lower bands: half the errors of the upper eight
_MIN_EVIDENCE: Final = round(5 * WORD_RATE_HZ)


class Match(NamedTuple):
    """How alike two recordings are where they fit best."""

    bit_error_rate: float
    """0 for the same words, about 0.5 for strangers, 1.0 where too little can be compared."""
    lag_words: int
    """How many words later the first recording has the same sound."""


def fingerprint(samples: NDArray[np.float32]) -> NDArray[np.uint32]:
    """The words of mono samples at `RATE_HZ`: uint32 [num_words], empty for less than 0.8 s."""
    signal = soxr.resample(samples, RATE_HZ, _RATE_HZ, quality="HQ")
    if len(signal) < _WINDOW + _HOP:
        return np.zeros(0, dtype=np.uint32)
    frames = np.lib.stride_tricks.sliding_window_view(signal, _WINDOW)[::_HOP]
    parts = [_band_energies(frames[at : at + _FRAMES_AT_ONCE]) for at in range(0, len(frames), _FRAMES_AT_ONCE)]
    energies = np.concatenate(parts)  # [num_frames, bands]
    slopes = energies[:, :-1] - energies[:, 1:]
    bits = slopes[1:] > slopes[:-1]
    words = np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0].astype(np.uint32)
    totals = energies.sum(axis=1)[1:]
    words[totals <= totals.max() * 10 ** (_SILENCE_DB / 10)] = 0
    return words


def sketch(words: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The smallest `SKETCH_SIZE` different hashes of a fingerprint's stable bits, ascending: uint64 [at most 128].

    Bottom-k sampling (Cohen, Kaplan 2007): the share of common hashes estimates how much two sets have in common.
    """
    hashes = np.unique(_scrambled(words[words != 0] & _STABLE_BITS))
    return hashes[:SKETCH_SIZE]


def bit_error_rate(a: NDArray[np.uint32], b: NDArray[np.uint32], *, max_lag_s: float = 10.0) -> Match:
    """The lowest share of differing bits over all lags up to ``max_lag_s``.

    A lag counts only where at least 5 s, and half of what the poorer recording has, can be compared.
    """
    evidence = int(min(np.count_nonzero(a), np.count_nonzero(b)))
    needed = max(_MIN_EVIDENCE, evidence // 2)
    best = Match(1.0, 0)
    max_lag = round(max_lag_s * WORD_RATE_HZ)
    for lag in sorted(range(-max_lag, max_lag + 1), key=abs):
        later, earlier = a[max(0, lag) :], b[max(0, -lag) :]
        length = min(len(later), len(earlier))
        later, earlier = later[:length], earlier[:length]
        informative = (later != 0) & (earlier != 0)
        if (count := int(np.count_nonzero(informative))) < needed:
            continue
        errors = int(np.bitwise_count((later ^ earlier)[informative]).sum())
        if (rate := errors / (32 * count)) < best.bit_error_rate:
            best = Match(rate, lag)
    return best


def _band_energies(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    spectrum = fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    edges = np.round(np.geomspace(*_BANDS_HZ, _NUM_BANDS + 1) * _WINDOW / _RATE_HZ).astype(int)
    return np.add.reduceat(power, edges, axis=1, dtype=np.float64)[:, :-1]


def _scrambled(values: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """A fixed hash: the finaliser of SplitMix64 (Steele, Lea, Flood 2014), which spreads neighbours apart."""
    x = values.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
