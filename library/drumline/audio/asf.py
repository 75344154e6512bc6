"""How many bytes a WMA file states it has (ASF specification, 3.2: File Properties Object)."""

from typing import Final

_FILE_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BROADCAST: Final = 1  # written into a pipe: sizes and durations mean nothing


def is_cut(head: bytes, num_bytes: int) -> bool:
    """Whether a file of ``num_bytes`` that begins with ``head`` is shorter than its header states."""
    position = head.find(_FILE_PROPERTIES)
    if position < 0 or len(head) < position + 92:
        return False
    stated, flags = (
        int.from_bytes(head[position + at : position + at + size], "little") for at, size in ((40, 8), (88, 4))
    )
    return not flags & _BROADCAST and num_bytes < stated
