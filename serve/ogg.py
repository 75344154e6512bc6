"""Whether an Ogg stream is whole: it promises no length, and libsndfile takes what is left of one for all there is.

A dataset finds that out from the chart (`audio_truncated`); somebody who sends a song should be told. Pages: RFC 3533.
"""

from typing import BinaryIO, Final

_HEADER_BYTES: Final = 27
"""Of a page, the last of them the number of its segments."""
_LONGEST_PAGE_BYTES: Final = 65_307


def breaks_off(file: BinaryIO) -> bool:
    """Whether a file is Ogg and ends within a page; false where something else follows the stream. Moves its place."""
    file.seek(0)
    if file.read(4) != b"OggS":
        return False
    num_bytes = file.seek(0, 2)
    file.seek(max(0, num_bytes - _LONGEST_PAGE_BYTES))
    tail = file.read()
    if (place := tail.rfind(b"OggS\0")) < 0:
        return False
    header = tail[place : place + _HEADER_BYTES]
    if len(header) < _HEADER_BYTES:
        return True
    num_segments = header[-1]
    sizes = tail[place + _HEADER_BYTES :][:num_segments]
    return len(tail) < place + _HEADER_BYTES + num_segments + sum(sizes)
