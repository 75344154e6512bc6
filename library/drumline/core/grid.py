"""The only place where seconds become frames.

Frame ``n`` is centred on ``n * hop / rate_hz`` seconds (centred analysis windows, as in librosa with
``center=True``), so a hit at time t belongs to frame ``round(t * rate_hz / hop)`` and its sub-frame offset
is what is left, between -0.5 and 0.5 frames.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

RATE_HZ: Final = 22_050


@dataclass(frozen=True)
class Grid:
    """A frame grid over audio at ``rate_hz``."""

    hop: int
    """Samples from one frame to the next."""
    rate_hz: int = RATE_HZ

    @property
    def frame_rate_hz(self) -> float:
        return self.rate_hz / self.hop

    @property
    def frame_s(self) -> float:
        return self.hop / self.rate_hz

    def position(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Fractional frames of seconds: [s] * [frames / s]."""
        return np.asarray(seconds, dtype=np.float64) * self.frame_rate_hz

    def frame(self, seconds: ArrayLike) -> NDArray[np.int64]:
        """The nearest frame. Half-way points go up, whatever the frame's parity."""
        return np.floor(self.position(seconds) + 0.5).astype(np.int64)

    def seconds(self, frames: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(frames, dtype=np.float64) / self.frame_rate_hz

    def num_frames(self, num_samples: int) -> int:
        """Frames that cover ``num_samples`` samples, both ends included."""
        return num_samples // self.hop + 1


HIGH: Final = Grid(hop=128)
"""The training grid: 5.8 ms."""
MICRO: Final = Grid(hop=64)
"""The grid for extremely dense passages: 2.9 ms."""
