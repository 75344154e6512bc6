"""Find the performances to play, and read one.

A root is a folder, a bucket prefix or a zip file. Groove and E-GMD are told by their tables; any other root is taken
for a folder of MIDI files, each with its own accompaniment where ``NAME.backing.flac`` lies beside ``NAME.mid``
(`drumline pseudo-label` writes such pairs). Of E-GMD's 43 recordings of a performance one is taken: they hold the same
strokes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import Final, Literal

from pydantic import TypeAdapter

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.corpus import CorpusItem
from drumline.charts.drum_maps import GENERAL_MIDI, ROLAND
from drumline.charts.general_midi import BACKING_SUFFIX, ROLAND_CLOSED_CC4, Performance, read_performance
from drumline.charts.groove import EGMD, GROOVE, RolandCorpus
from drumline.core.archives import is_archive, root_of
from drumline.core.artifacts import STORAGE_ERRORS, join, read_bytes
from drumline.core.config import Config
from drumline.core.errors import ArchiveError, ChartError, ConfigError, Rejected
from drumline.core.listing import list_files

Map = Literal["auto", "general_midi", "roland"]
Split = Literal["", "train", "validation", "test"]

MAX_FILE_BYTES: Final = 32 * 2**20
"""No MIDI file may be larger."""
_CORPORA: Final[Mapping[str, RolandCorpus]] = {corpus.name: corpus for corpus in (GROOVE, EGMD)}
_MIDI_ENDINGS: Final = (".mid", ".midi")
_ROLAND_ONLY: Final = frozenset({"pitch 22", "pitch 26"})
"""The edges of Roland's hi-hat. General MIDI begins at 35, and its extensions at 27."""
_PLAYED_AS: Final = {"snare": "snare_head"}
"""Labels to play for labels that a drum map leaves open."""


class PerformanceRoot(Config):
    """One place to look for performances."""

    uri: str
    """A local folder, a ``.zip`` file, ``s3://bucket/prefix`` or any fsspec path."""
    drum_map: Map = "auto"
    """Drum map of MIDI files: ``roland`` (TD-11, TD-17), ``general_midi``, or detected by each file's pitches."""
    official_split: Split = ""
    """The split of all that is found here, where no corpus says it."""
    name: str = ""
    """Stands at the head of each key; the last part of the URI if empty."""

    @property
    def label(self) -> str:
        """The name, given or taken from the URI."""
        return self.name or PurePosixPath(self.uri.rstrip("/")).stem


@dataclass(frozen=True)
class PerformanceSource:
    """A performance that was found, with all that a worker needs to read it."""

    key: str
    """Root name and relative path: unique among the roots."""
    root: str
    path: str
    """Path of the MIDI file, relative to the root."""
    group: str
    """The performance: equal in Groove and E-GMD."""
    drum_map: Map = "auto"
    corpus: str = ""
    """``groove``, ``egmd``, or empty for a plain MIDI file."""
    official_split: str = ""
    performer: str = ""
    metre: str = ""
    """As the corpus writes it, ``4-4``; empty where it does not tell."""
    tempo_bpm: float | None = None
    duration_s: float | None = None
    """Both by the corpus' table; None where there is none."""
    item: CorpusItem | None = None
    backing: str = ""
    """Path of a recording that plays with it, relative to the root; empty if there is none."""

    def to_json(self) -> str:
        """As one line, for Ray's rows."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(line: str) -> "PerformanceSource":
        """The inverse of `to_json`."""
        return _ADAPTER.validate_json(line)


_ADAPTER: Final = TypeAdapter(PerformanceSource)


def find_performances(roots: Sequence[PerformanceRoot]) -> list[PerformanceSource]:
    """Every performance under the roots, one a group, in order of key. No MIDI file is opened.

    Raises ConfigError where a root cannot be listed or two share a name, ChartError where a corpus' table is damaged.
    """
    found: dict[str, PerformanceSource] = {}
    names: dict[str, str] = {}
    for root in roots:
        if names.setdefault(root.label, root.uri) != root.uri:
            raise ConfigError(f"{names[root.label]} and {root.uri} share the name {root.label!r}: set `name` on one")
        for source in _of_root(root):
            found.setdefault(source.group, source)
    return sorted(found.values(), key=lambda source: source.key)


def read_source(source: PerformanceSource) -> AnnotatedSong | Rejected:
    """The performance of a source, or why it cannot be played."""
    try:
        song = _read(source)
    except ChartError as error:
        return Rejected("chart_unreadable", str(error))
    except ArchiveError as error:
        return Rejected("container_unreadable", f"{source.root}: {error}")
    except (*STORAGE_ERRORS, ValueError) as error:
        return Rejected("source_unreadable", f"{source.path}: {error or type(error).__name__}")
    if not any(hit.label != "other" for hit in song.hits):
        return Rejected("chart_without_drums", f"{source.path}: no stroke on a drum kit")
    return song


def read_backing(source: PerformanceSource) -> bytes:
    """The file of a performance's own accompaniment. Raises OSError or ArchiveError where it cannot be read."""
    return read_bytes(_uri(source.root, source.backing))


