"""What is answered at which address."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated

import requests
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse

from drumline import __version__
from serve import failures, results
from serve.answers import FormatAnswer, ModelAnswer, ModelsAnswer, StatusAnswer, TranscriptionState
from serve.asked import ResultAsked, TranscriptionAsked
from serve.delivery import deliver
from serve.keys import who
from serve.openapi import BODY, RESULTS, SENDING, add_description, problem_responses, result_responses
from serve.origins import check_origin
from serve.pages import add_pages
from serve.problems import Problem
from serve.records import Job, State, new_id
from serve.uploads import receive

if TYPE_CHECKING:
    from serve.front import Front

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def build(front: "Front", lifespan: Lifespan) -> FastAPI:
    """The application of one replica."""
    app = FastAPI(
        title="drumline",
        version=__version__,
        summary="Audio in, drums out.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    failures.add_handlers(app)
    add_description(app)
    if front.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(front.settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type"],
            expose_headers=["Location", "Retry-After", "X-Drumline-Cache", "Content-Disposition"],
        )

    def owner(request: Request) -> str:
        check_origin(request.method, request.headers, front.settings.cors_origins)
        return who(front.keys, request.headers, request.scope.get("server"))

    Owner = Annotated[str, Depends(owner)]

    async def state_of(job_id: str, owner: Owner) -> State:
        state = await asyncio.to_thread(front.store.state, job_id)
        if state is None or state.job.owner != owner:
            raise Problem("not_found", "no such transcription, or it has expired")
        return state

    Known = Annotated[State, Depends(state_of)]

    @app.post(
        "/v1/transcriptions",
        operation_id="transcribe",
        status_code=200,
        tags=["transcriptions"],
        openapi_extra={"requestBody": BODY},
        responses={
            **result_responses(),
            202: {"model": TranscriptionState, "description": "With `async=true`: a job, which is being worked on."},
            **problem_responses(*SENDING, *RESULTS),
        },
    )
    async def transcribe(request: Request, owner: Owner, asked: Annotated[TranscriptionAsked, Query()]) -> Response:
        """Transcribe a recording: the body is the file, or a form with it in `file`.

        Answers with the result; with `async=true` at once with 202 and a job.
        """
        form = results.chosen(asked.format, request.headers.get("accept", ""))
        front.model.decoding(asked)  # what cannot be decoded is not listened to
        limits = front.settings.limits
        with front.desk.place(owner) as arrival:
            upload = await receive(
                request,
                front.incoming,
                arrival,
                name=asked.name,
                limits=limits,
                clock=front.clock,
                received=lambda num_bytes: front.desk.received(arrival, num_bytes),
            )
            now_s = time.time()
            job = Job(
                id=new_id(),
                owner=owner,
                name=upload.name,
                ending=upload.ending,
                sha256=upload.sha256,
                created_s=now_s,
                expires_s=now_s + front.settings.jobs.keep_s,
                max_duration_s=limits.max_duration_s
                if asked.is_async
                else min(limits.max_duration_s, limits.max_synchronous_s),
                wanted=asked.told(),
                is_async=asked.is_async,
            )
            try:
                await front.desk.accept(job, upload.path)
            finally:
                upload.path.unlink(missing_ok=True)
        place = {"Location": f"/v1/transcriptions/{job.id}"}
        if asked.is_async:
            waiting = TranscriptionState.of(State(job, None, None, None)).model_dump(exclude_none=True, by_alias=True)
            return failures.json_response(waiting, 202, {**place, "Retry-After": "1"})
        try:
            await front.desk.finished(job.id)
            state = await asyncio.to_thread(front.store.state, job.id)
            if state is None or state.outcome is None:
                raise Problem("not_found", "the transcription was cancelled")
            if state.outcome.kind:
                await front.desk.remove(job.id)
            answer = await deliver(front, state, asked.wanted(), form, client=owner)
        except asyncio.CancelledError:
            front.desk.forget(job.id)
            raise
        answer.headers.update(place)
        return answer

    @app.get(
        "/v1/transcriptions/{job_id}",
        operation_id="get_transcription",
        response_model_exclude_none=True,
        tags=["transcriptions"],
        responses=problem_responses("not_found"),
    )
    async def tell(state: Known) -> TranscriptionState:
        """How a transcription stands: `waiting`, `running` with its progress, `done`, or `failed` with the problem."""
        return TranscriptionState.of(state)

    @app.get(
        "/v1/transcriptions/{job_id}/result",
        operation_id="get_result",
        tags=["transcriptions"],
        responses={**result_responses(), **problem_responses("not_found", *RESULTS)},
    )
    async def result(request: Request, state: Known, asked: Annotated[ResultAsked, Query()]) -> Response:
        """The result, in any format, decoded again as is asked: no network runs."""
        form = results.chosen(asked.format, request.headers.get("accept", ""))
        return await deliver(front, state, asked.wanted(), form, client=state.job.owner)

    @app.delete(
        "/v1/transcriptions/{job_id}",
        operation_id="delete_transcription",
        status_code=204,
        tags=["transcriptions"],
        responses=problem_responses("not_found"),
    )
    async def cancel(state: Known) -> None:
        """Stop a transcription, and forget its recording and its result."""
        await front.desk.remove(state.job.id)

    @app.get("/v1/models", operation_id="get_models", tags=["about"])
    async def models(owner: Owner) -> ModelsAnswer:
        """Which model answers, with what."""
        package = front.model.package
        model = ModelAnswer(
            name=package.name,
            version=package.version,
            precision=front.model.precision,
            classes=tuple(package.classes),
            preset=package.preset,
            presets=front.model.presets,
            default=True,
        )
        formats = tuple(map(FormatAnswer.of, results.ALL))
        return ModelsAnswer(models=(model,), formats=formats, limits=front.settings.limits, drumline=__version__)

    @app.get("/healthz", operation_id="get_health", tags=["about"])
    async def healthz() -> StatusAnswer:
        """Whether this process answers."""
        return StatusAnswer(status="ok")

    @app.get("/readyz", operation_id="get_readiness", tags=["about"])
    async def readyz() -> StatusAnswer:
        """Whether the model is loaded."""
        if not front.ready:
            raise Problem("not_ready", "no replica with the model has answered yet", {"Retry-After": "2"})
        return StatusAnswer(status="ready")

    @app.get("/metrics", operation_id="get_metrics", response_class=PlainTextResponse, tags=["about"])
    async def metrics(owner: Owner) -> Response:
        """What Prometheus wants of this node."""
        place = f"http://127.0.0.1:{front.metrics_port()}/metrics"
        told = await asyncio.to_thread(requests.get, place, timeout=5)
        # Ray tells of all its own doings, in half a megabyte.
        lines = [line for line in told.text.splitlines() if "ray_serve_" in line or "ray_drumline_" in line]
        return Response("\n".join([*lines, ""]), media_type="text/plain; version=0.0.4; charset=utf-8")

    add_pages(app)
    return app
