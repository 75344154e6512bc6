"""Streaming uploads to a file, within limits of size, rate and time.

The request body is the recording itself, or a form (``multipart/form-data``) with it in a field ``file``.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request

from serve import sniffing
from serve.errors import Problem, busy
from serve.file_names import display_name
from serve.forms import MEDIA_TYPE as FORM
from serve.forms import read_form_file
from serve.job_store import UPLOAD
from serve.settings import Limits
from serve.upload_slots import UploadSlot
from serve.work_clock import WorkClock

_MB: Final = 1_000_000
_POLL_INTERVAL_S: Final = 0.25
_BUSY_S: Final = 1.0
"""Time lost by the server during an upload beyond which the server, not the client, counts as slow [s]."""


@dataclass(frozen=True)
class Upload:
    """A received recording, in a local temporary file."""

    path: Path
    """The temporary file."""
    name: str
    """The client's file name, without folders."""
    ending: str
    """File extension by content, such as ``.flac``."""
    sha256: str
    """SHA-256 of the file, hexadecimal."""


async def receive(
    request: Request,
    folder: Path,
    slot: UploadSlot,
    *,
    name: str,
    limits: Limits,
    clock: WorkClock,
    on_bytes: Callable[[int], None],
) -> Upload:
    """Receive an upload into a temporary file, which the caller moves or removes.

    Parameters
    ----------
    request
        Request with the recording in its body.
    folder
        Folder of the temporary file.
    slot
        The upload's slot, which it can lose.
    name
        File name, if the body is the file itself.
    limits
        Limits of size and time.
    clock
        Clock that excludes time lost by the server.
    on_bytes
        Called with the size of each block [bytes]; may raise Problem.

    Returns
    -------
    Upload
        The received file.

    Raises
    ------
    Problem
        The upload is too large, too slow, or not audio.
    """
    content_type = request.headers.get("content-type", "")
    if not sniffing.may_be_audio(content_type):
        raise Problem("not_audio", f"Content-Type {content_type[:80]!r}: send audio/..., or a form with a field `file`")
    content_length = request.headers.get("content-length", "")
    if content_length.isdigit() and int(content_length) > limits.max_upload_mb * _MB:
        raise _too_large(limits)
    chunks = _stream(request, slot, limits, clock, on_bytes)
    if content_type.lower().startswith(FORM):
        chunks, named = await read_form_file(request.headers, chunks)
        name = name or named
    path = Path(tempfile.mkstemp(dir=folder, suffix=UPLOAD)[1])
    try:
        return await _write(chunks, path, name)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _write(chunks: AsyncIterator[bytes], path: Path, name: str) -> Upload:
    """Write and hash an upload; its format is checked as soon as enough bytes are there."""
    digest, head, ending = hashlib.sha256(), b"", ""
    with path.open("wb") as file:
        async for chunk in chunks:
            head += chunk[: sniffing.HEAD_BYTES - len(head)]
            if not ending and len(head) == sniffing.HEAD_BYTES:
                ending = _sniffed(head)
            digest.update(chunk)
            file.write(chunk)
    ending = ending or _sniffed(head)
    return Upload(path, display_name(name, default=f"song{ending}"), ending, digest.hexdigest())


async def _stream(
    request: Request, slot: UploadSlot, limits: Limits, clock: WorkClock, on_bytes: Callable[[int], None]
) -> AsyncIterator[bytes]:
    """Blocks of the request body, within the limits of size and time."""
    stream, total = request.stream(), 0
    started_s = last_s = clock.now()
    lost_s = clock.lost_s
    while True:
        pending = asyncio.ensure_future(anext(stream, None))
        try:
            while not (await asyncio.wait({pending}, timeout=_POLL_INTERVAL_S))[0]:
                now_s = clock.now()
                if slot.evicted or now_s - last_s > limits.idle_timeout_s:
                    raise _too_slow(total, limits, lost_s=clock.lost_s - lost_s)
        finally:
            pending.cancel()
        last_s = clock.now()
        if last_s - started_s > limits.upload_timeout_s:
            raise _too_slow(total, limits, lost_s=clock.lost_s - lost_s)
        chunk = pending.result()
        if chunk is None:
            return
        total += len(chunk)
        if total > limits.max_upload_mb * _MB:
            raise _too_large(limits)
        on_bytes(len(chunk))
        yield chunk


def _too_slow(total: int, limits: Limits, *, lost_s: float) -> Problem:
    if lost_s > _BUSY_S:
        return busy(f"this machine is busy: the server lost {lost_s:.0f} s during the upload", retry_after_s=10.0)
    detail = (
        f"{total:,} bytes; limits: {limits.upload_timeout_s:g} s, {limits.idle_timeout_s:g} s without any, "
        f"and {limits.min_upload_kb_s:g} kB/s while others wait"
    )
    return Problem("upload_too_slow", detail, {"Connection": "close"})


def _sniffed(head: bytes) -> str:
    if ending := sniffing.ending_of(head):
        return ending
    raise Problem("not_audio", f"supported formats: {sniffing.SUPPORTED_FORMATS}" if head else "the file is empty")


def _too_large(limits: Limits) -> Problem:
    return Problem("upload_too_large", f"limit {limits.max_upload_mb:g} MB", {"Connection": "close"})
