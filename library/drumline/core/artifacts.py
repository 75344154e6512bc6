"""Files that are either whole or absent, on a local disk or on any fsspec store.

Locally a file is written aside and renamed; on an object store a PUT is atomic by itself. Readers may
therefore trust that whatever exists under its final name is complete.
"""

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

import fsspec
from fsspec.implementations.local import LocalFileSystem

from drumline.core.errors import ConfigError, DrumlineError

try:
    from botocore.exceptions import BotoCoreError as _StoreError
except ModuleNotFoundError:  # no s3fs is installed: no store raises it
    _StoreError = OSError

STORAGE_ERRORS: Final = (OSError, _StoreError)
"""A store that cannot be reached or refuses. s3fs lets botocore's own errors pass where there are no credentials or
no connection."""


def filesystem(uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URI or a local path, and the path within it.

    Raises OSError or ImportError where the protocol is not available, and of archives what `open_archive` raises.
    """
    if str(uri).startswith("zip://"):
        from drumline.core.archives import open_archive

        member, _, archive = str(uri).removeprefix("zip://").partition("::")
        return open_archive(archive), member.strip("/")
    fs, path = fsspec.core.url_to_fs(str(uri))
    return fs, str(path).rstrip("/") or "/"


def join(uri: str, *parts: str) -> str:
    """A URI below another. In a chained URI (``zip://::file.zip``) the parts go into the first link."""
    head, chain, rest = str(uri).partition("::")
    return "/".join([head.rstrip("/") if not head.endswith("://") else head[:-1], *(p.strip("/") for p in parts)]) + (
        chain + rest
    )


def read_bytes(uri: str, max_bytes: int | None = None) -> bytes:
    """A whole file. Raises FileNotFoundError, or ValueError if it is larger than ``max_bytes``."""
    fs, path = filesystem(uri)
    if max_bytes is not None and (size := int(fs.size(path) or 0)) > max_bytes:
        raise ValueError(f"{uri}: {size:,} bytes, limit {max_bytes:,}")
    return bytes(fs.cat_file(path))


def write_bytes(uri: str, data: bytes) -> None:
    """Write a whole file atomically, making its folders."""
    fs, path = filesystem(uri)
    if not isinstance(fs, LocalFileSystem):
        fs.pipe_file(path, data)
        return
    aside = f"{path}.{uuid.uuid4().hex[:8]}.part"
    try:
        with room_for(len(data), path):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(aside).write_bytes(data)
            os.replace(aside, path)
    finally:
        Path(aside).unlink(missing_ok=True)


def publish(local_file: Path, uri: str) -> None:
    """Move a finished local file to its place in one step, however large it is."""
    fs, path = filesystem(uri)
    if not isinstance(fs, LocalFileSystem):
        fs.put_file(str(local_file), path)
        local_file.unlink()
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        # Same disk: a rename. Another disk: a copy aside, then a rename.
        try:
            os.replace(local_file, aside)
        except OSError:
            with room_for(local_file.stat().st_size, path):
                shutil.copyfile(local_file, aside)
            local_file.unlink()
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def room_for(num_bytes: int, path: str) -> Iterator[None]:
    """Say where a disk is full, and how full: the system's own error names neither. ``path``: of a local file."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(next(folder for folder in Path(path).parents if folder.exists())).free
        raise OSError(error.errno, f"the disk is full: {num_bytes:,} bytes wanted, {free:,} free: '{path}'") from error


@contextmanager
def storage_told(location: str) -> Iterator[None]:
    """Raise DrumlineError where storage fails in the middle of a run that can be taken up again."""
    try:
        yield
    except STORAGE_ERRORS as error:
        raise DrumlineError(
            f"{location}: storage failed ({error or type(error).__name__}). What was finished is kept: "
            "run again to resume"
        ) from error


def check_writable(uri: str) -> None:
    """Raise ConfigError where nothing can be written below a URI, a run's output. Leaves no file behind."""
    probe = join(uri, ".drumline-probe")
    try:
        write_bytes(probe, b"")
        remove(probe)
    except (*STORAGE_ERRORS, ImportError, ValueError) as error:
        raise ConfigError(f"output: {uri}: cannot be written ({error or type(error).__name__})") from error


def refuse_foreign_output(uri: str, *, writes: Collection[str], evidence: Collection[str]) -> None:
    """Raise ConfigError where a folder holds files of names that a run writes, and nothing that only drumline leaves.

    Parameters
    ----------
    uri
        The run's output.
    writes
        Names of files that the run would replace.
    evidence
        Names of which one is in each folder that an earlier run wrote.
    """
    present = names(uri)
    if (foreign := sorted(present & set(writes))) and not present & set(evidence):
        raise ConfigError(
            f"output: {uri} holds {', '.join(foreign)}, which drumline did not write and would replace: name another "
            "folder, or move them away"
        )


def refuse_foreign_json(uri: str, *, keys: Collection[str], beside: Collection[str] = ()) -> None:
    """Raise ConfigError where a JSON file that a run would replace is not one that drumline wrote.

    Parameters
    ----------
    uri
        The file.
    keys
        Keys that drumline's own file has.
    beside
        Names of further files that the run would replace: they are drumline's if the JSON file is.
    """
    folder, _, name = uri.rpartition("/")
    if not exists(uri):
        refuse_foreign_output(folder or ".", writes=beside, evidence=())
        return
    try:
        tree = json.loads(read_bytes(uri))
    except ValueError:
        tree = None
    if not isinstance(tree, dict) or not set(keys) <= tree.keys():
        refuse_foreign_output(folder or ".", writes=(name, *beside), evidence=())


def refuse_foreign_file(uri: str, *, mark: bytes) -> None:
    """Raise ConfigError where a file that a run would replace lacks what drumline's own holds.

    Parameters
    ----------
    uri
        The file.
    mark
        Bytes that only drumline writes into such a file.
    """
    if exists(uri) and mark not in read_bytes(uri):
        raise ConfigError(f"output: {uri} is there, and drumline did not write it: name another, or move it away")


def remove(uri: str) -> None:
    """Delete one file. Raises FileNotFoundError where there is none."""
    fs, path = filesystem(uri)
    fs.rm_file(path)


def exists(uri: str) -> bool:
    """Whether a file is there, asking the store afresh."""
    fs, path = filesystem(uri)
    fs.invalidate_cache()
    return bool(fs.exists(path))


def names(uri: str) -> set[str]:
    """The names of the files directly in a folder; empty where there is no such folder."""
    fs, path = filesystem(uri)
    fs.invalidate_cache()
    try:
        return {PurePosixPath(entry).name for entry in fs.ls(path, detail=False)}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def sha256(data: bytes) -> str:
    """The hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(local_file: Path) -> str:
    """The hexadecimal SHA-256 of a local file, however large it is."""
    with local_file.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
