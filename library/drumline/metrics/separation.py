"""Scores of separated sources.

SI-SDR: J. Le Roux, S. Wisdom, H. Erdogan, J. R. Hershey, "SDR - half-baked or well done?", ICASSP 2019. SDR is the
plain ratio without a filter, as the Music Demixing Challenges compute it.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

LIMIT_DB: Final = 100.0
"""Bound of all ratios, which equal signals would exceed."""

Samples = NDArray[np.float32]


def sdr_db(reference: Samples, estimate: Samples) -> float:
    """Energy of the reference over that of the difference, in dB.

    Parameters
    ----------
    reference, estimate
        Samples of equal shape.

    Examples
    --------
    >>> round(sdr_db(np.ones(100), 0.9 * np.ones(100)), 1)
    20.0
    """
    return _ratio_db(reference, np.asarray(reference, np.float64) - estimate)


def si_sdr_db(reference: Samples, estimate: Samples) -> float:
    """As `sdr_db`, with the reference scaled to fit the estimate best. Any gain of the estimate gives the same.

    Examples
    --------
    >>> si_sdr_db(np.ones(100), 0.9 * np.ones(100))
    100.0
    """
    target = np.asarray(reference, np.float64)
    energy = float(np.sum(target**2))
    if energy:
        target = target * (float(np.sum(target * estimate)) / energy)
    return _ratio_db(target, target - estimate)


def _ratio_db(signal: NDArray[np.float64] | Samples, error: NDArray[np.float64]) -> float:
    """Ratio of energies in dB within `LIMIT_DB`; 0 of silence to silence is the upper bound."""
    signal_energy, error_energy = (float(np.sum(np.square(each, dtype=np.float64))) for each in (signal, error))
    if not error_energy:
        return LIMIT_DB
    if not signal_energy:
        return -LIMIT_DB
    return float(np.clip(10 * math.log10(signal_energy / error_energy), -LIMIT_DB, LIMIT_DB))
