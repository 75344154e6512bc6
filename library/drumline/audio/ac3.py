"""Frame lengths of AC-3 and Enhanced AC-3 (ATSC A/52)."""

from typing import Final

_SYNC: Final = b"\x0b\x77"
_KBPS: Final = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_MAX_AC3_BSID: Final = 10
_HEAD_BYTES: Final = 6


def _frame_bytes(head: bytes) -> int:
    """Length in bytes of the frame that begins with these six bytes; 0 if none does."""
    if len(head) < _HEAD_BYTES or head[:2] != _SYNC:
        return 0
    if head[5] >> 3 > _MAX_AC3_BSID:  # Enhanced AC-3 states 16-bit words
        return 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    rate, code = head[4] >> 6, head[4] & 0x3F
    if rate == 3 or code >> 1 >= len(_KBPS):
        return 0
    kbps = _KBPS[code >> 1]
    return (4 * kbps, 2 * (kbps * 320 // 147 + (code & 1)), 6 * kbps)[rate]


def lacks_bytes(packet: bytes) -> bool:
    """Whether a packet is the beginning of a frame whose end is missing."""
    return len(packet) < _frame_bytes(packet)
