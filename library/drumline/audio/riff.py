"""How long a WAV file states its samples are.

The size of the RIFF chunk is not used: writers that count it four bytes off are common, and no player minds. The size
of the ``data`` chunk is, where the writer knew it: into a pipe sox writes 0x7FFFF000, arecord about 2 GiB, FFmpeg
0xFFFFFFFF, and a recorder that lost power leaves 0. RF64 (EBU Tech 3306) keeps the size in its ``ds64`` chunk.
"""

from dataclasses import dataclass
from typing import Final

from drumline.audio.source_file import SourceFile

_FORMS: Final = (b"RIFF", b"RF64", b"BW64")
_UNKNOWN: Final = (range(0, 1), range(0x7FFF_0000, 0x8000_0001), range(0xFFFF_0000, 0x1_0000_0000))
_MAX_CHUNKS: Final = 1000


@dataclass(frozen=True)
class WavData:
    """The ``data`` chunk of a WAV file."""

    duration_s: float | None
    """As the header states it; None where the writer did not know."""
    missing_s: float
    """Part of that duration that the file does not hold [s]."""


def is_wav(head: bytes) -> bool:
    """Whether a file begins so."""
    return head[:4] in _FORMS and head[8:12] == b"WAVE"


def data_of(file: SourceFile) -> WavData | None:
    """The first ``data`` chunk; None where there is none."""
    position, bytes_per_s, size_64 = 12, 0, 0
    for _ in range(_MAX_CHUNKS):
        head = file.read_at(position, 28)
        if len(head) < 8:
            return None
        name, size, body = head[:4], int.from_bytes(head[4:8], "little"), head[8:]
        position += 8
        if name == b"ds64":
            size_64 = int.from_bytes(body[8:16], "little")
        elif name == b"fmt ":
            bytes_per_s = int.from_bytes(body[8:12], "little")
        elif name == b"data":
            return _data(size, size_64, file.num_bytes - position, bytes_per_s)
        position += size + size % 2
    return None


def _data(size: int, size_64: int, num_bytes: int, bytes_per_s: int) -> WavData:
    if size == 0xFFFF_FFFF and size_64:
        size = size_64
    unknown = (any(size in sizes for sizes in _UNKNOWN) and size > num_bytes) or not size
    if unknown or not bytes_per_s:
        return WavData(None, 0.0)
    return WavData(size / bytes_per_s, max(0, size - num_bytes) / bytes_per_s)
