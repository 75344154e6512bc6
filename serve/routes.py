"""HTTP endpoints of the API, and the application that combines them with pages and error handlers."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import requests
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse, StreamingResponse

from drumline import __version__
from drumline.transcription.formats.registry import Format
from serve import result_formats
from serve.downloads import download
from serve.edits import CONTENT_BODY, Edit, EditVersion, read_content
from serve.error_handlers import add_error_handlers, json_response
from serve.errors import Problem
from serve.gateway import Gateway
from serve.keys import authenticate
from serve.openapi import (
    RECORDING_BODY,
    RECORDING_PROBLEMS,
    RESULT_PROBLEMS,
    add_description,
    problem_responses,
    result_responses,
)
from serve.origins import check_origin
from serve.pages import add_pages
from serve.parameters import ResultParameters, TranscriptionParameters
from serve.records import Job, JobState, new_id
from serve.responses import FormatInfo, HealthResponse, ModelInfo, ModelsResponse, TranscriptionState
from serve.song_folders import content_length, iterate_blocks
from serve.uploads import Upload, receive

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

router = APIRouter()


def build_application(gateway: Gateway, lifespan: Lifespan) -> FastAPI:
    """Build the HTTP application of a gateway replica.

    Parameters
    ----------
    gateway
        Resources that the endpoints share.
    lifespan
        Background tasks of the replica.
    """
    app = FastAPI(
        title="drumline",
        version=__version__,
        summary="Audio in, drums out.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.gateway = gateway
    add_error_handlers(app)
    add_description(app)
    if gateway.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(gateway.settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type"],
            expose_headers=["Location", "Retry-After", "X-Drumline-Cache", "Content-Disposition"],
        )
    app.include_router(router)
    add_pages(app)
    return app


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


CurrentGateway = Annotated[Gateway, Depends(_gateway)]


async def _owner(request: Request, gateway: CurrentGateway) -> str:
    check_origin(request.method, request.headers, gateway.settings.cors_origins)
    return authenticate(gateway.keys, request.headers, request.scope.get("server"))


Owner = Annotated[str, Depends(_owner)]
"""Name of the client's API key."""


async def _job_state(job_id: str, owner: Owner, gateway: CurrentGateway) -> JobState:
    state = await asyncio.to_thread(gateway.store.state, job_id)
    if state is None or state.job.owner != owner:
        raise Problem("not_found", "no such transcription, or it has expired")
    return state


OwnedJob = Annotated[JobState, Depends(_job_state)]
"""State of a job of the client."""


@router.post(
    "/v1/transcriptions",
    operation_id="transcribe",
    status_code=200,
    tags=["transcriptions"],
    openapi_extra={"requestBody": RECORDING_BODY},
    responses={
        **result_responses(),
        202: {"model": TranscriptionState, "description": "With `async=true`: a job that is being processed."},
        **problem_responses(*RECORDING_PROBLEMS, *RESULT_PROBLEMS),
    },
)
async def transcribe(
    request: Request,
    owner: Owner,
    gateway: CurrentGateway,
    parameters: Annotated[TranscriptionParameters, Query()],
) -> Response:
    """Transcribe a recording: the request body is the file, or a form with it in `file`.

    Responds with the result; with `async=true` at once with 202 and a job.
    """
    form = result_formats.negotiate_format(parameters.format, request.headers.get("accept", ""))
    gateway.model.decode_config(parameters)  # refuse an unavailable preset before the upload
    job = await _accept_upload(request, gateway, parameters, owner=owner)
    if not parameters.is_async:
        return await _wait_for_result(gateway, job, parameters, form)
    state = TranscriptionState.of(JobState(job, None, None, None)).model_dump(exclude_none=True, by_alias=True)
    return json_response(state, 202, {**_location(job), "Retry-After": "1"})


