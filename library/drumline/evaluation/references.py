"""Ground truth of an evaluation: songs of a built dataset, or charts and corpora found under roots.

Times are seconds of the audio. Hits of a dataset are aligned; those under ``roots`` are used with the offset that the
chart states: ``audio_s = chart_s + offset_s`` (annotated recordings have none).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, model_validator

from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.beats import tempo_through
from drumline.core.artifacts import join
from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.hits import judged_label
from drumline.core.tempo import TempoMap
from drumline.dataset.find import find_songs
from drumline.dataset.reading import read_song
from drumline.dataset.sources import RootConfig, SongSource
from drumline.evaluation.estimates import GENERIC_NAMES
from drumline.labels.targets import LabelConfig

if TYPE_CHECKING:  # imported where a dataset is read: a light installation has no Arrow
    import pyarrow as pa

Split = Literal["train", "validation", "test"]

_SONG_COLUMNS: Final = ("song_id", "domain", "key", "split", "genre", "duration_s", "unannotated", "audio_files")
_WIDER: Final = LabelConfig().widen
_EVENT_COLUMNS: Final = ("song_id", "domain", "time_s", "beat", "label", "evidence", "flags", "velocity", "openness")


class ReferenceConfig(Config):
    """Ground truth: a dataset, or roots."""

    name: str = "truth"
    """Name in the report."""
    dataset: str = ""
    """Built dataset (its ``events.parquet`` and ``songs.parquet``), local or ``s3://``."""
    splits: tuple[Split, ...] = ("test",)
    """Splits of the dataset; a split that influenced a model must not be used to evaluate it."""
    domains: tuple[str, ...] = ()
    """Audio domains of the dataset (stem, stems, mix, separated, rendered); all if empty."""
    roots: tuple[RootConfig, ...] = ()
    """Folders or archives to search instead of a dataset: charts, ``hits.json`` folders, a corpus (``kind: mdb``)."""
    sources: tuple[str, ...] = ()
    """Sources to use (first part of their songs' keys); all if empty."""
    difficulty: Literal["expert", "hard", "medium", "easy"] = "expert"
    """Difficulty of game charts under roots."""

    lanes_are_truth: bool = False
    """Map each lane of a game chart to its most common drum (a blue cymbal to a ride). If false, ambiguous lanes are
    left
    open, as in training, and either drum matches."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.dataset) == bool(self.roots):
            raise ValueError("set either `dataset` or `roots`")
        return self


@dataclass(frozen=True)
class Truth:
    """Ground truth of one song."""

    events: Events
    tempo: TempoMap | None
    """Tempo map; None if the source has none."""
    tempo_offset_s: float
    """Offset of the tempo map [s]: ``audio_s = tempo.seconds(tick) + tempo_offset_s``."""
    duration_s: float
    """Duration of the audio [s]; up to the last hit if only the chart is known."""
    genre: str
    unannotated: tuple[str, ...]
    """Classes that the source does not annotate."""


@dataclass(frozen=True)
class ReferenceSong:
    """A recording to evaluate; small, `read` loads its ground truth on the machine that scores it."""

    name: str
    """Unique name: the song's key, with its domain if it has several recordings."""
    source: str
    """Source: first part of the song's key."""
    domain: str
    """Audio domain; empty if only the chart is known."""
    aliases: tuple[str, ...]
    """Names that its predictions may have (`evaluation.pairing`)."""
    found: SongSource | None = None
    """Song source, for roots."""
    difficulty: str = ""
    lanes_are_truth: bool = False
    events_uri: str = ""
    """Event table of the dataset and row group of the song in it."""
    row_groups: tuple[int, ...] = ()
    song_id: str = ""
    duration_s: float = 0.0
    genre: str = ""
    unannotated: tuple[str, ...] = ()

    def read(self) -> Truth:
        """Read the ground truth. Raises ChartError or SongError if the chart is damaged or gone."""
        if self.found is not None:
            return self._truth_of(read_song(self.found, difficulty=self.difficulty).song)
        import pyarrow as pa
        import pyarrow.compute as pc

        parts = [_events(self.events_uri, group) for group in self.row_groups]
        mine = pa.concat_tables(
            part.filter(pc.and_(pc.equal(part["song_id"], self.song_id), pc.equal(part["domain"], self.domain)))
            for part in parts
        )
        time_s, beat, velocity, openness = (_numbers(mine[name]) for name in ("time_s", "beat", "velocity", "openness"))
        tempo, offset_s = tempo_through(beat.tolist(), time_s.tolist())
        selected = zip(*(mine[name].to_pylist() for name in ("label", "evidence", "flags")), strict=True)
        labels = [self._label(label, evidence, flags) for label, evidence, flags in selected]
        return Truth(
            events=Events.of(time_s, labels, velocity=velocity, openness=openness),
            tempo=tempo,
            tempo_offset_s=offset_s,
            duration_s=self.duration_s,
            genre=self.genre,
            unannotated=self.unannotated,
        )

    def _truth_of(self, song: AnnotatedSong) -> Truth:
        events = Events.of(
            [hit.time_s + song.offset_s for hit in song.hits],
            [self._label(hit.label, hit.evidence, hit.flags) for hit in song.hits],
            velocity=_numbers([hit.velocity for hit in song.hits]),
            openness=_numbers([hit.openness for hit in song.hits]),
        )
        return Truth(
            events=events,
            tempo=song.tempo,
            tempo_offset_s=song.offset_s,
            duration_s=float(events.time_s.max(initial=0.0)),
            genre=song.metadata.genre,
            unannotated=song.unannotated,
        )

    def _label(self, label: str, evidence: str, flags: Sequence[str]) -> str:
        is_guess = evidence == "gem" and not self.lanes_are_truth
        return judged_label(_WIDER.get(label, label) if is_guess else label, flags)

    def to_json(self) -> str:
        """Serialise to one line for Ray's rows."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(line: str) -> "ReferenceSong":
        """Inverse of `to_json`."""
        return _ADAPTER.validate_json(line)


_ADAPTER: Final = TypeAdapter(ReferenceSong)


def find_references(config: ReferenceConfig) -> list[ReferenceSong]:
    """Find all songs of a ground truth, in order of name. Raises ConfigError if there are none."""
    found = list(_of_dataset(config)) if config.dataset else list(_of_roots(config))
    if not found:
        location = config.dataset or ", ".join(root.uri for root in config.roots)
        selected = ("splits", "domains", "sources") if config.dataset else ("sources",)
        chosen = {name: getattr(config, name) for name in selected if getattr(config, name)}
        rule = ", ".join(f"{name} {' or '.join(words)}" for name, words in chosen.items())
        raise ConfigError(f"references: no song in {location}{f' with {rule}' if rule else ''}")
    return sorted(found, key=lambda song: song.name)


def _of_roots(config: ReferenceConfig) -> Iterator[ReferenceSong]:
    for song in find_songs(config.roots):
        source = song.key.split("/", 1)[0]
        if not (song.superseded_by or song.fault) and (not config.sources or source in config.sources):
            audio = [file for choice in song.audio for file in choice.files]
            names = (song.key, song.annotation, *audio)
            yield ReferenceSong(
                song.key,
                source,
                "",
                _aliases(names),
                found=song,
                difficulty=config.difficulty,
                lanes_are_truth=config.lanes_are_truth,
            )


def _of_dataset(config: ReferenceConfig) -> Iterator[ReferenceSong]:
    from drumline.dataset.manifest import read_manifest
    from drumline.dataset.parquet import open_parquet

    read_manifest(config.dataset)  # a finished dataset of this schema
    events_uri = join(config.dataset, "events.parquet")
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    with open_parquet(events_uri) as file:
        for group in range(file.num_row_groups):
            pairs = file.row_group(group, ["song_id", "domain"]).group_by(["song_id", "domain"]).aggregate([])
            for song_id, domain in zip(pairs["song_id"].to_pylist(), pairs["domain"].to_pylist(), strict=True):
                groups[song_id, domain].append(group)
    with open_parquet(join(config.dataset, "songs.parquet")) as file:
        rows = file.read(_SONG_COLUMNS).to_pylist()
    chosen = [
        row
        for row in rows
        if row["split"] in config.splits
        and (not config.domains or row["domain"] in config.domains)
        and (not config.sources or row["key"].split("/", 1)[0] in config.sources)
    ]
    recordings = defaultdict(list)
    for row in chosen:
        recordings[row["key"]].append(row["domain"])
    for row in chosen:
        key, domain = row["key"], row["domain"]
        alone = len(recordings[key]) == 1
        words = (key, row["song_id"])
        exact = tuple(f"{word}.{domain}" for word in words)
        yield ReferenceSong(
            name=key if alone else f"{key}.{domain}",
            source=key.split("/", 1)[0],
            domain=domain,
            aliases=_aliases((*(words if alone else ()), *exact, *row["audio_files"])),
            events_uri=events_uri,
            row_groups=tuple(groups[row["song_id"], domain]),
            song_id=row["song_id"],
            lanes_are_truth=config.lanes_are_truth,
            duration_s=row["duration_s"],
            genre=row["genre"],
            unannotated=tuple(row["unannotated"]),
        )


def _aliases(names: Sequence[str]) -> tuple[str, ...]:
    """Each name with and without its file ending, and its suffixes without leading folders."""
    found: dict[str, None] = {}
    for name in names:
        path = PurePosixPath(name)
        forms = [path, path.with_suffix("")]
        if path.stem in GENERIC_NAMES:
            forms.append(path.parent)
        for form in forms:
            found |= dict.fromkeys("/".join(form.parts[start:]) for start in range(len(form.parts)))
    return tuple(found)


@lru_cache(maxsize=4)
def _events(uri: str, group: int) -> "pa.Table":
    from drumline.dataset.parquet import open_parquet

    with open_parquet(uri) as file:
        return file.row_group(group, _EVENT_COLUMNS)


def _numbers(values: "pa.ChunkedArray | list[float | None]") -> NDArray[np.float64]:
    if isinstance(values, list):
        return np.array(values, dtype=np.float64)  # None becomes NaN
    return np.asarray(values.to_numpy(), dtype=np.float64)  # null becomes NaN
