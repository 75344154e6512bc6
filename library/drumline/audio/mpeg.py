"""MPEG audio: tags around it, frame headers, and the stated number of frames.

ID3v2 stands before the audio (id3.org), ID3v1 and APEv2 after it. A Xing, Info or VBRI header in the first frame holds
the number of frames; where there is none (any encoder that writes into a pipe), a length can only be estimated.
"""

import re
from typing import Final

from drumline.audio.source_file import SourceFile

_ID3V1_BYTES: Final = 128
_APE_BYTES: Final = 32
_MAX_TAGS: Final = 16
_SYNC: Final = re.compile(rb"\xff[\xe2-\xff]", re.DOTALL)
_ENCODERS: Final = (b"LAM", b"Lav", b"GOG")
_COUNT_WITHIN: Final = 44  # bytes of a frame: 4 of header, 2 of checksum, 32 of side information, the name
_KBPS: Final = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def untagged(file: SourceFile) -> SourceFile:
    """The file without the tags before and after it."""
    start, stop = 0, file.num_bytes
    for _ in range(_MAX_TAGS):
        head = file.read_at(start, 10)
        if head[:3] != b"ID3" or len(head) < 10 or any(byte & 0x80 for byte in head[6:]):
            break
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        start = min(stop, start + 10 + size + (10 if head[5] & 0x10 else 0))
    for _ in range(_MAX_TAGS):
        if file.read_at(max(start, stop - _ID3V1_BYTES), 3) == b"TAG" and stop - _ID3V1_BYTES > start:
            stop -= _ID3V1_BYTES
            continue
        footer = file.read_at(max(start, stop - _APE_BYTES), _APE_BYTES)
        if not footer.startswith(b"APETAGEX") or len(footer) < _APE_BYTES:
            break
        size = int.from_bytes(footer[12:16], "little") + (_APE_BYTES if footer[23] & 0x80 else 0)
        if not _APE_BYTES <= size < stop - start:
            break
        stop -= size
    return file.part(start, stop)


def frame_bytes(head: bytes) -> int:
    """The length of the frame of MPEG audio that begins with these four bytes; 0 where none does, or it is free."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate, kbps = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 4 or rate == 3 or kbps in (0, 15):
        return 0
    padding, bits_per_s = head[2] >> 1 & 1, 1000 * _KBPS[1 if version == 3 else 2, layer][kbps]
    rate_hz = _RATES_HZ[version][rate]
    if layer == 1:
        return (12 * bits_per_s // rate_hz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits_per_s // rate_hz + padding


def first_frame(data: bytes) -> int:
    """Where the first of two frames of a kind begins, -1 where none does: what precedes it is junk."""
    for found in _SYNC.finditer(data):
        start = found.start()
        head = data[start : start + 4]
        if length := frame_bytes(head):
            following = data[start + length : start + length + 4]
            if frame_bytes(following) and following[1] == head[1] and (following[2] ^ head[2]) & 0x0C == 0:
                return start
    return -1


def stated_s(data: bytes) -> float | None:
    """The duration by the count of frames in a file's first frame; None where it has none, or is of another kind.

    One frame less than counted: some encoders count the one with the count, which is silent.
    """
    start = first_frame(data)
    if start < 0:
        return None
    version, rate = data[start + 1] >> 3 & 3, data[start + 2] >> 2 & 3
    samples_of_frame, rate_hz = 1152 if version == 3 else 576, _RATES_HZ[version][rate]
    head = data[start : start + _COUNT_WITHIN]
    if (position := head.find(b"VBRI")) >= 0:
        count, silent = _number(data, start + position + 14), 0
    elif (position := max(head.find(b"Xing"), head.find(b"Info"))) >= 0 and data[start + position + 7] & 1:
        count, silent = _number(data, start + position + 8), _padding(data, start + position)
    else:
        return None
    return max(0, (count - 1) * samples_of_frame - silent) / rate_hz


def _padding(data: bytes, position: int) -> int:
    """Samples that the encoder added at both ends, as LAME writes them behind a Xing header."""
    flags = data[position + 7]
    extension = position + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    if data[extension : extension + 3] not in _ENCODERS:
        return 0
    both = int.from_bytes(data[extension + 21 : extension + 24], "big")
    return (both >> 12) + (both & 0xFFF)


def _number(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


def is_adts(data: bytes) -> bool:
    """Whether AAC in ADTS begins here: a frame, and another behind it."""
    length = _adts_bytes(data)
    return length > 0 and _adts_bytes(data[length : length + 7]) > 0


def _adts_bytes(head: bytes) -> int:
    """The length of the frame of ADTS that begins with these seven bytes; 0 where none does."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5


def lacks_bytes(packet: bytes) -> bool:
    """Whether a packet is the beginning of a frame whose end is not there: MPEG audio, or AAC in ADTS."""
    return len(packet) < max(_adts_bytes(packet), frame_bytes(packet[:4]))
