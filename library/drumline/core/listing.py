"""The files of a library, by listing alone: links followed, hidden folders left out, archives opened.

A linked folder is part of the library; one that leads back to a folder that was listed already is not listed again, so
that loops end. What programs keep beside people's files (``.git``, ``@eaDir``, recycle bins) is no part of it.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fsspec.implementations.local import LocalFileSystem

from drumline.core.archives import is_archive, root_of
from drumline.core.artifacts import STORAGE_ERRORS, filesystem, join
from drumline.core.errors import ArchiveError, ConfigError

log = logging.getLogger("drumline")

MAX_NESTED: Final = 3
"""Archives within archives are opened to this depth: an archive that holds itself ends there."""
_SYSTEM_FOLDERS: Final = frozenset(
    {
        "@eadir", "@tmp", "@recycle", "#recycle", "#snapshot",  # network drives
        "$recycle.bin", "recycler", "system volume information", "found.000",  # Windows
        "__macosx", "lost+found",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """The files of a library, or of an archive in it."""

    uri: str
    """The files are ``artifacts.join(uri, path)``."""
    prefix: str
    """Path of the archive below the library; empty for the library itself."""
    files: Mapping[str, str]
    """Path -> a stamp that changes with the file (size and time, ETag or checksum)."""
    fault: str = ""
    """Why an archive cannot be listed."""


def is_hidden(path: str) -> bool:
    """Whether a file or a folder above it, below the library, is hidden or a system's own.

    A dot before a dot, a digit or a space hides nothing: bands are called ``...And You Will Know Us``, ``.38 Special``.
    """
    return any(
        (part[:1] == "." and part[1:2] not in (".", " ", "") and not part[1].isdigit())
        or part.lower() in _SYSTEM_FOLDERS
        for part in path.split("/")
    )


def list_files(uri: str, *, key: str = "roots") -> Listing:
    """The files of a folder, bucket prefix or archive, without those of archives in it.

    Raises ConfigError, which names the configuration's key, where it cannot be listed.
    """
    try:
        return _listed(uri)
    except (*STORAGE_ERRORS, ArchiveError, ImportError, ValueError) as error:
        raise ConfigError(f"{key}: {uri}: cannot be listed ({error or type(error).__name__})") from error


def list_library(uri: str, *, key: str = "roots") -> Iterator[Listing]:
    """The files of a library, and then those of each archive in it; one that cannot be read has a fault.

    Raises ConfigError where the library itself cannot be listed.
    """
    yield from _with_archives(list_files(uri, key=key), depth=1)


def walk(folder: str) -> Iterator[tuple[str, os.stat_result | None]]:
    """Each file below a local folder: its path relative to it, with slashes, and its status (None of a broken link).

    Links are followed after the folders themselves, so a folder is found by its own path first. Raises OSError where
    the folder cannot be listed; one below it that cannot be is logged and left out.
    """
    seen: set[tuple[int, int]] = set()
    folders, links = [""], list[str]()
    while folders or links:
        links.sort(reverse=True)
        relative = folders.pop() if folders else links.pop()
        path = os.path.join(folder, relative)
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError as error:
            if not relative:
                raise
            log.warning("%s: cannot be listed (%s); left out", path, error.strerror or error)
            continue
        for entry in entries:
            below = f"{relative}/{entry.name}" if relative else entry.name
            if is_hidden(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(below)
            elif entry.is_dir():
                links.append(below)
            elif entry.is_file():
                yield below, entry.stat()
            elif entry.is_symlink():
                yield below, None


def _listed(uri: str) -> Listing:
    fs, path = filesystem(uri)
    fs.invalidate_cache()  # s3fs remembers listings for as long as the process lives
    if "::" not in uri and not fs.isdir(path):
        if not is_archive(uri):
            raise FileNotFoundError("there is no such folder or bucket")
        if not fs.exists(path):
            raise FileNotFoundError("there is no such file")
        uri = root_of(uri)
        fs, path = filesystem(uri)
    if isinstance(fs, LocalFileSystem):
        found = {file: f"{status.st_size}:{status.st_mtime}" if status else "missing" for file, status in walk(path)}
        return Listing(uri, "", found)
    entries = fs.find("" if "::" in uri else path, detail=True)
    prefix = "" if "::" in uri else path.rstrip("/") + "/"
    stamps = {
        entry.removeprefix(prefix): f"{info.get('size')}:{info.get('ETag') or info.get('mtime') or info.get('CRC')}"
        for entry, info in entries.items()
    }
    return Listing(uri, "", {file: stamp for file, stamp in stamps.items() if not is_hidden(file)})


def _with_archives(listing: Listing, depth: int) -> Iterator[Listing]:
    yield listing
    for path in sorted(filter(is_archive, listing.files)):
        prefix = f"{listing.prefix}/{path}" if listing.prefix else path
        uri = root_of(join(listing.uri, path))
        if depth > MAX_NESTED:
            yield Listing(uri, prefix, {}, f"archives within archives, more than {MAX_NESTED} deep: unpack it")
            continue
        try:
            files = _listed(uri).files
        except (ArchiveError, FileNotFoundError, PermissionError) as error:
            yield Listing(uri, prefix, {}, f"cannot be read as a zip archive ({error or type(error).__name__})")
            continue
        yield from _with_archives(Listing(uri, prefix, files), depth + 1)
