"""Integrated loudness by ITU-R BS.1770-4, of a mono signal that comes in pieces.

K-weighting is two biquads (a shelf of 4 dB above 1.5 kHz and a high-pass at 38 Hz, in the Audio EQ Cookbook's
form, as pyloudnorm has them: the standard's own table is for 48 kHz alone). Here they are applied as one product of
spectra, block by block: their impulse response is over within `_MEMORY` samples, so the blocks overlap by that much.
Against pyloudnorm it differs by less than 0.001 dB, keeps nothing but one number for each 100 ms, and spares the
import of scipy.signal, which costs more than a song's features do.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from drumline.core.grid import RATE_HZ

_STEP: Final = RATE_HZ // 10
"""Samples from one gating block of 0.4 s to the next."""
_STEPS_A_BLOCK: Final = 4
_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0
_BLOCK: Final = 16_384
_MEMORY: Final = 2_048
"""Samples, 93 ms: by then the slower filter's response has fallen by 180 dB."""


class Meter:
    """Takes samples at `RATE_HZ`, in pieces of any length."""

    def __init__(self) -> None:
        self._waiting = np.zeros(_MEMORY, dtype=np.float32)
        self._energies = np.zeros(0)
        self._rest = np.zeros(0, dtype=np.float32)
        self._num_samples = 0

    def add(self, samples: NDArray[np.float32]) -> None:
        """Hear the next samples [N]."""
        self._num_samples += len(samples)
        waiting = np.concatenate([self._waiting, samples])
        weighted = [self._rest]
        while len(waiting) >= _BLOCK:
            weighted.append(_k_weighted(waiting[:_BLOCK]))
            waiting = waiting[_BLOCK - _MEMORY :]
        self._waiting = waiting.copy()  # not a view that keeps all of a long piece
        self._energies, self._rest = _steps(np.concatenate(weighted), self._energies)

    def lufs(self) -> float:
        """The loudness of all so far; ``-inf`` under the gate of -70 LUFS or for less than one block of 0.4 s."""
        blocks = _STEPS_A_BLOCK
        if self._num_samples < blocks * _STEP:
            return -math.inf
        num_blocks = round(self._num_samples / _STEP - blocks) + 1
        end = np.zeros(_BLOCK, dtype=np.float32)
        end[: len(self._waiting)] = self._waiting
        left = _k_weighted(end)[: len(self._waiting) - _MEMORY]
        energies, rest = _steps(np.concatenate([self._rest, left]), self._energies)
        energies = np.append(energies, np.sum(np.square(rest, dtype=np.float64)))[: num_blocks + blocks - 1]
        power = np.convolve(energies, np.full(blocks, 1 / (blocks * _STEP)), "valid")
        with np.errstate(divide="ignore"):
            levels = _lufs(power)
            audible = power[levels >= _GATE_LUFS]
            if not len(audible):
                return -math.inf
            gate = max(_GATE_LUFS, float(_lufs(audible.mean())) + _RELATIVE_GATE_LU)
            return float(_lufs(power[levels > gate].mean()))


def _lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(power))


def _steps(
    weighted: NDArray[np.float32], before: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The energies of whole steps after those before, and the samples that fill none."""
    whole = len(weighted) // _STEP * _STEP
    energies = np.square(weighted[:whole], dtype=np.float64).reshape(-1, _STEP).sum(axis=1)
    return np.concatenate([before, energies]), weighted[whole:]


def _k_weighted(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """The last ``_BLOCK - _MEMORY`` samples of a block, filtered; those before are what the filters remember."""
    return np.asarray(scipy.fft.irfft(scipy.fft.rfft(block) * _response(), _BLOCK)[_MEMORY:])


def _biquads() -> Iterator[tuple[tuple[float, float, float], tuple[float, float, float]]]:
    """Numerator and denominator, in powers of 1/z."""
    gain = 10 ** (4.0 / 40)
    turn = 2 * math.pi * 1500.0 / RATE_HZ
    cosine, alpha = math.cos(turn), math.sin(turn) * math.sqrt(0.5)
    root = 2 * math.sqrt(gain) * alpha
    up, down = gain + 1, gain - 1
    yield (
        (gain * (up + down * cosine + root), -2 * gain * (down + up * cosine), gain * (up + down * cosine - root)),
        (up - down * cosine + root, 2 * (down - up * cosine), up - down * cosine - root),
    )
    turn = 2 * math.pi * 38.0 / RATE_HZ
    cosine, alpha = math.cos(turn), math.sin(turn)  # Q = 1/2
    yield ((1 + cosine) / 2, -1 - cosine, (1 + cosine) / 2), (1 + alpha, -2 * cosine, 1 - alpha)


@cache
def _response() -> NDArray[np.complex64]:
    """Frequency response of both filters at the bins of a block."""
    back = np.exp(-2j * np.pi * np.arange(_BLOCK // 2 + 1) / _BLOCK)  # 1/z
    powers = np.stack([np.ones_like(back), back, back**2])
    ratios = [(np.array(top) @ powers) / (np.array(bottom) @ powers) for top, bottom in _biquads()]
    return np.asarray(np.prod(ratios, axis=0), dtype=np.complex64)
