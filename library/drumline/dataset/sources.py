"""Find songs under roots by listing files; charts are not parsed and audio is not opened.

A root is a folder, a bucket prefix or a zip file. Its layout determines its kind: a corpus known to `charts.corpora`,
or song folders, ``.sng`` containers and chart exports at any depth. Exports and event manifests are read for the names
of their audio files.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final, Literal

from pydantic import TypeAdapter, field_validator

from drumline.audio import layout
from drumline.charts.corpora import CORPORA, corpora_in
from drumline.charts.corpus import CorpusItem
from drumline.charts.events_jsonl import read_events_jsonl
from drumline.charts.midi_json import ClassOrder
from drumline.core.archives import is_archive
from drumline.core.artifacts import join, read_bytes
from drumline.core.config import Config, fingerprint
from drumline.core.errors import ArchiveError, ChartError
from drumline.core.listing import Listing
from drumline.dataset.folder import Folder, is_audio

_UNREAD_ARCHIVES: Final = (".rar", ".7z")

Kind = Literal["auto", "songs", "groove", "egmd", "slakh", "enst", "mdb", "mdb_class"]


class RootConfig(Config):
    """A folder, archive or bucket that is searched for songs."""

    uri: str
    """Local folder, ``.zip`` file, ``s3://bucket/prefix`` or any fsspec path."""
    kind: Kind = "auto"
    """Layout: ``songs`` for song folders, the name of a corpus, or ``auto`` to detect it."""
    class_order: ClassOrder = "true"
    """Cymbal convention of ``*.midi.json`` exports; ``legacy`` for the General MIDI data of chart-hero."""
    name: str = ""
    """First part of each song's key; the last part of the URI if empty."""

    @field_validator("class_order", mode="before")
    @classmethod
    def _word(cls, value: object) -> object:
        return "true" if value is True else value  # YAML reads the bare word as a boolean

    @property
    def label(self) -> str:
        """Configured name, or the last part of the URI."""
        return self.name or PurePosixPath(self.uri.rstrip("/")).stem


