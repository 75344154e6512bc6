"""Exception handlers of the HTTP application: every error becomes a problem response (`errors`)."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from drumline.core.artifacts import STORAGE_ERRORS
from serve.errors import KINDS, MEDIA_TYPE, Problem
from serve.records import Job, Outcome
from serve.settings import Limits

log = logging.getLogger("drumline")

_KIND_OF_STATUS = {404: "not_found", 405: "method_not_allowed"}


def add_error_handlers(app: FastAPI) -> None:
    """Register handlers so that the application sends no other shape of error."""
    handlers = (
        (Problem, _on_problem),
        (RequestValidationError, _on_invalid_parameter),
        (HTTPException, _on_http_error),
        (ClientDisconnect, _on_disconnect),
        *((storage_error, _on_storage_error) for storage_error in STORAGE_ERRORS),
        (Exception, _on_unexpected_error),
    )
    for error, handler in handlers:
        app.add_exception_handler(error, handler)  # type: ignore[arg-type]  # each takes its own kind of error


async def _on_problem(_: Request, problem: Problem) -> Response:
    return problem_response(problem)


async def _on_invalid_parameter(_: Request, error: RequestValidationError) -> Response:
    return problem_response(Problem("bad_parameter", "; ".join(_field_error(detail) for detail in error.errors())))


async def _on_http_error(_: Request, error: HTTPException) -> Response:
    default = "bad_request" if error.status_code < 500 else "unexpected_error"
    kind = _KIND_OF_STATUS.get(error.status_code, default)
    return problem_response(Problem(kind, "the API is described at /docs", error.headers or {}))


async def _on_disconnect(_: Request, __: ClientDisconnect) -> Response:
    return problem_response(Problem("bad_request", "the connection closed during the upload"))


async def _on_storage_error(request: Request, error: Exception) -> Response:
    log.error("%s %s: storage failed (%s)", request.method, request.url.path, error or type(error).__name__)
    return problem_response(Problem("storage_unavailable", "try again in 10 s", {"Retry-After": "10"}))


async def _on_unexpected_error(request: Request, error: Exception) -> Response:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return problem_response(Problem("unexpected_error", "the error is in the server's log; please report it"))


def outcome_problem(outcome: Outcome, job: Job, limits: Limits) -> Problem:
    """Error that the owner of a failed job receives."""
    if outcome.kind == "audio_too_long" and job.max_duration_s < limits.max_duration_s:
        return Problem("too_long_to_wait", outcome.detail)
    if outcome.kind not in KINDS:
        return Problem("audio_undecodable", outcome.detail)
    return Problem(outcome.kind, outcome.detail)


def problem_response(problem: Problem) -> Response:
    """HTTP response of an error."""
    return json_response(problem.to_json(), problem.status, problem.headers, media_type=MEDIA_TYPE)


def json_response(
    tree: Mapping[str, Any], status: int, headers: Mapping[str, str], *, media_type: str = "application/json"
) -> Response:
    """HTTP response with a JSON body."""
    return Response(json.dumps(tree, ensure_ascii=False), status, dict(headers), media_type)


def _field_error(error: Mapping[str, Any]) -> str:
    """Name a parameter and its error, without the value, which is the client's and may be long."""
    return f"{'.'.join(str(part) for part in error['loc'][1:])}: {error['msg']}"