async def _accept_upload(request: Request, gateway: Gateway, parameters: TranscriptionParameters, *, owner: str) -> Job:
    """Receive the recording of a request and accept it as a job."""
    with gateway.dispatcher.reserve_upload(owner) as slot:
        upload = await receive(
            request,
            gateway.incoming,
            slot,
            name=parameters.name,
            limits=gateway.settings.limits,
            clock=gateway.clock,
            on_bytes=lambda num_bytes: gateway.dispatcher.add_bytes(slot, num_bytes),
        )
        job = _new_job(gateway, upload, parameters, owner=owner)
        try:
            await gateway.dispatcher.accept(job, upload.path)
        finally:
            upload.path.unlink(missing_ok=True)
    return job


def _new_job(gateway: Gateway, upload: Upload, parameters: TranscriptionParameters, *, owner: str) -> Job:
    limits, now_s = gateway.settings.limits, time.time()
    max_duration_s = limits.max_duration_s
    return Job(
        id=new_id(),
        owner=owner,
        name=upload.name,
        ending=upload.ending,
        sha256=upload.sha256,
        created_s=now_s,
        expires_s=now_s + gateway.settings.jobs.keep_s,
        max_duration_s=max_duration_s if parameters.is_async else min(max_duration_s, limits.max_synchronous_s),
        parameters=parameters.given(),
        is_async=parameters.is_async,
    )


async def _wait_for_result(gateway: Gateway, job: Job, parameters: ResultParameters, form: Format) -> Response:
    """Wait for a job and download its result; a client that disconnects cancels the job."""
    try:
        await gateway.dispatcher.wait(job.id)
        state = await asyncio.to_thread(gateway.store.state, job.id)
        if state is None or state.outcome is None:
            raise Problem("not_found", "the transcription was cancelled")
        if state.outcome.kind:
            await gateway.dispatcher.remove(job.id)
        response = await download(gateway, state, parameters.decoding(), form, client=job.owner)
    except asyncio.CancelledError:
        gateway.dispatcher.discard(job.id)
        raise
    response.headers.update(_location(job))
    return response


def _location(job: Job) -> dict[str, str]:
    return {"Location": f"/v1/transcriptions/{job.id}"}


@router.get(
    "/v1/transcriptions/{job_id}",
    operation_id="get_transcription",
    response_model_exclude_none=True,
    tags=["transcriptions"],
    responses=problem_responses("not_found"),
)
async def get_transcription(state: OwnedJob, gateway: CurrentGateway) -> TranscriptionState:
    """State of a transcription: `waiting`, `running` with its progress, `done`, or `failed` with the problem."""
    version = 0 if state.outcome is None else await asyncio.to_thread(gateway.edits.newest, state.job.id)
    return TranscriptionState.of(state, edit_version=version)


@router.get(
    "/v1/transcriptions/{job_id}/result",
    operation_id="get_result",
    tags=["transcriptions"],
    responses={**result_responses(), **problem_responses("not_found", *RESULT_PROBLEMS)},
)
async def get_result(
    request: Request,
    state: OwnedJob,
    gateway: CurrentGateway,
    parameters: Annotated[ResultParameters, Query()],
) -> Response:
    """Result in any format, re-decoded with the given parameters; no inference is needed."""
    form = result_formats.negotiate_format(parameters.format, request.headers.get("accept", ""))
    return await download(
        gateway, state, parameters.decoding(), form, client=state.job.owner, is_edited=parameters.edited
    )


