"""Output formats of results: those of `drumline transcribe`, chosen by name or by ``Accept``."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from drumline.core.errors import ConfigError
from drumline.transcription.formats.registry import FORMATS, Format, named
from serve.errors import Problem
from serve.file_names import safe_name

FOLDER: Final = Format("folder", ".zip", "application/zip", "Clone Hero and YARG, a song folder with the audio", "")
"""Song folder as a ZIP archive."""
ALL: Final = (named("json"), *(each for each in FORMATS if each.name != "json"), FOLDER)
"""All output formats, JSON first: it is the default of ``Accept: */*``."""


def negotiate_format(name: str, accept: str) -> Format:
    """Choose the output format of a request (RFC 9110).

    Parameters
    ----------
    name
        Name of a format; takes precedence over `accept`.
    accept
        Value of the ``Accept`` header; empty for any format.

    Raises
    ------
    Problem
        ``not_acceptable``: there is no such format.
    """
    if name == FOLDER.name:
        return FOLDER
    if name:
        try:
            return named(name)
        except ConfigError as error:
            raise Problem("not_acceptable", f"{error}, {FOLDER.name}") from error
    for media_range in _media_ranges(accept or "*/*"):
        for form in ALL:
            if media_range in ("*/*", form.media_type, f"{form.media_type.split('/')[0]}/*"):
                return form
    available = ", ".join(form.media_type for form in ALL)
    raise Problem("not_acceptable", f"Accept: {accept[:200]}; available: {available}")


def download_headers(form: Format, name: str) -> dict[str, str]:
    """Response headers of a file download.

    Parameters
    ----------
    form
        Output format, which gives the file extension.
    name
        File name of the recording, which gives the stem.
    """
    stem = name.rpartition(".")[0] or name
    saved = safe_name(f"{stem}.{form.ending.removeprefix('.')}", default=f"song{form.ending}")
    ascii_only = saved.encode("ascii", "replace").decode().replace("?", "_")
    return {
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f"attachment; filename=\"{ascii_only}\"; filename*=UTF-8''{quote(saved, safe='')}",
    }


def _media_ranges(accept: str) -> Sequence[str]:
    """Media ranges in order of preference, without those of q=0."""
    ranges = []
    for index, part in enumerate(accept.split(",")):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            quality = float(weight)
        except ValueError:
            quality = 0.0
        if quality > 0 and media:
            ranges.append((-quality, media == "*/*", index, media))
    return [media for *_, media in sorted(ranges)]
