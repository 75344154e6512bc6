"""A finished transcription as a file, in the format and decoded in the way that is asked for."""

import asyncio
import time
from typing import TYPE_CHECKING

from fastapi import Response
from fastapi.responses import StreamingResponse

from drumline.core.errors import AudioError
from drumline.transcription.formats.registry import Format
from drumline.transcription.result import Transcription
from serve import failures, results
from serve.asked import Wanted
from serve.folders import blocks, length_of
from serve.problems import Problem
from serve.records import State

if TYPE_CHECKING:
    from serve.front import Front


async def deliver(front: "Front", state: State, wanted: Wanted, form: Format, *, client: str) -> Response:
    """A result as a file. Raises Problem where there is none."""
    job, outcome = state.job, state.outcome
    if outcome is None:
        raise Problem("not_finished", "ask for its progress, and again", {"Retry-After": "1"})
    if outcome.kind:
        raise failures.of_outcome(outcome, job, front.settings.limits)
    told = {**results.headers(form, job.name), "X-Drumline-Cache": outcome.cache}
    if form.name == results.FOLDER.name:
        with front.folders.place(client):
            transcription = await decoded(front, state, wanted)
            try:
                packed = await front.folders.zipped(job, transcription)
            except AudioError as error:
                raise Problem(error.reason, error.detail) from error
        headers = {**told, **length_of(packed)}
        return StreamingResponse(blocks(packed), media_type=form.media_type, headers=headers)
    transcription = await decoded(front, state, wanted)
    data = await asyncio.to_thread(form.write, transcription)
    return Response(data, media_type=form.media_type, headers=told)


async def decoded(front: "Front", state: State, wanted: Wanted) -> Transcription:
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
