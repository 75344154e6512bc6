"""Error responses (RFC 9457, ``application/problem+json``): no file path, no stack trace.

A kind is an error code for programs; ``type`` is the URL of its documentation on ``/docs``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

MEDIA_TYPE: Final = "application/problem+json"

KINDS: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "bad_request": (400, "Malformed request"),
        "key_required": (401, "An API key is required"),
        "forbidden_host": (403, "Without API keys only localhost is served"),
        "forbidden_origin": (403, "Cross-site request refused"),
        "not_found": (404, "Not found, or expired"),
        "method_not_allowed": (405, "Method not allowed"),
        "not_acceptable": (406, "Unsupported output format"),
        "upload_too_slow": (408, "The upload timed out"),
        "not_finished": (409, "The transcription is not finished"),
        "edit_conflict": (409, "Somebody else has saved this transcription meanwhile"),
        "upload_too_large": (413, "The file is too large"),
        "not_audio": (415, "Unsupported audio format"),
        "bad_parameter": (422, "Invalid parameter value"),
        "preset_unavailable": (422, "The model does not support this decoding preset"),
        "audio_undecodable": (422, "The audio cannot be decoded"),
        "audio_too_long": (422, "The recording is too long"),
        "audio_too_costly": (422, "Processing the recording takes too long"),
        "too_long_to_wait": (422, "Too long for a synchronous request: use async=true"),
        "worker_crashed": (422, "The worker crashed on this recording in every attempt"),
        "busy": (429, "Server busy"),
        "unexpected_error": (500, "Unexpected server error"),
        "not_ready": (503, "The model is not loaded yet"),
        "replica_lost": (503, "The server process that handled the request has ended"),
        "storage_unavailable": (503, "The job storage is full or unavailable"),
    }
)
"""HTTP status and title by error kind."""


@dataclass
class Problem(Exception):
    """An error that is sent to the client."""

    kind: str
    """Error kind, a key of `KINDS`."""
    detail: str
    """The value, the limit, the likely cause and what to do."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Additional HTTP headers of the response."""

    def __post_init__(self) -> None:
        super().__init__(self.kind, self.detail)

    @property
    def status(self) -> int:
        """HTTP status of the response."""
        return KINDS[self.kind][0]

    def to_json(self) -> dict[str, Any]:
        """Response body as a JSON object."""
        status, title = KINDS[self.kind]
        url = f"/docs#{self.kind}"
        return {"type": url, "kind": self.kind, "title": title, "status": status, "detail": self.detail}


def busy(detail: str, *, retry_after_s: float) -> Problem:
    """Build the error for an exhausted limit.

    Parameters
    ----------
    detail
        The limit that is reached.
    retry_after_s
        Suggested delay before the next attempt [s].

    Returns
    -------
    Problem
        Kind ``busy`` (429) with a ``Retry-After`` header.
    """
    delay_s = max(1, round(retry_after_s))
    return Problem("busy", f"{detail}; try again in {delay_s} s", {"Retry-After": str(delay_s)})
