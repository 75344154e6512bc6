"""Safe unpacking of untrusted archives: no paths outside the folder, no links, bounded size and file count."""

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Final

from drumline.core.errors import DrumlineError

MAX_FILES: Final = 1_000_000
MAX_EXPANSION: Final = 20
"""Largest ratio of unpacked to packed size. Audio hardly compresses; MIDI and text compress to a tenth."""
_SMALL_BYTES: Final = 64 << 20  # what any archive may grow to
_BLOCK_BYTES: Final = 1 << 20
_BROKEN: Final = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, LZMAError, EOFError),
    *(RuntimeError, NotImplementedError, ValueError),  # what zipfile says of passwords and unknown methods
)


@dataclass(frozen=True)
class Unpacked:
    """A file unpacked from an archive."""

    path: str
    """Path below the folder, with "/"."""
    num_bytes: int
    sha256: str


def unpack(archive: Path, folder: Path) -> list[Unpacked]:
    """Unpack a zip or a tar (plain, gzip, bzip2, xz) into a folder and list its files.

    Raises DrumlineError if the archive is damaged or hostile; files unpacked before that remain. Modes, owners and
    times are not restored.
    """
    budget = max(_SMALL_BYTES, MAX_EXPANSION * archive.stat().st_size)
    found: list[Unpacked] = []
    try:
        for name, source in _members(archive):
            path = _safe(name, archive)
            if len(found) == MAX_FILES:
                raise DrumlineError(f"{archive}: more than {MAX_FILES:,} files")
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            num_bytes, sha256 = _copy(source, folder / path, budget=budget, archive=archive)
            budget -= num_bytes
            found.append(Unpacked(str(path), num_bytes, sha256))
    except _BROKEN as error:
        raise DrumlineError(f"{archive}: damaged archive: {error}") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise DrumlineError(f"{archive}: {error.filename} is in it twice, or as a file and a folder") from error
    return found


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Names and contents of the regular files of an archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as package:
            for info in package.infolist():
                if not info.is_dir():
                    with package.open(info) as source:
                        yield info.filename, source
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and (source_or_none := tar.extractfile(member)) is not None:
                yield member.name, source_or_none
            elif not member.isdir():
                raise DrumlineError(f"{archive}: {member.name!r} is a link or a device, not a file")


def _safe(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name or not path.parts:
        raise DrumlineError(f"{archive}: {name!r} would lie outside the folder, or does not fit every system")
    return path


def _copy(source: IO[bytes], target: Path, *, budget: int, archive: Path) -> tuple[int, str]:
    """Copy with a size limit; returns the number of bytes and their SHA-256."""
    num_bytes, digest = 0, hashlib.sha256()
    with target.open("xb") as file:
        while block := source.read(_BLOCK_BYTES):
            num_bytes += len(block)
            if num_bytes > budget:
                raise DrumlineError(f"{archive}: grows to more than {MAX_EXPANSION} times its size; is it a bomb?")
            digest.update(block)
            file.write(block)
    return num_bytes, digest.hexdigest()
