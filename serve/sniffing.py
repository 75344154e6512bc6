"""Whether an upload may be audio: by its first bytes, and by what its sender claims."""

from typing import Final

from drumline.audio.sniff import HEAD_BYTES, extension_of

__all__ = ["HEAD_BYTES", "TAKEN", "ending_of", "may_be_audio"]

TAKEN: Final = "WAV, FLAC, Ogg (Vorbis, Opus, FLAC), MP3, AAC (also in MP4), WMA, WebM, Matroska, AIFF and others"
"""For people."""

_TYPES: Final = (
    "audio/",
    "video/",
    "application/ogg",
    "application/mp4",
    "application/octet-stream",
    "multipart/form-data",
)


def may_be_audio(content_type: str) -> bool:
    """Whether a sender claims to send audio, or nothing at all."""
    return not content_type or content_type.lower().startswith(_TYPES)


def ending_of(head: bytes) -> str:
    """The usual file extension of audio that begins with these bytes; empty for anything else."""
    return extension_of(head)
