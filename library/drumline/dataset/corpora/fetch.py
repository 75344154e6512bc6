"""Fetch material of the catalogue into a folder: download, unpack and publish when complete.

``TO/NAME`` is the material, ``TO/NAME.fetched.json`` its download record (`Record`); ``TO/.downloads`` exists only
while a download is unfinished.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from drumline.core.artifacts import sha256_file, write_bytes
from drumline.core.documents import parse_json
from drumline.core.errors import DrumlineError
from drumline.dataset.corpora.catalogue import Material
from drumline.dataset.corpora.download import download
from drumline.dataset.corpora.unpack import Unpacked, unpack

_ROOM: Final = 2.5  # a download, and what it unpacks to, for a little while both


@dataclass(frozen=True)
class Record:
    """Download record: checksums that later downloads and checks must match."""

    name: str
    downloads: dict[str, str]
    """SHA-256 of the download by URL."""
    files: tuple[Unpacked, ...]


def fetch(material: Material, to: Path, *, show_progress: bool = False) -> Path:
    """Fetch material into ``to / material.name`` and return that folder, resuming an interrupted fetch.

    Raises DrumlineError if there is nothing to download, the folder exists, space or the connection is lacking, a
    checksum differs, or an archive is damaged or hostile.
    """
    folder = to / material.name
    if not material.files:
        raise DrumlineError(f"{material.name}: nothing to download; {how_else(material)}")
    if folder.exists():
        raise DrumlineError(f"{folder} is already there: `drumline corpora check {folder} {material.name}`")
    to.mkdir(parents=True, exist_ok=True)
    _check_room(material, to)
    before = read_record(folder)
    downloads, waiting = to / ".downloads" / material.name, to / ".downloads" / f"{material.name}.unpacked"
    shutil.rmtree(waiting, ignore_errors=True)
    waiting.mkdir(parents=True)
    digests: dict[str, str] = {}
    files: list[Unpacked] = []
    for remote in material.files:
        known = f"sha256:{before.downloads[remote.url]}" if before and remote.url in before.downloads else ""
        local = download(
            remote.url,
            downloads / remote.file_name,
            checksum=remote.checksum or known,
            show_progress=show_progress,
        )
        digests[remote.url] = sha256_file(local)
        if remote.is_archive:
            try:
                files += unpack(local, waiting)
            except DrumlineError:
                local.unlink()  # the next attempt must not find it again
                shutil.rmtree(waiting)
                raise
        else:
            files.append(Unpacked(local.name, local.stat().st_size, digests[remote.url]))
            local.replace(waiting / local.name)
    write_record(folder, Record(material.name, digests, tuple(files)))
    waiting.replace(folder)
    shutil.rmtree(downloads)
    if not any(downloads.parent.iterdir()):
        downloads.parent.rmdir()
    return folder


def how_else(material: Material) -> str:
    """Instructions to get it from Debian; empty if there is no package."""
    if material.debian is None:
        return ""
    return f"apt install {material.debian.package}, then it is {material.debian.path}"


def record_path(folder: Path) -> Path:
    """Path of a folder's download record, beside the folder."""
    return folder.with_name(folder.name + ".fetched.json")


def read_record(folder: Path) -> Record | None:
    """Read the download record of a folder; None if there is none. Raises DrumlineError if it is damaged."""
    path = record_path(folder)
    if not path.is_file():
        return None
    try:
        tree = parse_json(path.read_text(encoding="utf-8"))
        return Record(tree["name"], dict(tree["downloads"]), tuple(Unpacked(**file) for file in tree["files"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DrumlineError(f"{path}: damaged ({error}); delete it to trust the next download anew") from error


def write_record(folder: Path, record: Record) -> None:
    write_bytes(str(record_path(folder)), json.dumps(asdict(record), indent=1).encode())


def _check_room(material: Material, to: Path) -> None:
    needed, free = _ROOM * sum(remote.size_bytes for remote in material.files), shutil.disk_usage(to).free
    if needed > free:
        raise DrumlineError(f"{to}: {free / 1e9:.1f} GB are free, {material.name} needs about {needed / 1e9:.1f} GB")