@router.get(
    "/v1/transcriptions/{job_id}/audio",
    operation_id="get_audio",
    response_class=StreamingResponse,
    tags=["transcriptions"],
    responses=problem_responses("not_found"),
)
async def get_audio(state: OwnedJob, gateway: CurrentGateway) -> Response:
    """Recording as it was uploaded."""
    try:
        audio = await asyncio.to_thread(gateway.store.open_audio, state.job.id)
    except FileNotFoundError as error:
        raise Problem("not_found", "the recording is no longer kept; send it again") from error
    headers = {**content_length(audio), "X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return StreamingResponse(iterate_blocks(audio), media_type="application/octet-stream", headers=headers)


@router.get(
    "/v1/transcriptions/{job_id}/edit",
    operation_id="get_edit",
    tags=["edits"],
    responses=problem_responses("not_found"),
)
async def get_edit(state: OwnedJob, gateway: CurrentGateway, version: Annotated[int, Query(ge=0)] = 0) -> Edit:
    """Saved edit of a transcription: the newest, or a version of its history."""
    edit = await asyncio.to_thread(gateway.edits.get, state.job.id, version)
    if edit is None:
        raise Problem("not_found", "no such version" if version else "nothing was edited yet")
    return edit


@router.put(
    "/v1/transcriptions/{job_id}/edit",
    operation_id="save_edit",
    tags=["edits"],
    openapi_extra={"requestBody": CONTENT_BODY},
    responses=problem_responses("not_found", "not_finished", "edit_conflict", "upload_too_large", "bad_parameter"),
)
async def save_edit(request: Request, state: OwnedJob, gateway: CurrentGateway) -> EditVersion:
    """Save all hits, and beats if they were edited, as the next version.

    `base` is the version that the edit was made from, 0 for the transcription itself; if a newer one exists, nothing is
    saved. An edited transcription and its recording are kept for a month after its last edit.
    """
    if state.outcome is None:
        raise Problem("not_finished", "poll its state until it is `done`", {"Retry-After": "1"})
    content = await read_content(request.stream())
    edit = await asyncio.to_thread(gateway.edits.save, state.job.id, content)
    until_s = time.time() + gateway.settings.jobs.keep_edited_s
    await asyncio.to_thread(gateway.store.keep, state.job.id, until_s=until_s)
    return EditVersion(version=edit.version, saved=edit.saved, author=edit.author, num_hits=len(edit.hits))


@router.get(
    "/v1/transcriptions/{job_id}/edits",
    operation_id="list_edits",
    tags=["edits"],
    responses=problem_responses("not_found"),
)
async def list_edits(state: OwnedJob, gateway: CurrentGateway) -> list[EditVersion]:
    """History of a transcription's edits, the newest first."""
    return await asyncio.to_thread(gateway.edits.history, state.job.id)


@router.delete(
    "/v1/transcriptions/{job_id}",
    operation_id="delete_transcription",
    status_code=204,
    tags=["transcriptions"],
    responses=problem_responses("not_found"),
)
async def delete_transcription(state: OwnedJob, gateway: CurrentGateway) -> None:
    """Stop a transcription and delete its recording and result."""
    await gateway.dispatcher.remove(state.job.id)


@router.get("/v1/models", operation_id="get_models", tags=["about"])
async def get_models(owner: Owner, gateway: CurrentGateway) -> ModelsResponse:
    """Available models, output formats and limits."""
    model, package = gateway.model, gateway.model.package
    info = ModelInfo(
        name=package.name,
        version=package.version,
        precision=model.decoder.precision,
        classes=tuple(package.classes),
        preset=package.preset,
        presets=model.presets,
        default=True,
    )
    formats = tuple(map(FormatInfo.of, result_formats.ALL))
    return ModelsResponse(models=(info,), formats=formats, limits=gateway.settings.limits, drumline=__version__)


@router.get("/healthz", operation_id="get_health", tags=["about"])
async def get_health() -> HealthResponse:
    """Liveness: whether this process responds."""
    return HealthResponse(status="ok")


@router.get("/readyz", operation_id="get_readiness", tags=["about"])
async def get_readiness(gateway: CurrentGateway) -> HealthResponse:
    """Readiness: whether the model is loaded."""
    if not gateway.ready:
        raise Problem("not_ready", "no worker has loaded the model yet", {"Retry-After": "2"})
    return HealthResponse(status="ready")


@router.get("/metrics", operation_id="get_metrics", response_class=PlainTextResponse, tags=["about"])
async def get_metrics(owner: Owner, gateway: CurrentGateway) -> Response:
    """Prometheus metrics of this node."""
    url = f"http://127.0.0.1:{gateway.metrics_port()}/metrics"
    exported = await asyncio.to_thread(requests.get, url, timeout=5)
    # Ray exports half a megabyte about its own internals.
    lines = [line for line in exported.text.splitlines() if "ray_serve_" in line or "ray_drumline_" in line]
    return Response("\n".join([*lines, ""]), media_type="text/plain; version=0.0.4; charset=utf-8")
