"""The songs of a library, by one listing; nothing is read."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath

from fsspec.implementations.local import LocalFileSystem

from drumline.audio.layout import AUDIO_KINDS, EXTENSIONS, choose
from drumline.core.artifacts import filesystem
from drumline.core.config import fingerprint
from drumline.core.errors import ConfigError
from drumline.core.listing import Listing, list_library
from drumline.dataset.sources import stamp_of
from drumline.transcription.library.config import LibraryConfig
from drumline.transcription.sources import Stem


@dataclass(frozen=True)
class LibrarySong:
    """One song, with all that a worker needs to read it."""

    key: str
    """Path of its audio, or of its folder, below the library."""
    name: str
    """Name of its results: a path without a suffix."""
    root: str
    """URI that ``files`` are below."""
    files: tuple[str, ...]
    """To be heard together; none where there is a fault."""
    stamp: str
    """Changes when a file changes (sizes and times, or ETags)."""
    reason: str = ""
    """Why it cannot be transcribed, a key of `core.errors.REASONS`; empty for a song."""
    detail: str = ""

    def to_json(self) -> str:
        """As one line, for Ray's rows."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(line: str) -> "LibrarySong":
        """The inverse of `to_json`."""
        fields = json.loads(line)
        return LibrarySong(**{**fields, "files": tuple(fields["files"])})


def find_library(config: LibraryConfig) -> list[LibrarySong]:
    """Every song, in order of key: each file of an audio kind, readable or not, or each folder with such files.

    Archives in the library are part of it. One that cannot be read, and a folder in which no song is recognised, have a
    reason instead of files. Raises ConfigError where the library cannot be listed or holds no audio.
    """
    output = _below(config.output, config.library)
    found: list[LibrarySong] = []
    for listing in list_library(config.library, key="library"):
        if listing.fault:
            stamp = fingerprint(listing.fault)
            found.append(LibrarySong(listing.prefix, "", listing.uri, (), stamp, "container_unreadable", listing.fault))
        audio = [path for path in listing.files if PurePosixPath(path).suffix.lower() in AUDIO_KINDS]
        if output and not listing.prefix:
            audio = [path for path in audio if not path.startswith(output)]  # what an earlier run wrote
        found += _folders(listing, audio, config.stem) if config.songs == "folders" else _files(listing, audio)
    if not found:
        kind = "folder with a song's audio" if config.songs == "folders" else "audio"
        raise ConfigError(f"library: no {kind} below {config.library} ({', '.join(EXTENSIONS)})")
    names = {song.key: song.key if config.songs == "folders" else _without_ending(song.key) for song in found}
    # Two files that differ by their endings alone keep them.
    often = Counter(name.lower() for name in names.values())
    named = (replace(song, name=names[song.key] if often[names[song.key].lower()] == 1 else song.key) for song in found)
    return sorted(named, key=lambda song: song.key)


def _files(listing: Listing, audio: Sequence[str]) -> Iterator[LibrarySong]:
    for path in audio:
        yield LibrarySong(_key(listing, path), "", listing.uri, (path,), stamp_of((path,), listing.files))


def _folders(listing: Listing, audio: Sequence[str], stem: Stem) -> Iterator[LibrarySong]:
    """Each folder with audio; the library itself may be one."""
    folders: dict[PurePosixPath, list[str]] = defaultdict(list)
    for path in audio:
        folders[PurePosixPath(path).parent].append(PurePosixPath(path).name)
    for folder, members in folders.items():
        key = _key(listing, str(folder) if folder.name else "song")
        choices = choose(members)
        files = (
            tuple(str(folder / name) for name in (choices[0] if stem == "auto" else choices[-1]).files)
            if choices
            else ()
        )
        stamp = stamp_of(files or [str(folder / name) for name in members], listing.files)
        song = LibrarySong(key, "", listing.uri, files, stamp)
        yield song if choices else replace(song, reason="audio_missing", detail=_unrecognised(members))


def _unrecognised(members: Sequence[str]) -> str:
    names = ", ".join(sorted(members)[:5])
    return f"no file is named as a song's audio is (song, drums, guitar ...), and there are several: {names}"


def _key(listing: Listing, path: str) -> str:
    return f"{listing.prefix}/{path}" if listing.prefix else path


def _without_ending(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))


def _below(uri: str, library: str) -> str:
    """Path of a folder below the library with a slash at its end; empty where it is elsewhere."""
    (fs, path), (_, root) = filesystem(uri), filesystem(library)
    if isinstance(fs, LocalFileSystem):
        path, root = os.path.realpath(path), os.path.realpath(root)
    return path.removeprefix(f"{root}/") + "/" if path.startswith(f"{root}/") else ""
