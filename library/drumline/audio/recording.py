"""A recording as a model hears it: mono at `RATE_HZ`, at the loudness that models are trained at, of any length.

Loudness is known at the end only, so the samples are kept: in memory up to some six minutes, beyond that in a
temporary file that has no name and goes with the process.
"""

import math
import threading
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from drumline.audio.decode import MAX_DURATION_S
from drumline.audio.downmix import MEAN
from drumline.audio.loudness import TARGET_LUFS, amplify
from drumline.audio.meter import Meter
from drumline.audio.read import OnBlock, read_audio
from drumline.core.grid import RATE_HZ

MEMORY_BYTES: Final = 32 << 20
"""Size of the samples that are kept in memory before they go to a file: 6.3 minutes."""

_SAMPLE_BYTES: Final = 4


class Recording:
    """Samples to read from anywhere. Close it, or use it in a ``with`` statement."""

    def __init__(
        self,
        pieces: Iterable[NDArray[np.float32]],
        *,
        source_rate_hz: int = 0,
        truncated: str = "",
        downmix: str = MEAN,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        """Take the samples, in pieces [N]; `of_file` takes those of a file."""
        self.source_rate_hz = source_rate_hz
        """Sampling rate of the file [Hz]; 0 if unknown."""
        self.truncated = truncated
        """Where the file breaks off, for people; empty where it is whole."""
        self.downmix = downmix
        """Name of the mix of the file's channels (`audio.downmix`)."""
        self._reading = threading.Lock()
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=memory_bytes)  # noqa: SIM115 (closed by `close`)
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

    @classmethod
    def of_file(
        cls,
        source: BinaryIO,
        *,
        name: str,
        max_duration_s: float = MAX_DURATION_S,
        on_block: OnBlock | None = None,
    ) -> Self:
        """Read an encoded file. What there is of one that breaks off is taken, and `truncated` says so.

        Raises
        ------
        AudioError
            ``audio_undecodable`` or ``audio_too_long``.
        Exception
            What the storage or ``on_block`` raises.
        """

        recording, facts = read_audio(
            source,
            lambda pieces: cls(piece[:, 0] for piece in pieces),
            name=name,
            max_duration_s=max_duration_s,
            rate_hz=RATE_HZ,
            on_block=on_block,
            release=cls.close,
        )
        recording.source_rate_hz = facts.rate_hz
        recording.truncated, recording.downmix = facts.truncated, facts.downmix
        return recording

    @property
    def duration_s(self) -> float:
        return self.num_samples / RATE_HZ

    @property
    def gain_db(self) -> float:
        """From the source's samples to `TARGET_LUFS`."""
        return TARGET_LUFS - self.lufs if math.isfinite(self.lufs) else 0.0

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples from ``start`` up to ``stop`` or the end, at `TARGET_LUFS`; from any thread."""
        with self._reading:
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
