"""The songs of a library, by one listing; nothing is read."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from drumline.audio.layout import EXTENSIONS, choose
from drumline.core.errors import ConfigError
from drumline.dataset.sources import list_files, stamp_of
from drumline.transcription.library.config import LibraryConfig
from drumline.transcription.sources import Stem


@dataclass(frozen=True)
class LibrarySong:
    """One song, with all that a worker needs to read it."""

    key: str
    """Path of its audio, or of its folder, below the library."""
    name: str
    """Of its results: a path without an ending."""
    root: str
    """URI that ``files`` are below."""
    files: tuple[str, ...]
    """To be heard together."""
    stamp: str
    """Changes when a file changes (sizes and times, or ETags)."""

    def to_json(self) -> str:
        """As one line, for Ray's rows."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(line: str) -> "LibrarySong":
        """The inverse of `to_json`."""
        told = json.loads(line)
        return LibrarySong(**{**told, "files": tuple(told["files"])})


def find_library(config: LibraryConfig) -> list[LibrarySong]:
    """Every song, in order of key. Raises ConfigError where the library cannot be listed or holds no audio."""
    root, files = list_files(config.library, key="library")
    audio = {path: stamp for path, stamp in files.items() if PurePosixPath(path).suffix.lower() in EXTENSIONS}
    keys = dict(_folders(audio, config.stem) if config.songs == "folders" else ((path, (path,)) for path in audio))
    if not keys:
        kind = "folder with a song's audio" if config.songs == "folders" else "audio"
        raise ConfigError(f"library: no {kind} below {config.library} ({', '.join(EXTENSIONS)})")
    names = {key: key if config.songs == "folders" else str(PurePosixPath(key).with_suffix("")) for key in keys}
    # Two files that differ by their endings alone keep them.
    often = Counter(name.lower() for name in names.values())
    return [
        LibrarySong(key, names[key] if often[names[key].lower()] == 1 else key, root, own, stamp_of(own, files))
        for key, own in sorted(keys.items())
    ]


def _folders(audio: Mapping[str, str], stem: Stem) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Key and files of each folder in which a song's audio is recognised; the library itself may be one."""
    folders: dict[PurePosixPath, list[str]] = defaultdict(list)
    for path in audio:
        folders[PurePosixPath(path).parent].append(PurePosixPath(path).name)
    for folder, members in folders.items():
        if choices := choose(members):
            choice = choices[0] if stem == "auto" else choices[-1]
            yield str(folder) if folder.name else "song", tuple(str(folder / name) for name in choice.files)
