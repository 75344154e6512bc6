"""Detection of audio uploads by their first bytes and their Content-Type."""

from typing import Final

from drumline.audio.sniff import HEAD_BYTES, extension_of

__all__ = ["HEAD_BYTES", "SUPPORTED_FORMATS", "ending_of", "may_be_audio"]

SUPPORTED_FORMATS: Final = (
    "WAV, FLAC, Ogg (Vorbis, Opus, FLAC), MP3, AAC (also in MP4), WMA, WebM, Matroska, AIFF and others"
)
"""Supported audio formats, for messages."""

_CONTENT_TYPES: Final = (
    "audio/",
    "video/",
    "application/ogg",
    "application/mp4",
    "application/octet-stream",
    "multipart/form-data",
)


def may_be_audio(content_type: str) -> bool:
    """Whether a Content-Type allows for audio; an empty one does."""
    return not content_type or content_type.lower().startswith(_CONTENT_TYPES)


def ending_of(head: bytes) -> str:
    """File extension of audio by its first bytes, such as ``.flac``; empty if it is no known audio format."""
    return extension_of(head)
