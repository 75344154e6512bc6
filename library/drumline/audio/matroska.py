"""Whether a Matroska or WebM file ends within an element (RFC 8794, RFC 9559).

A browser that records states neither a duration nor the size of its segment and clusters, so a cut shows in the
structure alone: elements are passed over by their sizes, and those of unknown size are walked through.
"""

from typing import Final

from drumline.audio.source_file import SourceFile

_SEGMENT: Final = 0x1853_8067
_CLUSTER: Final = 0x1F43_B675
_HEAD_BYTES: Final = 12  # an identifier of up to four bytes, a size of up to eight


def is_cut(file: SourceFile) -> bool:
    """Whether the last element lies partly behind the end of the file. Reads the headers of elements alone."""
    position = 0
    while position < file.num_bytes:
        head = file.read_at(position, _HEAD_BYTES)
        id_bytes = _length(head[0], 4)
        size_bytes = _length(head[id_bytes], 8) if 0 < id_bytes < len(head) else 0
        if not size_bytes or id_bytes + size_bytes > len(head):
            return bool(id_bytes) and len(head) < _HEAD_BYTES
        element = int.from_bytes(head[:id_bytes], "big")
        value = int.from_bytes(head[id_bytes : id_bytes + size_bytes], "big")
        unknown = (1 << 7 * size_bytes) - 1
        size = value & unknown
        position += id_bytes + size_bytes
        within = size != unknown and position + size <= file.num_bytes
        if element not in (_SEGMENT, _CLUSTER) or (element == _CLUSTER and within):
            if size == unknown:
                return False  # no element that may be of unknown size: damage, or something new
            position += size
    return position > file.num_bytes


def _length(first: int, most: int) -> int:
    """Bytes of a number by the leading zeros of its first byte; 0 where that is none."""
    length = 9 - first.bit_length()
    return length if length <= most else 0
