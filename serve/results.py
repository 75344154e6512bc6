"""How a result is written: the formats of `drumline transcribe`, chosen by name or by ``Accept``."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from drumline.core.errors import ConfigError
from drumline.transcription.formats.registry import FORMATS, Format, named
from serve.file_names import safe_name
from serve.problems import Problem

FOLDER: Final = Format("folder", ".zip", "application/zip", "Clone Hero and YARG, a song folder with the audio", "")
"""Zipped."""
ALL: Final = (named("json"), *(each for each in FORMATS if each.name != "json"), FOLDER)
"""What there is, JSON first: it is taken where anything will do."""


def chosen(name: str, accept: str) -> Format:
    """What a request asks for: by name, else by its ``Accept`` (RFC 9110). Raises Problem where there is no such."""
    if name == FOLDER.name:
        return FOLDER
    if name:
        try:
            return named(name)
        except ConfigError as error:
            raise Problem("not_acceptable", f"{error}, {FOLDER.name}") from error
    for wanted in _ranges(accept or "*/*"):
        for each in ALL:
            if wanted in ("*/*", each.media_type, f"{each.media_type.split('/')[0]}/*"):
                return each
    raise Problem("not_acceptable", f"Accept: {accept[:200]}; there are {', '.join(each.media_type for each in ALL)}")


def headers(each: Format, name: str) -> dict[str, str]:
    """Of an answer in this format: what the file is called when it is saved."""
    stem = name.rpartition(".")[0] or name
    saved = safe_name(f"{stem}.{each.ending.removeprefix('.')}", default=f"song{each.ending}")
    ascii_only = saved.encode("ascii", "replace").decode().replace("?", "_")
    told = {"Vary": "Accept", "X-Content-Type-Options": "nosniff"}
    return told | {
        "Content-Disposition": f"attachment; filename=\"{ascii_only}\"; filename*=UTF-8''{quote(saved, safe='')}"
    }


def _ranges(accept: str) -> Sequence[str]:
    """Media ranges, the most wanted first; those with q=0 are left out."""
    found = []
    for number, part in enumerate(accept.split(",")):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            quality = float(weight)
        except ValueError:
            quality = 0.0
        if quality > 0 and media:
            found.append((-quality, media == "*/*", number, media))
    return [media for *_, media in sorted(found)]
