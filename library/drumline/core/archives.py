"""Zip archives as people have them: backslashes as separators, any case of ``.ZIP``, archives within archives.

A file of an archive is named by a chained URI, ``zip://folder/file::archive.zip``, an archive within an archive by a
longer one, ``zip://file::zip://inner.zip::outer.zip``. Archives stay open while they are read, for their index takes
longer to read than a file.
"""

import io
import lzma
import zipfile
import zlib
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Final

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.zip import ZipFileSystem

from drumline.core.errors import ArchiveError

SCHEME: Final = "zip://"
MAX_INNER_BYTES: Final = 2**30
"""An archive within an archive is held in memory; no larger one is."""
MAX_ENTRIES: Final = 1_000_000
"""An archive with more is refused: its index would fill the memory."""
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError)
"""Exceptions that zipfile raises for damage, and for passwords and compressions that it does not know."""


def is_archive(path: str) -> bool:
    """Whether a file is a zip archive, by its name."""
    return path.lower().endswith(".zip")


def root_of(uri: str) -> str:
    """The URI that the files of an archive are below (`artifacts.join`)."""
    return f"{SCHEME}::{uri}"


def open_archive(uri: str) -> AbstractFileSystem:
    """The files of an archive, read-only; ``uri`` of its file, perhaps in another archive.

    Raises OSError where it cannot be read, ArchiveError where it is no zip file, damaged or too large.
    """
    if uri.startswith(SCHEME):
        member, _, outer = uri.removeprefix(SCHEME).partition("::")
        return _inner(member, open_archive(outer))
    fs, path = url_to_fs(uri)
    info = fs.info(path)
    return _opened(uri, f"{info.get('size')} {info.get('mtime') or info.get('ETag')}")


@lru_cache(maxsize=4)
def _opened(uri: str, stamp: str) -> "Archive":
    """``stamp`` changes with the file, so that a replaced archive is opened anew."""
    return Archive(uri)


@lru_cache(maxsize=2)
def _inner(member: str, outer: "Archive") -> "Archive":
    if (size := int(outer.size(member) or 0)) > MAX_INNER_BYTES:
        raise ArchiveError(f"{member}: an archive within an archive of {size:,} bytes, limit {MAX_INNER_BYTES:,}")
    return Archive(member, io.BytesIO(outer.cat_file(member)))


class Archive(ZipFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The files of one archive, their paths with slashes. Entries that lead out of the archive are left out."""

    cachable = False

    def __init__(self, name: str, data: io.BytesIO | None = None) -> None:
        try:
            super().__init__(name if data is None else data)
        except _DAMAGE as error:
            raise ArchiveError(f"{name}: {_text(error)}") from error
        entries = self.zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise ArchiveError(f"{name}: {len(entries):,} entries, limit {MAX_ENTRIES:,}")
        for entry in entries:
            entry.filename = entry.filename.replace("\\", "/")
        self.zip.filelist[:] = [entry for entry in entries if _stays_inside(entry.filename)]
        self.zip.NameToInfo = {entry.filename: entry for entry in self.zip.filelist}

    __eq__, __hash__ = object.__eq__, object.__hash__  # fsspec compares names, and a file may be replaced

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """The bytes of a file. Raises FileNotFoundError, or ArchiveError for a damaged or encrypted one."""
        try:
            return bytes(super().cat_file(path, start=start, end=end, **options))
        except FileNotFoundError:
            raise
        except (*_DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the storage's fault, not the archive's
            raise ArchiveError(f"{path}: {_text(error)}") from error


def _stays_inside(name: str) -> bool:
    return not name.startswith("/") and ".." not in PurePosixPath(name).parts


def _text(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