def _of_root(root: PerformanceRoot) -> Iterator[PerformanceSource]:
    uri, files = root.uri, _list(root.uri)
    corpus = next((corpus for corpus in _CORPORA.values() if corpus.matches(files)), None)
    if corpus is None:
        for path in files:
            if path.lower().endswith(_MIDI_ENDINGS):
                key = f"{root.label}/{path}"
                backing = str(PurePosixPath(path).with_suffix(BACKING_SUFFIX))
                yield PerformanceSource(
                    key=key,
                    root=uri,
                    path=path,
                    group=f"midi:{key}",
                    drum_map=root.drum_map,
                    official_split=root.official_split,
                    backing=backing if backing in files else "",
                )
        return
    for item in corpus.items(files, lambda path: _load(uri, path)):
        row = item.extra
        yield PerformanceSource(
            key=f"{root.label}/{item.key}",
            root=uri,
            path=item.annotation,
            group=f"groove:{row['id']}",
            drum_map="roland",
            corpus=corpus.name,
            official_split=row["split"].strip().casefold(),
            performer=row["drummer"],
            metre=row.get("time_signature", ""),
            tempo_bpm=_positive(row.get("bpm", "")),
            duration_s=_positive(row.get("duration", "")),
            item=item,
        )


def _read(source: PerformanceSource) -> AnnotatedSong:
    def load(path: str) -> bytes:
        return _load(source.root, path)

    if source.item is not None:
        return _CORPORA[source.corpus].read(source.item, load)
    performance = _read_midi(load(source.path), source)
    path = PurePosixPath(source.path)
    hits = tuple(replace(hit, label=_PLAYED_AS.get(hit.label, hit.label)) for hit in performance.hits)
    return AnnotatedSong(
        format="midi",
        hits=hits,
        metadata=Metadata(title=path.stem),
        tempo=performance.tempo,
        official_split=source.official_split,
        group=source.group,
    )


def _read_midi(data: bytes, source: PerformanceSource) -> Performance:
    if source.drum_map != "roland":
        performance = read_performance(data, source.path, drum_map=GENERAL_MIDI)
        names = {hit.source_name for hit in performance.hits}
        if source.drum_map == "general_midi" or names.isdisjoint(_ROLAND_ONLY):
            return performance
    return read_performance(data, source.path, drum_map=ROLAND, closed_cc4=ROLAND_CLOSED_CC4)


def _list(uri: str) -> list[str]:
    """All paths relative to a root, in order."""
    return sorted(list_files(uri, key="performances").files)


def _load(root: str, path: str) -> bytes:
    """The bytes of a file below a root. Raises OSError, ArchiveError, or ValueError for a large file."""
    return read_bytes(_uri(root, path), MAX_FILE_BYTES)


def _uri(root: str, path: str) -> str:
    return join(root_of(root) if is_archive(root) else root, path)


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