@dataclass(frozen=True)
class SongSource:
    """A found song with the locations of its files."""

    key: str
    """Root name and relative path; unique in a build."""
    root: str
    format: str
    """Chart format: ``chart``, ``mid``, ``sng``, ``midi_json``, ``beatsight``, ``events_jsonl``, ``hits_json``, the
    name of a
    corpus, or ``archive`` for one without songs."""
    annotation: str
    """Path of the chart relative to the root."""
    audio: tuple[layout.Choice, ...] = ()
    """Candidate drum audio files, best first, relative to `audio_root`; empty for containers."""
    audio_root: str = ""
    """Root of the audio files, if different: an export's audio is beside the exported chart."""
    siblings: tuple[str, ...] = ()
    """File names in the chart's folder."""
    alternatives: tuple[str, ...] = ()
    """Other charts of the same audio in the folder, the games' own names first; read if ``annotation`` is a
    transcription."""
    fault: str = ""
    """Reason why an archive has no usable songs; empty for a song."""
    superseded_by: str = ""
    """Key of the folder's main song, if this chart is an alternative to it."""
    item: CorpusItem | None = None
    stamp: str = ""
    """Stamp that changes when a file of the song changes (sizes and times, or ETags)."""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def audio_layout(self) -> str:
        """Best audio by name: ``stem``, ``stems``, ``mix``, ``container`` or ``none``."""
        if self.format == "sng":
            return "container"
        return self.audio[0].domain if self.audio else "none"

    def uri(self, path: str) -> str:
        """Full URI of a file below the root."""
        return join(self.root, path)

    def audio_uri(self, path: str) -> str:
        """Full URI of an audio file."""
        return join(self.audio_root or self.root, path)

    def to_json(self) -> str:
        """Serialise to one line for Ray's rows."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(line: str) -> "SongSource":
        """Inverse of `to_json`."""
        return _ADAPTER.validate_json(line)


_ADAPTER: Final = TypeAdapter(SongSource)
"""Built once, because building takes thirty times as long as reading a row."""


def songs_of_root(name: str, root: RootConfig, listings: Iterable[Listing]) -> Iterator[SongSource]:
    """Find the songs in the listings of a root (`list_library`); exports have no audio yet (`exports`)."""
    for listing in listings:
        head = f"{name}/{listing.prefix}" if listing.prefix else name
        found = None
        for found in _songs_of_listing(head, listing, root.kind):
            yield found
        if found is not None and found.item is not None:
            return  # a corpus is whole: an archive beside it is what it was unpacked from
        if listing.prefix and found is None and not any(map(is_archive, listing.files)):
            yield _unread(name, listing, "", listing.fault or "no chart, .sng or known corpus in it")
        for path in listing.files:
            if path.lower().endswith(_UNREAD_ARCHIVES):
                yield _unread(name, listing, path, "no such archive is read: unpack it, or pack it as .zip")


def _songs_of_listing(head: str, listing: Listing, kind: str) -> Iterator[SongSource]:
    uri, files = listing.uri, listing.files
    if kind == "auto":
        corpora = corpora_in(files)
        kind = corpora[0].name if corpora else "songs"
    if kind == "songs":
        yield from song_folders(head, uri, files)
        return
    for item in CORPORA[kind].items(files, lambda path: read_bytes(join(uri, path))):
        audio = tuple(layout.Choice(domain, item.audio[domain]) for domain in layout.DOMAINS if item.audio.get(domain))
        paths = [item.annotation, *(file for choice in audio for file in choice.files)]
        stamp = stamp_of(paths, files)
        yield SongSource(f"{head}/{item.key}", uri, kind, item.annotation, audio=audio, item=item, stamp=stamp)


def _unread(name: str, listing: Listing, path: str, fault: str) -> SongSource:
    """Row for an unusable archive, so that its songs are not missed silently."""
    location = "/".join(part for part in (listing.prefix, path) if part)
    stamp = fingerprint(fault, dict(listing.files))
    return SongSource(f"{name}/{location}", listing.uri, "archive", location, stamp=stamp, fault=fault)


def stamp_of(paths: Iterable[str], files: Mapping[str, str]) -> str:
    """Stamp of files in a listing, which changes when one of them changes."""
    return fingerprint({path: files.get(path, "") for path in paths})


def song_folders(name: str, uri: str, files: Mapping[str, str]) -> Iterator[SongSource]:
    """Find song folders, ``.sng`` containers and chart exports in a listing."""
    folders: dict[str, list[str]] = defaultdict(list)
    for path in files:  # millions of them: pathlib would take three quarters of the time
        location, _, file = path.rpartition("/")
        folders[location].append(file)
    for location, members in sorted(folders.items()):
        folder = Folder(members)
        for chart in folder.charts:
            yield from _sources_of_chart(name, uri, f"{location}/" if location else "", chart, folder, files)


def _sources_of_chart(
    name: str, uri: str, prefix: str, chart: str, folder: Folder, files: Mapping[str, str]
) -> Iterator[SongSource]:
    path, format_ = prefix + chart, folder.charts[chart]
    if format_ == "events_jsonl":
        yield from _sessions(name, uri, path, files)
        return
    is_notes = chart in folder.notes
    choices = folder.audio_of(chart) if format_ != "sng" else ()
    alternatives = tuple(prefix + other for other in folder.alternatives) if is_notes else ()
    # Whatever stands beside the chart and could matter to it: its own words and every audio file.
    around = [member for member in folder.members if member.lower() == "song.ini" or is_audio(member)]
    source = SongSource(
        key=f"{name}/{prefix.rstrip('/') if is_notes and prefix else path}",
        root=uri,
        format=format_,
        annotation=path,
        audio=tuple(layout.Choice(each.domain, tuple(prefix + file for file in each.files)) for each in choices),
        siblings=folder.members,
        alternatives=alternatives,
        stamp=stamp_of([path, *(prefix + member for member in around), *alternatives], files),
    )
    if chart in folder.alternatives:
        source = replace(source, audio=(), superseded_by=f"{name}/{prefix.rstrip('/') or folder.notes[0]}")
    yield source


def _sessions(name: str, uri: str, path: str, files: Mapping[str, str]) -> Iterator[SongSource]:
    """Sources of an event manifest, which is read here for the audio files that it names."""
    try:
        recordings = read_events_jsonl(read_bytes(join(uri, path)), path)
    except (ArchiveError, ChartError):
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
