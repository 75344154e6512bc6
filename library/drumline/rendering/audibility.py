"""Audibility of rendered hits: inaudible hits are masked in training and excluded from scoring.

Performances on electronic kits contain hits that no annotator notes: crosstalk between pads, taps under a ringing
crash. A hit is inaudible (flag ``faint``) if in no frequency band its attack exceeds the sound just before it and
`FLOOR_DB` below the song's loud hits. Simultaneous hits do not mask each other, as annotators note them.

A hit is masked by the mix (flag ``covered``) if the backing is louder in every band.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft

FLOOR_DB: Final = -32.0
"""Audibility floor relative to the song's loud hits, per band [dB]: the level of stick taps and crosstalk."""
_LOUD_QUANTILE: Final = 0.9
_WINDOW_S: Final = 0.04
_GAP_S: Final = 0.003
"""Gap between the window before a hit and its onset [s], for attacks that are not sharp."""
_BATCH_SIZE: Final = 256
_EDGES_HZ: Final = (30, 90, 180, 360, 720, 1500, 3000, 6000, 11_025)

_COVER_DB: Final = 6.0
"""Level by which the backing must exceed a hit to mask it [dB]; attacks remain audible below that."""


@dataclass(frozen=True)
class Attack:
    """Attack of one isolated hit."""

    position: int
    """Sample index of its onset in the song."""
    energy: NDArray[np.float64]
    """Energy per frequency band."""


def attack(samples: NDArray[np.float32], onset: int, position: int, *, rate_hz: int) -> Attack:
    """Measure the attack of a one-shot.

    Parameters
    ----------
    samples
        One-shot, mono float32 [N].
    onset
        Sample index of the onset in the one-shot.
    position
        Sample index of the onset in the song.
    rate_hz
        Sample rate [Hz].
    """
    return Attack(position, _energy(samples[onset : onset + round(_WINDOW_S * rate_hz)], rate_hz))


def faint(
    attacks: Sequence[Attack], whole: NDArray[np.float32], *, rate_hz: int, floor_db: float = FLOOR_DB
) -> NDArray[np.bool_]:
    """Find inaudible hits.

    Parameters
    ----------
    attacks
        Attacks of N hits.
    whole
        Mono sum of all hits, float32.
    rate_hz
        Sample rate [Hz].
    floor_db
        Audibility floor relative to the song's loud hits [dB].

    Returns
    -------
    mask
        True for inaudible hits, bool [N].
    """
    if not attacks:
        return np.zeros(0, dtype=bool)
    energies = np.stack([attack.energy for attack in attacks])
    window, gap = round(_WINDOW_S * rate_hz), round(_GAP_S * rate_hz)
    before = _energies(whole, [attack.position - gap - window for attack in attacks], rate_hz)
    floor = np.quantile(energies, _LOUD_QUANTILE, axis=0) * 10 ** (floor_db / 10)
    return np.asarray(~(energies > np.maximum(before, floor)).any(axis=1))


def covered(
    attacks: Sequence[Attack],
    whole: NDArray[np.float32],
    *,
    drums: NDArray[np.float32],
    backing: NDArray[np.float32],
    rate_hz: int,
) -> NDArray[np.bool_]:
    """Find hits that are masked by the backing.

    Parameters
    ----------
    attacks
        Attacks of N hits.
    whole
        Mono sum of all hits before production.
    drums
        Drums in the mix, of the same length.
    backing
        Backing in the mix, of the same length.
    rate_hz
        Sample rate [Hz].

    Returns
    -------
    mask
        True for masked hits, bool [N].
    """
    if not attacks:
        return np.zeros(0, dtype=bool)
    positions = [attack.position for attack in attacks]
    played, produced, others = (_energies(track, positions, rate_hz) for track in (whole, drums, backing))
    # Gain of mixing desk, room and mix per band, over the whole song.
    gain = produced.sum(axis=0) / np.maximum(played.sum(axis=0), np.finfo(np.float64).tiny)
    energies = np.stack([attack.energy for attack in attacks]) * gain
    return np.asarray(~(energies > others * 10 ** (-_COVER_DB / 10)).any(axis=1))


def _energies(samples: NDArray[np.float32], positions: Sequence[int], rate_hz: int) -> NDArray[np.float64]:
    """Energy [N, bands] of the window from each position, which may be negative."""
    window = round(_WINDOW_S * rate_hz)
    padded = np.pad(samples, window)
    starts = np.clip(np.asarray(positions) + window, 0, len(padded) - window)
    windows = sliding_window_view(padded, window)
    return np.concatenate(
        [_energy(windows[starts[first : first + _BATCH_SIZE]], rate_hz) for first in range(0, len(starts), _BATCH_SIZE)]
    )


def _energy(windows: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Energy [..., bands] of windows [..., N], shorter ones zero-padded."""
    spectra = fft.rfft(windows, round(_WINDOW_S * rate_hz))
    power = np.zeros((*spectra.shape[:-1], spectra.shape[-1] + 1))  # and nothing above the highest bin
    power[..., :-1] = np.square(np.abs(spectra))
    return np.asarray(np.add.reduceat(power, _bins(rate_hz), axis=-1)[..., :-1])


@lru_cache
def _bins(rate_hz: int) -> NDArray[np.intp]:
    """Spectrum bins at which bands start, and the end of the last band."""
    hz = fft.rfftfreq(round(_WINDOW_S * rate_hz), 1 / rate_hz)
    return np.searchsorted(hz, _EDGES_HZ)
