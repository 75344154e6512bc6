"""Interface and data types of decoders."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""[num_samples, num_channels]; full scale is 1.0."""


class Block(NamedTuple):
    """Consecutive samples of a recording. Rate and number of channels may change from one to the next."""

    samples: Samples
    rate_hz: int


class Decoder(Protocol):
    """An encoded file whose header has been read."""

    format: str
    """As its library calls it."""
    rate_hz: int
    """Sampling rate of the first block [Hz]."""
    num_channels: int
    """Number of channels of the first block."""
    stated_s: float | None
    """The duration that the header states; None where it is unknown or an estimate."""
    breaks_off: bool
    """Whether the data ended within a frame, or could not be decoded any further; known after the last block."""
    lost_s: float
    """Duration of damaged frames [s], which are silence in the blocks; known after the last block."""

    def blocks(self) -> Iterator[Block]:
        """All that can be decoded, in order. Raises what the storage raises, and nothing else."""

    def close(self) -> None:
        """Free what the library holds."""
