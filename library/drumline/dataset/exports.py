"""Songs from chart-hero exports: one song for all difficulties of a chart, with the audio that its ``path`` refers to.

An export contains notes only. Its ``path`` is the exported chart as spelled on the exporter's machine; audio and
song.ini are in that folder. The folder is searched for

1. below the export's folder and each folder above it, if the path is relative;
2. under all roots, by the longest matching suffix (drives, mount points and home folders differ);
3. on this machine's disk, if the root is there too.

Without such a folder, the audio beside the export is used: a file of the same name, or the folder's audio if it holds
exports of one song only. Paths are compared ignoring case and Unicode form.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from posixpath import normpath, splitext
from typing import Final

from drumline.audio import layout
from drumline.charts.midi_json import EXPORT_NAME, source_path
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes
from drumline.core.config import fingerprint
from drumline.core.errors import ChartError
from drumline.core.prefetch import prefetch
from drumline.dataset.folder import is_audio
from drumline.dataset.sources import SongSource

_THREADS: Final = 8
_CHART_FILES: Final = (".mid", ".midi", ".chart", ".txt", ".sng", ".json", ".ini")
_DIFFICULTIES: Final = ("expert", "hard", "medium", "easy")


@dataclass(frozen=True)
class AudioTree:
    """Files below one root, and the folders among them that contain audio."""

    uri: str
    files: Mapping[str, str]
    """Stamp by relative path."""

    @cached_property
    def folders(self) -> dict[str, list[str]]:
        """Audio files by normalised folder path."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.files:
            found[_same(path.rpartition("/")[0])].append(path)
        return {folder: paths for folder, paths in found.items() if any(map(is_audio, paths))}

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """Folders by their last path part."""
        found: dict[str, list[str]] = defaultdict(list)
        for folder in self.folders:
            found[folder.rpartition("/")[2]].append(folder)
        return found


def songs_of_exports(exports: Sequence[SongSource], trees: Sequence[AudioTree]) -> Iterator[SongSource]:
    """Combine export files into one source per song, with its audio."""
    paths = prefetch((partial(_path_of, source) for source in exports), threads=_THREADS)
    folders: dict[tuple[str, str], dict[str, list[tuple[SongSource, str]]]] = defaultdict(lambda: defaultdict(list))
    for source, path in zip(exports, paths, strict=True):
        folder, _, name = source.annotation.rpartition("/")
        match = EXPORT_NAME.fullmatch(name)
        folders[source.root, folder][match["song"].casefold() if match else name].append((source, path))
    for songs in folders.values():
        parted = [(song, files) for song, exported in songs.items() for files in _charts_apart(exported)]
        for song, files in parted:
            yield _song(files, song, trees, is_alone=len(parted) == 1)


def _charts_apart(files: Sequence[tuple[SongSource, str]]) -> list[list[tuple[SongSource, str]]]:
    """Exports of one artist and title by the folder of their chart; without paths, by the exporter's counter."""
    apart: dict[str, list[tuple[SongSource, str]]] = defaultdict(list)
    is_told = any(path for _, path in files)
    for source, path in files:
        match = EXPORT_NAME.fullmatch(source.annotation.rpartition("/")[2])
        count = match["copy"] or "" if match else ""
        apart[next(iter(_folders_of(path)), "") if is_told else count].append((source, path))
    if is_told and len(apart) == 2:  # a file that cannot be read, or says no path, is of the one chart that is told
        return [[each for part in apart.values() for each in part]] if "" in apart else list(apart.values())
    return list(apart.values())


def _song(
    files: Sequence[tuple[SongSource, str]], song: str, trees: Sequence[AudioTree], *, is_alone: bool
) -> SongSource:
    by_difficulty = _by_difficulty([source for source, _ in files])
    chosen = next(iter(by_difficulty.values()))
    path = next(path for source, path in files if source is chosen)
    tree = next(tree for tree in trees if tree.uri == chosen.root)
    prefix = chosen.annotation.rpartition("/")[0]
    found = _audio_at(path, prefix, tree, trees) if path else None
    extra = {f"export {name}": source.annotation for name, source in by_difficulty.items() if name}
    if found is None:
        beside = [f"{prefix}/{name}" if prefix else name for name in chosen.siblings]
        named = [each for each in beside if is_audio(each) and _stem(each) in (song, _stem(chosen.annotation))]
        found = tree, named or (beside if is_alone else [])
    location, members = found
    choices = layout.choose([member.rpartition("/")[2] for member in members])
    at = {member.rpartition("/")[2]: member for member in members}
    audio = tuple(layout.Choice(choice.domain, tuple(at[name] for name in choice.files)) for choice in choices)
    ini = next((member for name, member in at.items() if name.lower() == "song.ini"), "")
    around = [member for member in members if member == ini or is_audio(member)]
    stamps = [tree.files.get(source.annotation, "") for source, _ in files]
    stamps += [f"{member} {location.files.get(member, '')}" for member in around]
    return replace(
        chosen,
        audio=audio,
        audio_root="" if location.uri == chosen.root else location.uri,
        stamp=fingerprint(*stamps),
        extra={**chosen.extra, **extra, "song_ini": ini, "path": path},
    )


