"""An upload, taken in bit by bit: to a file, never beyond its limits, never waiting for ever.

The body is the recording itself, or a form (``multipart/form-data``) with it in a field ``file``.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from serve import sniffing
from serve.jobs import UPLOAD
from serve.problems import Problem
from serve.settings import Limits

_FORM: Final = "multipart/form-data"
_MB: Final = 1_000_000
_BLOCK_BYTES: Final = 1 << 20
_LONGEST_NAME: Final = 120


@dataclass(frozen=True)
class Upload:
    """A recording that was sent, as a local file of ours."""

    path: Path
    name: str
    """As its sender calls it, without folders."""
    ending: str
    """Of such audio, by its content."""
    sha256: str


async def receive(request: Request, folder: Path, *, name: str, limits: Limits) -> Upload:
    """Take an upload in. The file is the caller's to move or remove.

    Raises Problem: too large, too slow, no audio.
    """
    content_type = request.headers.get("content-type", "")
    if not sniffing.may_be_audio(content_type):
        raise Problem("not_audio", f"Content-Type {content_type[:80]!r}: send audio/..., or a form with a field `file`")
    promised = request.headers.get("content-length", "")
    if promised.isdigit() and int(promised) > limits.max_upload_mb * _MB:
        raise _too_large(limits)
    chunks = _timed(request, limits)
    if content_type.lower().startswith(_FORM):
        chunks, name = await _of_form(request, chunks, name)
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
    return Upload(path, _named(name, ending), ending, digest.hexdigest())


async def _timed(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    """The body, as long as it keeps coming."""
    stream, total = request.stream(), 0
    started_s = asyncio.get_running_loop().time()
    while True:
        left_s = limits.upload_timeout_s - (asyncio.get_running_loop().time() - started_s)
        try:
            async with asyncio.timeout(max(0.0, min(left_s, limits.idle_timeout_s))):
                chunk = await anext(stream, None)
        except TimeoutError as error:
            detail = f"{total:,} bytes; limits: {limits.upload_timeout_s:g} s, {limits.idle_timeout_s:g} s without any"
            raise Problem("upload_too_slow", detail, {"Connection": "close"}) from error
        if chunk is None:
            return
        total += len(chunk)
        if total > limits.max_upload_mb * _MB:
            raise _too_large(limits)
        yield chunk


async def _of_form(request: Request, chunks: AsyncIterator[bytes], name: str) -> tuple[AsyncIterator[bytes], str]:
    """The file in a form, which waits in an unnamed temporary file, and its name."""
    parser = MultiPartParser(request.headers, chunks, max_files=1, max_fields=8)  # type: ignore[arg-type]
    try:
        form = await parser.parse()
    except (MultiPartException, FormParserError) as error:
        raise Problem("bad_request", "the form breaks the rules of multipart/form-data") from error
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Problem("bad_request", "the form has no file in a field `file`")
    return _blocks(file), name or file.filename or ""


async def _blocks(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(_BLOCK_BYTES):
        yield block
    await file.close()


def _sniffed(head: bytes) -> str:
    if ending := sniffing.ending_of(head):
        return ending
    raise Problem("not_audio", f"the file begins like none of {sniffing.TAKEN}" if head else "the file is empty")


def _too_large(limits: Limits) -> Problem:
    return Problem("upload_too_large", f"limit {limits.max_upload_mb:g} MB", {"Connection": "close"})


def _named(name: str, ending: str) -> str:
    """A name that can stand in answers and files."""
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(each for each in last if each.isprintable())[:_LONGEST_NAME].strip(". ")
    return printable or f"song{ending}"
