"""Features of a frame range of a recording, equal to those of the whole recording."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drumline.features.logmel import LogMelConfig, log_mel

ReadSamples = Callable[[int, int], NDArray[np.float32]]
"""``read(start, stop)``: samples of a recording, float32 [stop - start], fewer at its end."""


def log_mel_chunk(read: ReadSamples, first: int, last: int, config: LogMelConfig) -> NDArray[np.float32]:
    """Compute log-mel features of some frames without reading the whole recording.

    Parameters
    ----------
    read : callable
        ``read(start, stop)`` returns mono samples, float32, at 22,050 Hz.
    first, last : int
        Frame range, ``last`` excluded; the recording has at least ``last`` frames.
    config : LogMelConfig
        Windows, bands and channels.

    Returns
    -------
    ndarray, float32, [last - first, F]
        The rows ``first`` to ``last`` of `log_mel` over the whole recording.
    """
    # Frames of context: half the longest window, and the lag of the flux before.
    reach = -(-max(config.n_ffts) // (2 * config.hop))
    before = min(first, reach + config.flux_lag)
    start = first - before
    samples = read(start * config.hop, (last - 1 + reach) * config.hop)
    return log_mel(samples, config)[before : before + last - first]
