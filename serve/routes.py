"""What is answered at which address."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any

import requests
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import StreamingResponse

from drumline import __version__
from drumline.core.errors import AudioError
from drumline.transcription.formats.registry import Format
from drumline.transcription.result import Transcription
from serve import failures, results
from serve.asked import ResultAsked, TranscriptionAsked, Wanted
from serve.folders import blocks, length_of
from serve.keys import who
from serve.origins import check_origin
from serve.pages import add_pages
from serve.problems import Problem
from serve.records import Job, State, new_id
from serve.uploads import receive

if TYPE_CHECKING:
    from serve.front import Front

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        },
        "audio/*": {"schema": {"type": "string", "format": "binary"}},
    },
}


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

    @app.post("/v1/transcriptions", status_code=200, openapi_extra={"requestBody": _BODY}, tags=["transcriptions"])
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
            return failures.json_response(_told(State(job, None, None, None)), 202, {**place, "Retry-After": "1"})
        try:
            await front.desk.finished(job.id)
            state = await asyncio.to_thread(front.store.state, job.id)
            if state is None or state.outcome is None:
                raise Problem("not_found", "the transcription was cancelled")
            if state.outcome.kind:
                await front.desk.remove(job.id)
            answer = await _result(front, state, asked.wanted(), form, client=owner)
        except asyncio.CancelledError:
            front.desk.forget(job.id)
            raise
        answer.headers.update(place)
        return answer

    @app.get("/v1/transcriptions/{job_id}", tags=["transcriptions"])
    async def tell(state: Known) -> dict[str, Any]:
        """How a transcription stands: `waiting`, `running` with its progress, `done`, or `failed` with the problem."""
        return _told(state)

    @app.get("/v1/transcriptions/{job_id}/result", tags=["transcriptions"])
    async def result(request: Request, state: Known, asked: Annotated[ResultAsked, Query()]) -> Response:
        """The result, in any format, decoded again as is asked: no network runs."""
        form = results.chosen(asked.format, request.headers.get("accept", ""))
        return await _result(front, state, asked.wanted(), form, client=state.job.owner)

    @app.delete("/v1/transcriptions/{job_id}", status_code=204, tags=["transcriptions"])
    async def cancel(state: Known) -> None:
        """Stop a transcription, and forget its recording and its result."""
        await front.desk.remove(state.job.id)

    @app.get("/v1/models", tags=["about"])
    async def models(owner: Owner) -> dict[str, Any]:
        """Which model answers, with what."""
        package, limits = front.model.package, front.settings.limits
        return {
            "models": [
                {
                    "name": package.name,
                    "version": package.version,
                    "precision": front.model.precision,
                    "classes": package.classes,
                    "preset": package.preset,
                    "presets": front.model.presets,
                    "default": True,
                }
            ],
            "formats": [_format(each) for each in results.ALL],
            "limits": limits.model_dump(),
            "drumline": __version__,
        }

    @app.get("/healthz", tags=["about"])
    async def healthz() -> dict[str, str]:
        """Whether this process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["about"])
    async def readyz() -> dict[str, str]:
        """Whether the model is loaded."""
        if not front.ready:
            raise Problem("not_ready", "no replica with the model has answered yet", {"Retry-After": "2"})
        return {"status": "ready"}

    @app.get("/metrics", tags=["about"])
    async def metrics(owner: Owner) -> Response:
        """What Prometheus wants of this node."""
        place = f"http://127.0.0.1:{front.metrics_port()}/metrics"
        told = await asyncio.to_thread(requests.get, place, timeout=5)
        # Ray tells of all its own doings, in half a megabyte.
        lines = [line for line in told.text.splitlines() if "ray_serve_" in line or "ray_drumline_" in line]
        return Response("\n".join([*lines, ""]), media_type="text/plain; version=0.0.4; charset=utf-8")

    add_pages(app)
    return app


async def _result(front: "Front", state: State, wanted: Wanted, form: Format, *, client: str) -> Response:
    """A result as a file. Raises Problem where there is none."""
    job, outcome = state.job, state.outcome
    if outcome is None:
        raise Problem("not_finished", "ask for its progress, and again", {"Retry-After": "1"})
    if outcome.kind:
        raise failures.of_outcome(outcome, job, front.settings.limits)
    told = {**results.headers(form, job.name), "X-Drumline-Cache": outcome.cache}
    if form.name == results.FOLDER.name:
        with front.folders.place(client):
            transcription = await _transcription(front, state, wanted)
            try:
                packed = await front.folders.zipped(job, transcription)
            except AudioError as error:
                raise Problem(error.reason, error.detail) from error
        headers = {**told, **length_of(packed)}
        return StreamingResponse(blocks(packed), media_type=form.media_type, headers=headers)
    transcription = await _transcription(front, state, wanted)
    data = await asyncio.to_thread(form.write, transcription)
    return Response(data, media_type=form.media_type, headers=told)


async def _transcription(front: "Front", state: State, wanted: Wanted) -> Transcription:
    """A finished job's result, decoded as is wanted. Raises Problem where that cannot be."""
    job = state.job
    model, hearing = await front.hearing(state)
    as_wanted = wanted.over(Wanted(**job.wanted))
    started_s = time.monotonic()
    found = await front.strokes(job, model, hearing, as_wanted)
    transcription = await asyncio.to_thread(
        model.transcription, found, hearing, as_wanted, name=job.name, sha256=job.sha256
    )
    front.tell_decoding(time.monotonic() - started_s)
    return transcription


def _format(form: Format) -> dict[str, str]:
    return {"name": form.name, "media_type": form.media_type, "title": form.title}


def _told(state: State) -> dict[str, Any]:
    """A job, for its owner."""
    job, outcome = state.job, state.outcome
    place = f"/v1/transcriptions/{job.id}"
    told: dict[str, Any] = {
        "id": job.id,
        "status": "waiting",
        "progress": 0.0,
        "name": job.name,
        "created": _time(job.created_s),
        "expires": _time(job.expires_s),
        "links": {"self": place, "result": f"{place}/result"},
    }
    if state.duration_s:
        told |= {"status": "running", "progress": round((state.heard_s or 0.0) / state.duration_s, 3)}
    if outcome is not None and outcome.kind:
        problem = Problem(outcome.kind, outcome.detail)
        told |= {"status": "failed", "problem": problem.tree()}
    elif outcome is not None:
        told |= {"status": "done", "progress": 1.0, "duration_s": outcome.duration_s, "cache": outcome.cache}
    return told


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
