"""OpenAPI description of the endpoint: FastAPI's, completed with errors, keys and request bodies."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI

from serve import result_formats
from serve.errors import KINDS, MEDIA_TYPE
from serve.responses import ProblemDetails

_PROBLEM: Final = ProblemDetails.__name__
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
}
_UNPROTECTED: Final = ("/healthz", "/readyz")
RECORDING_PROBLEMS: Final = (
    "bad_request", "upload_too_slow", "upload_too_large", "not_audio", "audio_undecodable",
    "audio_too_long", "audio_too_costly", "too_long_to_wait", "worker_crashed", "busy",
)  # fmt: skip
"""Error kinds of an uploaded recording."""
RESULT_PROBLEMS: Final = ("not_acceptable", "bad_parameter", "preset_unavailable", "not_finished", "not_found")
"""Error kinds of a result."""

_BINARY: Final = {"type": "string", "format": "binary"}

RECORDING_BODY: Final[Mapping[str, Any]] = {
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
"""Request body with a recording, as a form or as the file itself."""


def result_responses() -> dict[int | str, dict[str, Any]]:
    """Describe a successful response with a result in any format."""
    content = {form.media_type: {"schema": _BINARY} for form in result_formats.ALL}
    content["application/json"] = {"schema": {"type": "object", "title": "TranscriptionResult"}}
    headers = {
        "Content-Disposition": _header("File name of the result."),
        "X-Drumline-Cache": _header("`hit` if the recording had been processed before."),
    }
    description = "The transcription, in the requested format."
    return {200: {"description": description, "content": content, "headers": headers}}


def problem_responses(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Describe the error responses of an operation, by HTTP status."""
    kinds_by_status: dict[int | str, list[str]] = {}
    for kind in kinds:
        kinds_by_status.setdefault(KINDS[kind][0], []).append(kind)
    return {status: _problem(names) for status, names in kinds_by_status.items()}


def add_description(app: FastAPI) -> None:
    """Extend ``app.openapi()`` with security schemes and error responses."""
    fastapi_description = app.openapi

    def complete_description() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        tree = fastapi_description()
        components = tree.setdefault("components", {})
        components["securitySchemes"] = _SECURITY
        schemas = components.setdefault("schemas", {})
        schemas[_PROBLEM] = ProblemDetails.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path, operations in tree["paths"].items():
            for operation in operations.values():
                _complete(operation, protected=path not in _UNPROTECTED)
        app.openapi_schema = tree
        return tree

    app.openapi = complete_description  # type: ignore[method-assign]


def _complete(operation: dict[str, Any], *, protected: bool) -> None:
    responses = operation["responses"]
    for status, response in list(responses.items()):
        if "HTTPValidationError" in str(response):
            del responses[status]
    common = ["unexpected_error", "not_ready", "replica_lost"]
    if protected:
        # Without keys only loopback is served, and no security scheme is needed.
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
