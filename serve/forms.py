"""The recording in a form (``multipart/form-data``, RFC 7578)."""

import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from serve.problems import Problem

MEDIA_TYPE: Final = "multipart/form-data"

_BLOCK_BYTES: Final = 1 << 20
_MAX_FIELDS: Final = 8
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*(\"[^\"]*\"|[^;]*)", re.IGNORECASE)
_EXTENDED_NAME: Final = re.compile(rb"filename\*\s*=\s*\"?([\w.-]*)'[^']*'([^;\"]*)", re.IGNORECASE)
"""RFC 5987. RFC 7578 forbids it here, and some clients send nothing else."""


async def file_of_form(headers: Headers, chunks: AsyncIterator[bytes]) -> tuple[AsyncIterator[bytes], str]:
    """The file in a form, which waits in an unnamed temporary file, and its name.

    Parameters
    ----------
    headers
        Of the request.
    chunks
        Its body.

    Raises
    ------
    Problem
        ``bad_request``: no such form, or none with a file in a field ``file``.
    """
    # The standard knows no charset of a whole form, and Python knows charsets that raise whatever they are given.
    content_type = _CHARSET.sub("", headers.get("content-type", ""))
    parser = _Parser(
        Headers({"content-type": content_type}),
        chunks,  # type: ignore[arg-type]
        max_files=1,
        max_fields=_MAX_FIELDS,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, FormParserError, UnicodeError) as error:
        raise Problem("bad_request", "the form breaks the rules of multipart/form-data") from error
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Problem("bad_request", "the form has no file in a field `file`")
    return _blocks(file), file.filename or ""


class _Parser(MultiPartParser):
    """A parser that knows ``filename*``, which goes before ``filename`` (RFC 6266)."""

    def on_headers_finished(self) -> None:
        """Take the name of a part."""
        part = self._current_part
        disposition = part.content_disposition or b""
        found = _EXTENDED_NAME.search(disposition)
        if found and b"filename=" not in disposition.lower().replace(b" ", b""):
            part.content_disposition = disposition + b'; filename="file"'
        super().on_headers_finished()
        if found and part.file is not None:
            part.file.filename = _decoded(unquote_to_bytes(found[2].strip()), found[1].decode("latin-1"))


def _decoded(name: bytes, charset: str) -> str:
    try:
        return name.decode(charset or "utf-8", errors="replace")
    except (LookupError, UnicodeError):
        return name.decode("utf-8", errors="replace")


async def _blocks(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(_BLOCK_BYTES):
        yield block
    await file.close()
