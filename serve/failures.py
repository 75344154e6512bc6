"""Everything that goes wrong, turned into a problem (`problems`), whoever noticed it."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from drumline.core.artifacts import STORAGE_ERRORS
from serve.problems import KINDS, MEDIA_TYPE, Problem
from serve.records import Job, Outcome
from serve.settings import Limits

log = logging.getLogger("drumline")

_OF_STATUS = {404: "not_found", 405: "method_not_allowed"}


def add_handlers(app: FastAPI) -> None:
    """No other shape of error leaves the application."""

    @app.exception_handler(Problem)
    async def told(_: Request, problem: Problem) -> Response:
        return problem_response(problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return problem_response(Problem("bad_parameter", "; ".join(_of_field(each) for each in error.errors())))

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        kind = _OF_STATUS.get(error.status_code, "bad_request" if error.status_code < 500 else "unexpected_error")
        return problem_response(Problem(kind, "see /docs", error.headers or {}))

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return problem_response(Problem("bad_request", "the upload was broken off"))

    async def unavailable(request: Request, error: Exception) -> Response:
        log.error("%s %s: storage failed (%s)", request.method, request.url.path, error or type(error).__name__)
        return problem_response(Problem("storage_unavailable", "come back in a while", {"Retry-After": "10"}))

    for storage_error in STORAGE_ERRORS:
        app.add_exception_handler(storage_error, unavailable)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("%s %s", request.method, request.url.path, exc_info=error)
        return problem_response(Problem("unexpected_error", "it was written down here; please report it"))


def of_outcome(outcome: Outcome, job: Job, limits: Limits) -> Problem:
    """What a job's owner is told where it failed."""
    if outcome.kind == "audio_too_long" and job.max_duration_s < limits.max_duration_s:
        return Problem("too_long_to_wait", outcome.detail)
    if outcome.kind not in KINDS:
        return Problem("audio_undecodable", outcome.detail)
    return Problem(outcome.kind, outcome.detail)


def problem_response(problem: Problem) -> Response:
    """The answer."""
    return json_response(problem.tree(), problem.status, problem.headers, media_type=MEDIA_TYPE)


def json_response(
    tree: Mapping[str, Any], status: int, headers: Mapping[str, str], *, media_type: str = "application/json"
) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(tree, ensure_ascii=False), status, dict(headers), media_type)


def _of_field(error: Mapping[str, Any]) -> str:
    """Without the value: it is the sender's own, and may be long."""
    return f"{'.'.join(str(part) for part in error['loc'][1:])}: {error['msg']}"
