"""Recordings sent as a form (``multipart/form-data``, RFC 7578)."""

import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from serve.errors import Problem

MEDIA_TYPE: Final = "multipart/form-data"

_BLOCK_BYTES: Final = 1 << 20
_MAX_FIELDS: Final = 8
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*(\"[^\"]*\"|[^;]*)", re.IGNORECASE)
_EXTENDED_NAME: Final = re.compile(rb"filename\*\s*=\s*\"?([\w.-]*)'[^']*'([^;\"]*)", re.IGNORECASE)
"""``filename*`` (RFC 5987). RFC 7578 forbids it in forms, but some clients send nothing else."""


async def read_form_file(headers: Headers, chunks: AsyncIterator[bytes]) -> tuple[AsyncIterator[bytes], str]:
    """Read the file of a form.

    Parameters
    ----------
    headers
        Request headers.
    chunks
        Request body.

    Returns
    -------
    blocks
        Content of the file, from an unnamed temporary file.
    name
        File name; empty if the form gives none.

    Raises
    ------
    Problem
        ``bad_request``: not a valid form, or no file in a field ``file``.
    """
    # The standard has no charset for a whole form, and Python has charsets that raise on any input.
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
        raise Problem("bad_request", "the request body is not valid multipart/form-data") from error
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Problem("bad_request", "the form has no file in a field `file`")
    return _blocks(file), file.filename or ""


class _Parser(MultiPartParser):
    """A form parser that supports ``filename*``, which takes precedence over ``filename`` (RFC 6266)."""

    def on_headers_finished(self) -> None:
        """Read the file name of a part."""
        part = self._current_part
        disposition = part.content_disposition or b""
        found = _EXTENDED_NAME.search(disposition)
        if found and b"filename=" not in disposition.lower().replace(b" ", b""):
            part.content_disposition = disposition + b'; filename="file"'
        super().on_headers_finished()
        if found and part.file is not None:
            part.file.filename = _decode_name(unquote_to_bytes(found[2].strip()), found[1].decode("latin-1"))


def _decode_name(name: bytes, charset: str) -> str:
    try:
        return name.decode(charset or "utf-8", errors="replace")
    except (LookupError, UnicodeError):
        return name.decode("utf-8", errors="replace")


async def _blocks(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(_BLOCK_BYTES):
        yield block
    await file.close()
