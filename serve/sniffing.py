"""What a file is, by its first bytes: what its sender calls it proves nothing."""

from typing import Final

HEAD_BYTES: Final = 16
"""So many are looked at."""

TAKEN: Final = "WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF"
"""For people."""

_TYPES: Final = ("audio/", "video/ogg", "application/ogg", "application/octet-stream", "multipart/form-data")


def may_be_audio(content_type: str) -> bool:
    """Whether a sender claims to send audio, or nothing at all."""
    return not content_type or content_type.lower().startswith(_TYPES)


def ending_of(head: bytes) -> str:
    """The usual file ending of audio that begins with these bytes, with its dot; empty for anything else."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return ".wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return ".aiff"
    if head[:4] == b"fLaC":
        return ".flac"
    if head[:4] == b"OggS":
        return ".ogg"
    # MPEG audio: a tag, or a frame's eleven sync bits with a layer and a bit rate that exist.
    if head[:3] == b"ID3":
        return ".mp3"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and head[2] & 0xF0 != 0xF0:
        return ".mp3"
    return ""