def _by_difficulty(sources: Sequence[SongSource]) -> dict[str, SongSource]:
    """One file per difficulty, hardest first; "" for files that name no difficulty.

    Of several files, one exported from a .chart is preferred: the exporter misreads the tom markers of a .mid.
    """
    found: dict[str, SongSource] = {}
    for source in sources:
        match = EXPORT_NAME.fullmatch(source.annotation.rpartition("/")[2])
        name = (match["difficulty"] or "").lower() if match else ""
        if name not in found or (match and match["source"].lower() == "chart"):
            found[name] = source
    return {name: found[name] for name in (*_DIFFICULTIES, "") if name in found}


def _path_of(source: SongSource) -> str:
    try:
        return source_path(read_bytes(source.uri(source.annotation)), source.annotation)
    except (ChartError, *STORAGE_ERRORS):
        return ""  # the work on the song says what is wrong, in a row


def _audio_at(
    path: str, prefix: str, tree: AudioTree, trees: Sequence[AudioTree]
) -> tuple[AudioTree, list[str]] | None:
    """Location and files of the folder that an export's path refers to; None if it has no audio."""
    for folder in _folders_of(path):
        if not _is_absolute(folder):
            for above in (prefix or ".", *map(str, PurePosixPath(prefix).parents)):
                below = _same(normpath(f"{above}/{folder}"))
                if below in tree.folders:
                    return tree, tree.folders[below]
        if found := _by_last_parts(folder, trees):
            return found
        if found := _on_disk(folder, prefix, tree):
            return found
    return None


def _by_last_parts(folder: str, trees: Sequence[AudioTree]) -> tuple[AudioTree, list[str]] | None:
    """Folder under any root with the longest matching path suffix; None if several match equally."""
    wanted = [part for part in _same(folder).split("/") if part not in ("", ".", "..")]
    found: list[tuple[int, AudioTree, str]] = []
    for tree in trees:
        for candidate in tree.by_name.get(wanted[-1], []) if wanted else []:
            pairs = zip(reversed(wanted), reversed(candidate.split("/")), strict=False)
            found.append((sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)), tree, candidate))
    most = max((each[0] for each in found), default=0)
    best = [each for each in found if each[0] == most]
    return (best[0][1], best[0][1].folders[best[0][2]]) if len(best) == 1 else None


def _on_disk(folder: str, prefix: str, tree: AudioTree) -> tuple[AudioTree, list[str]] | None:
    """Folder of this machine outside all roots, for exports made on this machine."""
    root = Path(tree.uri)
    if "::" in tree.uri or "://" in tree.uri or not root.is_dir():
        return None
    start = root.absolute() / prefix
    for location in [Path(folder)] if _is_absolute(folder) else [above / folder for above in (start, *start.parents)]:
        try:
            infos = [entry for entry in os.scandir(location) if entry.is_file()]
        except OSError:
            continue
        stamps = {entry.name: f"{entry.stat().st_size}:{entry.stat().st_mtime}" for entry in infos}
        if any(map(is_audio, stamps)):
            return AudioTree(normpath(str(location)), stamps), list(stamps)
    return None


def _folders_of(path: str) -> list[str]:
    """Folders that an export's path can refer to: that of the chart it names, or the path itself."""
    spelt = path.strip().replace("\\", "/")
    head, _, last = spelt.rstrip("/").rpartition("/")
    is_file = splitext(last)[1].lower() in _CHART_FILES
    return [folder for folder in ([head] if is_file else [spelt.rstrip("/"), head]) if folder]


def _is_absolute(folder: str) -> bool:
    return folder.startswith("/") or folder[1:2] == ":"


def _same(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _stem(path: str) -> str:
    return splitext(path.rpartition("/")[2])[0].casefold()
