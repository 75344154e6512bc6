"""Downloads of finished transcriptions: re-decode cached activations and write the requested format."""

import asyncio
import time

from fastapi import Response
from fastapi.responses import StreamingResponse

from drumline.core.errors import AudioError
from drumline.transcription.formats.registry import Format
from drumline.transcription.result import Transcription
from serve import result_formats
from serve.edits import apply_edit
from serve.error_handlers import outcome_problem
from serve.errors import Problem
from serve.gateway import Gateway
from serve.parameters import DecodeParameters
from serve.records import JobState
from serve.song_folders import content_length, iterate_blocks


async def download(
    gateway: Gateway,
    state: JobState,
    parameters: DecodeParameters,
    form: Format,
    *,
    client: str,
    is_edited: bool = False,
) -> Response:
    """Write a transcription in a format, decoded with `parameters`.

    Parameters
    ----------
    gateway
        The replica that answers.
    state
        State of the job.
    parameters
        Decoding parameters; those of the job are the defaults.
    form
        Output format.
    client
        Name of the API key, for limits per client.
    is_edited
        Whether hits and beats are those of the newest edit, if there is one.

    Raises
    ------
    Problem
        The job is unfinished or failed, or its recording is gone.
    """
    job, outcome = state.job, state.outcome
    if outcome is None:
        raise Problem("not_finished", "poll its state until it is `done`", {"Retry-After": "1"})
    if outcome.kind:
        raise outcome_problem(outcome, job, gateway.settings.limits)
    headers = {**result_formats.download_headers(form, job.name), "X-Drumline-Cache": outcome.cache}
    if form.name == result_formats.FOLDER.name:
        with gateway.song_folders.reserve(client):
            transcription = await _transcription(gateway, state, parameters, is_edited=is_edited)
            try:
                archive = await gateway.song_folders.zip_folder(job, transcription)
            except AudioError as error:
                raise Problem(error.reason, error.detail) from error
        headers |= content_length(archive)
        return StreamingResponse(iterate_blocks(archive), media_type=form.media_type, headers=headers)
    transcription = await _transcription(gateway, state, parameters, is_edited=is_edited)
    data = await asyncio.to_thread(form.write, transcription)
    return Response(data, media_type=form.media_type, headers=headers)


async def _transcription(
    gateway: Gateway, state: JobState, parameters: DecodeParameters, *, is_edited: bool
) -> Transcription:
    transcription = await decode_job(gateway, state, parameters)
    edit = await asyncio.to_thread(gateway.edits.get, state.job.id) if is_edited else None
    return transcription if edit is None else apply_edit(transcription, edit)


async def decode_job(gateway: Gateway, state: JobState, parameters: DecodeParameters) -> Transcription:
    """Decode the activations of a finished job. Raises Problem if they are gone and cannot be computed again."""
    job = state.job
    model, inferred = await gateway.activations(state)
    parameters = parameters.with_defaults(DecodeParameters(**job.parameters))
    started_s = time.monotonic()
    found = await gateway.decode(job, model, inferred, parameters)
    transcription = await asyncio.to_thread(
        model.transcription, found, inferred, parameters, name=job.name, sha256=job.sha256
    )
    gateway.observe_decoding(time.monotonic() - started_s)
    return transcription
