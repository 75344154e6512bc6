"""The features of any stretch of a recording, as those of the whole would be."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drumline.features.logmel import LogMelConfig, log_mel

Read = Callable[[int, int], NDArray[np.float32]]
"""Samples of a recording from one place up to another, or to its end."""


def log_mel_piece(read: Read, first: int, last: int, config: LogMelConfig) -> NDArray[np.float32]:
    """Frames ``first`` up to ``last`` [last - first, F] of a recording that has at least so many."""
    # What a frame sees of its surroundings, in frames: half its longest window, and for the flux what came before.
    reach = -(-max(config.n_ffts) // (2 * config.hop))
    before = min(first, reach + config.flux_lag)
    start = first - before
    samples = read(start * config.hop, (last - 1 + reach) * config.hop)
    return log_mel(samples, config)[before : before + last - first]
