"""Find songs under roots, by listing alone: no chart is parsed and no audio opened here.

A root is a folder, a bucket prefix or a zip file. What it holds is told by its layout: a corpus that
`charts.corpora` knows, or song folders, ``.sng`` containers and chart exports anywhere below. Of exports and event
manifests, what they say of their audio is read too.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import splitext
from typing import Final, Literal

from pydantic import TypeAdapter, field_validator

from drumline.audio import layout
from drumline.charts.corpora import CORPORA, corpora_in
from drumline.charts.corpus import CorpusItem
from drumline.charts.events_jsonl import read_events_jsonl
from drumline.charts.midi_json import EXPORT_NAME, ClassOrder
from drumline.core.artifacts import STORAGE_ERRORS, filesystem, join, read_bytes
from drumline.core.config import Config, fingerprint
from drumline.core.errors import ChartError, ConfigError

Kind = Literal["auto", "songs", "groove", "egmd", "slakh", "enst", "mdb", "mdb_class"]

_CHART_ENDINGS = {
    ".chart": "chart",
    ".mid": "mid",
    ".midi": "mid",
    ".sng": "sng",
    ".bsm": "beatsight",
    ".bs": "beatsight",
    "events.jsonl": "events_jsonl",
    "hits.json": "hits_json",
}
NOTES = ("notes.mid", "notes.midi", "notes.chart")
"""The names the games look for. Where several stand side by side the first is the song, as in the games."""


class RootConfig(Config):
    """One place to look for songs."""

    uri: str
    """A local folder, a ``.zip`` file, ``s3://bucket/prefix`` or any fsspec path."""
    kind: Kind = "auto"
    """``songs`` for song folders, the name of a corpus, or ``auto`` to tell by the layout."""
    class_order: ClassOrder = "true"
    """How ``*.midi.json`` exports count cymbals; ``legacy`` for the General MIDI data of chart-hero."""
    name: str = ""
    """Stands at the head of each song's key; the last part of the URI if empty."""

    @field_validator("class_order", mode="before")
    @classmethod
    def _word(cls, value: object) -> object:
        return "true" if value is True else value  # YAML reads the bare word as a boolean

    @property
    def label(self) -> str:
        """The name, given or taken from the URI."""
        return self.name or PurePosixPath(self.uri.rstrip("/")).stem


