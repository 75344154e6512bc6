"""The description of the API for programs: what FastAPI finds out by itself, and what only we know."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI

from serve import results
from serve.answers import ProblemAnswer
from serve.problems import KINDS, MEDIA_TYPE

_PROBLEM: Final = "ProblemAnswer"
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
}
_UNPROTECTED: Final = ("/healthz", "/readyz")
SENDING: Final = (
    "bad_request", "upload_too_slow", "upload_too_large", "not_audio", "audio_undecodable",
    "audio_too_long", "audio_too_costly", "too_long_to_wait", "worker_crashed", "busy",
)  # fmt: skip
"""Kinds of problems with a recording."""
RESULTS: Final = ("not_acceptable", "bad_parameter", "preset_unavailable", "not_finished", "not_found")
"""Kinds of problems with a result."""

_BINARY: Final = {"type": "string", "format": "binary"}

BODY: Final[Mapping[str, Any]] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "title": "RecordingForm",
                "properties": {"file": {**_BINARY, "description": "The recording."}},
                "required": ["file"],
            }
        },
        "application/octet-stream": {"schema": _BINARY},
        "audio/*": {"schema": _BINARY},
    },
}
"""A recording, as a form or by itself."""


def result_responses() -> dict[int | str, dict[str, Any]]:
    """A result in one of the formats."""
    content = {each.media_type: {"schema": _BINARY} for each in results.ALL}
    content["application/json"] = {"schema": {"type": "object", "title": "TranscriptionResult"}}
    headers = {
        "Content-Disposition": _header("The name of the file."),
        "X-Drumline-Cache": _header("`hit` where the recording had been processed before."),
    }
    description = "The transcription, in the format that was asked for."
    return {200: {"description": description, "content": content, "headers": headers}}


def problem_responses(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Problems that an operation can answer with, by status."""
    found: dict[int | str, list[str]] = {}
    for kind in kinds:
        found.setdefault(KINDS[kind][0], []).append(kind)
    return {status: _problem(names) for status, names in found.items()}


def add_description(app: FastAPI) -> None:
    """Complete what ``app.openapi()`` gives."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        tree = plain()
        components = tree.setdefault("components", {})
        components["securitySchemes"] = _SECURITY
        schemas = components.setdefault("schemas", {})
        schemas[_PROBLEM] = ProblemAnswer.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path, operations in tree["paths"].items():
            for operation in operations.values():
                _complete(operation, protected=path not in _UNPROTECTED)
        app.openapi_schema = tree
        return tree

    app.openapi = described  # type: ignore[method-assign]


def _complete(operation: dict[str, Any], *, protected: bool) -> None:
    responses = operation["responses"]
    for status, response in list(responses.items()):
        if "HTTPValidationError" in str(response):
            del responses[status]
    common = ["unexpected_error", "not_ready", "replica_lost"]
    if protected:
        # Without keys this machine itself is answered: then no scheme is needed.
        operation["security"] = [{"bearer": []}, {"header": []}, {}]
        common += ["key_required", "forbidden_host", "forbidden_origin", "storage_unavailable", "busy"]
    if operation.get("parameters"):
        common.append("bad_parameter")
    for status, response in problem_responses(*common).items():
        responses.setdefault(str(status), response)
    operation["responses"] = dict(sorted(responses.items()))


def _problem(kinds: Sequence[str]) -> dict[str, Any]:
    titles = "; ".join(f"`{kind}`: {KINDS[kind][1]}" for kind in kinds)
    reference = {"$ref": f"#/components/schemas/{_PROBLEM}"}
    return {"description": titles, "content": {MEDIA_TYPE: {"schema": reference}}}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}
