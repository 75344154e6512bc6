"""Tags of an audio file: title, artist, album and the picture of the sleeve."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from drumline.charts.annotated_song import Metadata

_PICTURES: Final = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}
"""First bytes of a picture -> suffix. Other pictures are left out."""
_MAX_PICTURE_BYTES: Final = 16 << 20
_YEAR: Final = re.compile(r"\d{4}")
_MAX_CHARACTERS: Final = 200


@dataclass(frozen=True)
class Tags:
    """Tags of an audio file; empty where it has none."""

    metadata: Metadata = field(default_factory=Metadata)
    track: str = ""
    """Number of the track on its album."""
    picture: bytes = b""
    """Encoded picture of the sleeve; empty if there is none, or one of another kind or size."""

    @property
    def picture_suffix(self) -> str:
        """``.jpg`` or ``.png``; empty without a picture."""
        return _suffix(self.picture)


def read_tags(path: Path) -> Tags:
    """Read the tags of an audio file. A file that cannot be read, or has none, gives empty tags."""
    import av

    from drumline.audio.ffmpeg import FORMATS  # loads 60 MB of libraries in 0.1 s

    try:
        with av.open(str(path), metadata_errors="replace", options={"format_whitelist": FORMATS}) as container:
            words = {key.lower(): value for key, value in container.metadata.items()}
            for audio in container.streams.audio[:1]:  # Ogg has them there
                words = {key.lower(): value for key, value in audio.metadata.items()} | words
            picture = b""
            for stream in container.streams.video:
                if stream.disposition & av.stream.Disposition.attached_pic:
                    picture = next((bytes(packet) for packet in container.demux(stream) if packet.size), b"")
                    break
    except (av.FFmpegError, OSError):
        return Tags()
    year = _YEAR.search(words.get("date", "") or words.get("year", ""))
    named = {word: _one_line(words.get(word, "")) for word in ("title", "artist", "album", "genre")}
    return Tags(
        metadata=Metadata(**named, year=year.group() if year else ""),
        track=_one_line(words.get("track", "")).partition("/")[0],
        picture=picture if _suffix(picture) and len(picture) <= _MAX_PICTURE_BYTES else b"",
    )


def _suffix(picture: bytes) -> str:
    return next((suffix for magic, suffix in _PICTURES.items() if picture.startswith(magic)), "")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MAX_CHARACTERS]
