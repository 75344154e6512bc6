"""What went wrong, as RFC 9457 wants it told: ``application/problem+json``, no path, no stack trace.

A kind is a word for programs; ``type`` is where `/docs` explains it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

MEDIA_TYPE: Final = "application/problem+json"

KINDS: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "bad_request": (400, "The request cannot be understood"),
        "key_required": (401, "An API key is needed"),
        "forbidden_host": (403, "This host name is not answered without keys"),
        "forbidden_origin": (403, "Requests sent by pages of other sites are refused"),
        "not_found": (404, "There is nothing here, or no longer"),
        "method_not_allowed": (405, "This cannot be done here"),
        "not_acceptable": (406, "No such format"),
        "upload_too_slow": (408, "The upload took too long"),
        "not_finished": (409, "The transcription is not finished"),
        "upload_too_large": (413, "The file is too large"),
        "not_audio": (415, "This is no audio that is read here"),
        "bad_parameter": (422, "A parameter has an impossible value"),
        "preset_unavailable": (422, "The model cannot be decoded this way"),
        "audio_undecodable": (422, "No decoder reads this audio"),
        "audio_truncated": (422, "The audio is cut off"),
        "audio_too_long": (422, "The recording is too long"),
        "audio_too_costly": (422, "The recording takes too long to listen to"),
        "too_long_to_wait": (422, "Too long to be answered at once: ask with async=true"),
        "worker_crashed": (422, "The recording ended its worker, in every attempt"),
        "busy": (429, "Too much to do at the moment"),
        "unexpected_error": (500, "An error that nobody foresaw"),
        "not_ready": (503, "The model is not loaded yet"),
        "replica_lost": (503, "The process that worked on the request has ended"),
        "storage_unavailable": (503, "What recordings are kept in is full or away at the moment"),
    }
)
"""Kind -> status and title."""


@dataclass
class Problem(Exception):
    """An answer other than the one that was hoped for."""

    kind: str
    """A key of `KINDS`."""
    detail: str
    """The value, the limit, the likely cause."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the answer."""

    def __post_init__(self) -> None:
        super().__init__(self.kind, self.detail)

    @property
    def status(self) -> int:
        return KINDS[self.kind][0]

    def tree(self) -> dict[str, Any]:
        """The body."""
        status, title = KINDS[self.kind]
        place = f"/docs#{self.kind}"
        return {"type": place, "kind": self.kind, "title": title, "status": status, "detail": self.detail}


def busy(detail: str, *, retry_after_s: float) -> Problem:
    """Too many are served already."""
    return Problem("busy", detail, {"Retry-After": str(max(1, round(retry_after_s)))})
