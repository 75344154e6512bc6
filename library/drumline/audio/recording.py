"""A recording as a model hears it: mono at `RATE_HZ`, at the loudness that models are trained at, of any length.

Loudness is known at the end only, so the samples are kept: in memory up to some ten minutes, beyond that in a
temporary file that has no name and goes with the process.
"""

import math
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Final, Self

import numpy as np
from numpy.typing import NDArray

from drumline.audio.loudness import TARGET_LUFS, amplify
from drumline.audio.meter import Meter
from drumline.core.grid import RATE_HZ

MEMORY_BYTES: Final = 64 << 20
"""Of samples, before they go to a file: 12.7 minutes."""

_SAMPLE_BYTES: Final = 4


class Recording:
    """Samples to read from anywhere. Close it, or use it in a ``with`` statement."""

    def __init__(self, pieces: Iterable[NDArray[np.float32]], *, memory_bytes: int = MEMORY_BYTES) -> None:
        """Take the samples, in pieces [N]; `audio.stream.mono_blocks` gives those of a file."""
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=memory_bytes)
        meter = Meter()
        try:
            for piece in pieces:
                meter.add(piece)
                self._file.write(np.ascontiguousarray(piece, dtype=np.float32).data)
        except BaseException:
            self.close()
            raise
        self.num_samples = self._file.tell() // _SAMPLE_BYTES
        self.lufs = meter.lufs()
        """Before any gain; ``-inf`` for silence, which is left as it is."""

    @property
    def duration_s(self) -> float:
        return self.num_samples / RATE_HZ

    @property
    def gain_db(self) -> float:
        """From the source's samples to `TARGET_LUFS`."""
        return TARGET_LUFS - self.lufs if math.isfinite(self.lufs) else 0.0

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples from ``start`` up to ``stop`` or the end, at `TARGET_LUFS`."""
        self._file.seek(start * _SAMPLE_BYTES)
        data = self._file.read(max(0, stop - start) * _SAMPLE_BYTES)
        return amplify(np.frombuffer(data, dtype=np.float32), self.gain_db)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
