"""An upload, taken in bit by bit: to a file, never beyond its limits, never waiting for ever.

The body is the recording itself, or a form (``multipart/form-data``) with it in a field ``file``.
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
from serve.arrivals import Arrival
from serve.file_names import shown_name
from serve.forms import MEDIA_TYPE as FORM
from serve.forms import file_of_form
from serve.jobs import UPLOAD
from serve.pressure import WorkClock
from serve.problems import Problem, busy
from serve.settings import Limits

_MB: Final = 1_000_000
_LOOK_EVERY_S: Final = 0.25
_BUSY_S: Final = 1.0
"""So much time lost during an upload, and the machine is to blame for its slowness."""


@dataclass(frozen=True)
class Upload:
    """A recording that was sent, as a local file of ours."""

    path: Path
    name: str
    """As its sender calls it, without folders."""
    ending: str
    """Of such audio, by its content."""
    sha256: str


async def receive(
    request: Request,
    folder: Path,
    arrival: Arrival,
    *,
    name: str,
    limits: Limits,
    clock: WorkClock,
    received: Callable[[int], None],
) -> Upload:
    """Take an upload in. The file is the caller's to move or remove.

    Parameters
    ----------
    request
        With the body.
    folder
        For the file.
    arrival
        The upload's place, which it can lose.
    name
        Of the file, where the body is the file itself.
    limits
        Of size and time.
    clock
        By which times are measured.
    received
        Called with the size of each block; may raise Problem.

    Raises
    ------
    Problem
        It is too large or too slow, or no audio.
    """
    content_type = request.headers.get("content-type", "")
    if not sniffing.may_be_audio(content_type):
        raise Problem("not_audio", f"Content-Type {content_type[:80]!r}: send audio/..., or a form with a field `file`")
    promised = request.headers.get("content-length", "")
    if promised.isdigit() and int(promised) > limits.max_upload_mb * _MB:
        raise _too_large(limits)
    chunks = _timed(request, arrival, limits, clock, received)
    if content_type.lower().startswith(FORM):
        chunks, named = await file_of_form(request.headers, chunks)
        name = name or named
    path = Path(tempfile.mkstemp(dir=folder, suffix=UPLOAD)[1])
    try:
        return await _kept(chunks, path, name)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _kept(chunks: AsyncIterator[bytes], path: Path, name: str) -> Upload:
    """Written and hashed; looked at as soon as there is enough to look at."""
    digest, head, ending = hashlib.sha256(), b"", ""
    with path.open("wb") as file:
        async for chunk in chunks:
            head += chunk[: sniffing.HEAD_BYTES - len(head)]
            if not ending and len(head) == sniffing.HEAD_BYTES:
                ending = _sniffed(head)
            digest.update(chunk)
            file.write(chunk)
    ending = ending or _sniffed(head)
    return Upload(path, shown_name(name, default=f"song{ending}"), ending, digest.hexdigest())


async def _timed(
    request: Request, arrival: Arrival, limits: Limits, clock: WorkClock, received: Callable[[int], None]
) -> AsyncIterator[bytes]:
    """The body, as long as it keeps coming."""
    stream, total = request.stream(), 0
    started_s = last_s = clock.now()
    lost_s = clock.lost_s
    while True:
        pending = asyncio.ensure_future(anext(stream, None))
        try:
            while not (await asyncio.wait({pending}, timeout=_LOOK_EVERY_S))[0]:
                now_s = clock.now()
                if arrival.evicted or now_s - last_s > limits.idle_timeout_s:
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
        received(len(chunk))
        yield chunk


def _too_slow(total: int, limits: Limits, *, lost_s: float) -> Problem:
    if lost_s > _BUSY_S:
        return busy(f"this machine is busy: it lost {lost_s:.0f} s while the upload arrived", retry_after_s=10.0)
    detail = (
        f"{total:,} bytes; limits: {limits.upload_timeout_s:g} s, {limits.idle_timeout_s:g} s without any, "
        f"and {limits.min_upload_kb_s:g} kB/s while others wait"
    )
    return Problem("upload_too_slow", detail, {"Connection": "close"})


def _sniffed(head: bytes) -> str:
    if ending := sniffing.ending_of(head):
        return ending
    raise Problem("not_audio", f"the file begins like none of {sniffing.TAKEN}" if head else "the file is empty")


def _too_large(limits: Limits) -> Problem:
    return Problem("upload_too_large", f"limit {limits.max_upload_mb:g} MB", {"Connection": "close"})