@dataclass(frozen=True)
class SongSource:
    """A song that was found, with all that a worker needs to read it."""

    key: str
    """Root name and relative path: unique in a build."""
    root: str
    format: str
    """``chart``, ``mid``, ``sng``, ``midi_json``, ``beatsight``, ``events_jsonl``, ``hits_json`` or a corpus' name."""
    annotation: str
    """Path of the chart, relative to the root."""
    audio: tuple[layout.Choice, ...] = ()
    """The files that can hold the drums, best first, relative to `audio_root`; empty for containers."""
    audio_root: str = ""
    """Where the audio is, if not under the root: an export's audio lies with the chart that was exported."""
    siblings: tuple[str, ...] = ()
    """Names of the files in the chart's folder."""
    item: CorpusItem | None = None
    stamp: str = ""
    """Changes when a file of the song changes (sizes and times, or ETags)."""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def audio_layout(self) -> str:
        """The best audio by name: ``stem``, ``stems``, ``mix``, ``container`` or ``none``."""
        if self.format == "sng":
            return "container"
        return self.audio[0].domain if self.audio else "none"

    def uri(self, path: str) -> str:
        """The full URI of a file below the root."""
        return join(self.root, path)

    def audio_uri(self, path: str) -> str:
        """The full URI of one of the audio files."""
        return join(self.audio_root or self.root, path)

    def to_json(self) -> str:
        """As one line, for Ray's rows."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(line: str) -> "SongSource":
        """The inverse of `to_json`."""
        return _ADAPTER.validate_json(line)


_ADAPTER: Final = TypeAdapter(SongSource)
"""Made once: making it takes thirty times as long as reading a row."""


def songs_of_root(name: str, root: RootConfig, uri: str, files: Mapping[str, str]) -> Iterator[SongSource]:
    """The songs in a listing of a root (`list_files`), with no audio yet for chart exports (`exports`)."""
    kind: str = root.kind
    if kind == "auto":
        corpora = corpora_in(files)
        kind = corpora[0].name if corpora else "songs"
    if kind == "songs":
        yield from song_folders(name, uri, files)
        return
    for item in CORPORA[kind].items(files, lambda path: read_bytes(join(uri, path))):
        audio = tuple(layout.Choice(domain, item.audio[domain]) for domain in layout.DOMAINS if item.audio.get(domain))
        paths = [item.annotation, *(file for choice in audio for file in choice.files)]
        stamp = stamp_of(paths, files)
        yield SongSource(f"{name}/{item.key}", uri, kind, item.annotation, audio=audio, item=item, stamp=stamp)


def list_files(uri: str, *, key: str = "roots") -> tuple[str, dict[str, str]]:
    """The URI to read from, and each file's path relative to it with its stamp. Hidden files are left out.

    Raises ConfigError, which names the configuration's key, where it cannot be listed.
    """
    wanted = uri
    try:
        if uri.endswith(".zip") and "::" not in uri:
            if not filesystem(uri)[0].exists(filesystem(uri)[1]):
                raise FileNotFoundError("there is no such file")
            uri = f"zip://::{uri}"
        fs, path = filesystem(uri)
        fs.invalidate_cache()  # s3fs remembers listings for as long as the process lives
        if "::" not in uri and not fs.isdir(path):
            raise FileNotFoundError("there is no such folder or bucket")
        listing = fs.find(path if "::" not in uri else "", detail=True)
    except (*STORAGE_ERRORS, ImportError, ValueError) as error:
        raise ConfigError(f"{key}: {wanted}: cannot be listed ({error or type(error).__name__})") from error
    prefix = "" if "::" in uri else path.rstrip("/") + "/"
    return uri, {
        entry.removeprefix(prefix): f"{info.get('size')}:{info.get('ETag') or info.get('mtime') or info.get('CRC')}"
        for entry, info in listing.items()
        if not entry.rpartition("/")[2].startswith(".")
    }


def is_audio(name: str) -> bool:
    """Whether a file is audio by its ending."""
    return splitext(name)[1].lower() in layout.EXTENSIONS


def stamp_of(paths: Iterable[str], files: Mapping[str, str]) -> str:
    """Of some files of a listing: another once one of them changes."""
    return fingerprint({path: files.get(path, "") for path in paths})


def song_folders(name: str, uri: str, files: Mapping[str, str]) -> Iterator[SongSource]:
    """The songs in a listing of files (`list_files`) whose folders are songs, ``.sng`` containers or chart exports."""
    folders: dict[str, list[str]] = defaultdict(list)
    for path in files:  # millions of them: pathlib would take three quarters of the time
        folder, _, file = path.rpartition("/")
        folders[folder].append(file)
    for folder, members in sorted(folders.items()):
        prefix = f"{folder}/" if folder else ""
        for chart, format_ in _charts_of_folder(sorted(members)):
            yield from _sources_of_chart(name, uri, prefix, chart, format_, sorted(members), files)


def _charts_of_folder(members: Sequence[str]) -> Iterator[tuple[str, str]]:
    by_lower = {member.lower(): member for member in members}
    notes = next((by_lower[candidate] for candidate in NOTES if candidate in by_lower), None)
    for member in members:
        if member.lower() in NOTES and member != notes:
            continue
        ending = max((end for end in _CHART_ENDINGS if member.lower().endswith(end)), key=len, default=None)
        if EXPORT_NAME.fullmatch(member):
            yield member, "midi_json"
        elif ending is not None:
            yield member, _CHART_ENDINGS[ending]


def _sources_of_chart(
    name: str, uri: str, prefix: str, chart: str, format_: str, members: Sequence[str], files: Mapping[str, str]
) -> Iterator[SongSource]:
    path = prefix + chart
    is_notes = chart.lower() in NOTES
    if format_ == "events_jsonl":
        yield from _sessions(name, uri, path, files)
        return
    audio: tuple[layout.Choice, ...] = ()
    if format_ != "sng":
        # The games' own names speak for the folder; a chart of another name owns the audio of its own stem.
        stem = splitext(chart)[0]
        choices = tuple(
            layout.Choice("mix", (member,)) for member in members if splitext(member)[0] == stem and is_audio(member)
        )
        others = sum(1 for _, other in _charts_of_folder(members) if other != "midi_json")
        if is_notes or (not choices and others == 1):
            choices = layout.choose(members)
        audio = tuple(layout.Choice(c.domain, tuple(prefix + file for file in c.files)) for c in choices)
    key = f"{name}/{prefix.rstrip('/') if is_notes and prefix else path}"
    # Whatever stands beside the chart and could matter to it: its own words and every audio file.
    around = [member for member in members if member.lower() == "song.ini" or is_audio(member)]
    stamp = stamp_of([path, *(prefix + member for member in around)], files)
    yield SongSource(key, uri, format_, path, audio=audio, siblings=tuple(members), stamp=stamp)


def _sessions(name: str, uri: str, path: str, files: Mapping[str, str]) -> Iterator[SongSource]:
    """A manifest names its audio: it is read here, as the only file that is."""
    try:
        recordings = read_events_jsonl(read_bytes(join(uri, path)), path)
    except ChartError:
        # As for any chart: the work on it says what is wrong, in a row.
        yield SongSource(
            f"{name}/{path}", uri, "events_jsonl", path, stamp=stamp_of([path], files), extra={"audio_path": ""}
        )
        return
    folder = str(PurePosixPath(path).parent)
    for recording in recordings:
        audio = recording.audio_path if folder == "." else f"{folder}/{recording.audio_path}"
        domain = "stem" if recording.mix_context in ("close_mic", "overheads") else "mix"
        yield SongSource(
            f"{name}/{path}#{recording.audio_path}",
            uri,
            "events_jsonl",
            path,
            audio=(layout.Choice(domain, (audio,)),) if audio in files else (),
            stamp=stamp_of([path, audio], files),
            extra={"audio_path": recording.audio_path},
        )
