"""Many channels to one: their mean, unless they cancel in it.

A cable with its wires crossed, or a plug-in, inverts the polarity of one channel: what both have in common, the drums
above all, is then silent in the mean. Of channels that have nothing in common the mean holds 1/C of their mean power;
less than half of that is cancellation (in stereo, a correlation under -0.5). Then the difference of two channels is
used, and of more the loudest. Which, is known at the end of a recording alone, so such a one is decoded twice.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.audio.block import Samples

MEAN: Final = "mean"
DIFFERENCE: Final = "difference"
_CHANNEL: Final = "channel "
_MIN_SHARE: Final = 0.5
"""Share of the power of the mean of unrelated channels below which channels cancel."""


def mono(samples: Samples, downmix: str = MEAN) -> Samples:
    """One channel [num_samples, 1]: the mean, half the ``difference`` of two channels, or ``channel N`` (from 1)."""
    num_channels = samples.shape[1]
    if downmix == DIFFERENCE and num_channels == 2:
        return (samples[:, :1] - samples[:, 1:]) * np.float32(0.5)
    if downmix.startswith(_CHANNEL) and (number := int(downmix.removeprefix(_CHANNEL))) <= num_channels:
        return samples[:, number - 1 : number].copy()
    # Column by column: numpy's mean over so short an axis is ten times slower.
    total = samples[:, :1].copy()
    for channel in range(1, num_channels):
        total += samples[:, channel : channel + 1]
    return np.divide(total, np.float32(num_channels), out=total)


def stereo(samples: Samples, downmix: str = MEAN) -> Samples:
    """Two channels: of two both, the second inverted for ``difference``; of any other number twice `mono`."""
    if samples.shape[1] != 2:
        return np.repeat(mono(samples, downmix), 2, axis=1)
    return samples * np.array([1, -1], dtype=np.float32) if downmix == DIFFERENCE else samples


@dataclass
class Power:
    """The power of channels and of their mean, summed over a recording."""

    _channels: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    _mean: float = 0.0
    _expected: float = 0.0

    def add(self, samples: Samples, averaged: Samples) -> None:
        """Take in some samples [num_samples, num_channels] and their mean [num_samples, 1]."""
        num_channels = samples.shape[1]
        if num_channels == 1:
            return  # nothing can cancel
        if num_channels > len(self._channels):
            self._channels = np.pad(self._channels, (0, num_channels - len(self._channels)))
        if num_channels > 2:  # else the channels need not be told apart, and two products are cheaper
            self._channels[:num_channels] += np.einsum("nc,nc->c", samples, samples)
        total = float(np.vdot(samples, samples))
        self._expected += total / num_channels**2
        self._mean += float(np.vdot(averaged, averaged))

    @property
    def downmix(self) -> str:
        """``mean``, or where channels cancel in it ``difference`` or ``channel N``."""
        if self._mean >= _MIN_SHARE * self._expected:
            return MEAN
        return DIFFERENCE if len(self._channels) == 2 else f"{_CHANNEL}{int(np.argmax(self._channels)) + 1}"
