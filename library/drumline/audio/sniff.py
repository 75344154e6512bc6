"""Format of an encoded file by its first bytes: its name proves nothing."""

from typing import Final

from drumline.audio import mpeg

HEAD_BYTES: Final = 1 << 16
"""So many bytes are enough: MPEG audio may begin with zeros or junk."""

_MAGIC: Final = (
    (0, b"fLaC", ".flac"),
    (0, b"OggS", ".ogg"),
    (0, b"\x1aE\xdf\xa3", ".mka"),
    (0, b"0&\xb2u\x8ef\xcf\x11", ".wma"),
    (0, b"wvpk", ".wv"),
    (0, b"MAC ", ".ape"),
    (0, b"TTA1", ".tta"),
    (0, b"tBaK", ".tak"),
    (0, b"caff", ".caf"),
    (0, b"riff.\x91\xcf\x11", ".w64"),
    (0, b".snd", ".au"),
    (0, b"DSD ", ".dsf"),
    (0, b"FRM8", ".dff"),
    (0, b"#!AMR", ".amr"),
    (0, b"MPCK", ".mpc"),
    (0, b"MP+", ".mpc"),
    (0, b"\x0bw", ".ac3"),
    (0, b"\x7f\xfe\x80\x01", ".dts"),
    (0, b"ID3", ".mp3"),
    (4, b"ftypM4", ".m4a"),
    (4, b"ftyp", ".mp4"),
    (4, b"moov", ".mp4"),
    (4, b"mdat", ".mp4"),
)
_CHUNKED: Final = {
    (b"RIFF", b"WAVE"): ".wav",
    (b"RF64", b"WAVE"): ".wav",
    (b"BW64", b"WAVE"): ".wav",
    (b"FORM", b"AIFF"): ".aiff",
    (b"FORM", b"AIFC"): ".aiff",
}


def extension_of(head: bytes) -> str:
    """The usual file extension of audio that begins with these bytes, with its dot; empty for anything else.

    Parameters
    ----------
    head : bytes
        The first `HEAD_BYTES` of a file, or all of a shorter one.
    """
    if found := _CHUNKED.get((head[:4], head[8:12])):
        return found
    for offset, magic, extension in _MAGIC:
        if head.startswith(magic, offset):
            return ".webm" if extension == ".mka" and b"webm" in head[:64] else extension
    if head[:1] == b"\xff" and mpeg.is_adts(head):
        return ".aac"
    return ".mp3" if mpeg.first_frame(head) >= 0 else ""
