"""Locate a system's predictions by song.

Predictions are a folder with one file a song (`evaluation.estimates` reads them; where a song has several, JSON comes
before JAMS before MIDI), or one file for many songs:

- **JSON** ``{part: {song: {"onsets": {label: [seconds, ...]}}}}``, or the same without parts, or without the word
  ``onsets``; other names beside it (``vocab``) are passed over;
- **Parquet** with a row a song: ``key`` (or ``song_id``, ``name``), perhaps ``domain``, and ``hits``, a list of
  structs with ``time_s``, ``label``, and perhaps ``velocity`` and ``confidence``.

A song's name is its file's path below the folder without the ending, or its key. Nothing is read here but names, and
reading is by `Located.read`, on whichever machine scores the song.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from drumline.charts.documents import as_tree, checked_time_s
from drumline.core.artifacts import STORAGE_ERRORS, filesystem, join, read_bytes
from drumline.core.documents import parse_json
from drumline.core.errors import ChartError, ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import LABEL_NAMES
from drumline.evaluation.estimates import ENDINGS, GENERIC_NAMES, EstimatedHit, events_of, label_of, read_events

if TYPE_CHECKING:  # Parquet is imported where a file of it is read: a light installation has no Arrow.
    import pyarrow as pa

_NAME_COLUMNS: Final = ("key", "song_id", "name")
_MOST_BYTES: Final = 512 * 2**20


@dataclass(frozen=True)
class Located:
    """Location of one song's predictions; small, and readable on any machine."""

    uri: str
    """URI of the file."""
    part: str = ""
    """Part in a JSON file of many songs; empty if it has none."""
    song: str = ""
    """Key in a JSON file of many songs."""
    row_group: int = -1
    """Row group in a Parquet file, with ``row``; else -1."""
    row: int = -1

    def read(self) -> Events:
        """Read the events. Raises ChartError if the file is damaged, OSError if it is gone."""
        if self.row >= 0:
            return _events_of_row(_row_group(self.uri, self.row_group), self.row, self.uri)
        if self.song:
            return _events_of_onsets(_songs(self.uri, self.part)[self.song], f"{self.uri}: {self.song}")
        return read_events(read_bytes(self.uri, _MOST_BYTES), self.uri)


def find_predictions(uri: str, part: str) -> Mapping[str, Located]:
    """Find every song's predictions by name; ``part`` selects a part of a JSON file.

    Raises ConfigError if there are none, with the names that exist.
    """
    try:
        fs, path = filesystem(uri)
        if fs.isdir(path):
            found = dict(_files(uri))
        elif uri.lower().endswith(".parquet"):
            found = dict(_rows(uri))
        else:
            found = {name: Located(uri, part, name) for name in _songs(uri, part)}
    except ModuleNotFoundError:
        raise  # of an extra, which the command names
    except (*STORAGE_ERRORS, ImportError, ValueError, ChartError) as error:
        raise ConfigError(f"predictions: {uri}: cannot be read ({error or type(error).__name__})") from error
    if not found:
        raise ConfigError(f"predictions: {uri}: no song in it (looked for files ending {', '.join(ENDINGS)})")
    return found


def find_activations(uri: str) -> Mapping[str, str]:
    """URIs of activation files (``.npz``) below a folder, by name. Raises ConfigError if there are none."""
    try:
        fs, path = filesystem(uri)
        files = [str(entry).removeprefix(path.rstrip("/") + "/") for entry in fs.find(path)]
    except (*STORAGE_ERRORS, ImportError, ValueError) as error:
        raise ConfigError(f"activations: {uri}: cannot be listed ({error or type(error).__name__})") from error
    found = {file.removesuffix(".npz"): join(uri, file) for file in sorted(files) if file.endswith(".npz")}
    if not found:
        raise ConfigError(f"activations: {uri}: no .npz in it")
    return found


def hits_as_json(hits: Events, duration_s: float) -> dict[str, Any]:
    """The JSON object of one recording that `Located.read` reads."""
    columns = zip(hits.time_s, hits.label, hits.velocity, hits.confidence, strict=True)
    return {
        "duration_s": duration_s,
        "hits": [
            {
                "time_s": round(float(time_s), 5),
                "class": LABEL_NAMES[label],
                "velocity": round(float(velocity), 4),
                "confidence": round(float(confidence), 4),
            }
            for time_s, label, velocity, confidence in columns
        ],
    }


def _files(uri: str) -> Iterator[tuple[str, Located]]:
    fs, path = filesystem(uri)
    ranked: dict[str, tuple[int, str]] = {}
    for entry in fs.find(path):
        relative = PurePosixPath(str(entry).removeprefix(path.rstrip("/") + "/"))
        ending = relative.suffix.lower()
        if ending not in ENDINGS or relative.name.startswith("."):
            continue
        name = relative.parent if relative.stem in GENERIC_NAMES and relative.parent.name else relative.with_suffix("")
        candidate = (ENDINGS.index(ending), str(relative))
        ranked[str(name)] = min(candidate, ranked.get(str(name), candidate))
    for name_, (_, relative_path) in sorted(ranked.items()):
        yield name_, Located(join(uri, relative_path))


def _rows(uri: str) -> Iterator[tuple[str, Located]]:
    from drumline.dataset.parquet import open_parquet

    with open_parquet(uri) as file:
        column = next((name for name in _NAME_COLUMNS if name in file.schema.names), None)
        if column is None or "hits" not in file.schema.names:
            raise ChartError(uri, f"needs a column {' or '.join(_NAME_COLUMNS)}, and hits; has {file.schema.names}")
        wanted = [column, *(["domain"] if "domain" in file.schema.names else [])]
        for group in range(file.num_row_groups):
            for row, entry in enumerate(file.row_group(group, wanted).to_pylist()):
                domain = entry.get("domain") or ""
                yield f"{entry[column]}{'.' if domain else ''}{domain}", Located(uri, row_group=group, row=row)


@lru_cache(maxsize=4)
def _row_group(uri: str, group: int) -> "pa.Table":
    from drumline.dataset.parquet import open_parquet

    with open_parquet(uri) as file:
        return file.row_group(group, ["hits"])


def _events_of_row(table: "pa.Table", row: int, location: str) -> Events:
    hits = table["hits"][row].as_py() or []
    return events_of(
        EstimatedHit(
            checked_time_s(hit["time_s"], location),
            label_of(hit["label"], location),
            *(math.nan if hit.get(name) is None else float(hit[name]) for name in ("velocity", "confidence")),
        )
        for hit in hits
    )


@lru_cache(maxsize=16)
def _songs(uri: str, part: str) -> Mapping[str, Any]:
    """Songs of a JSON file by name, unparsed."""
    try:
        whole: Any = parse_json(read_bytes(uri, _MOST_BYTES))
    except ValueError as error:
        raise ChartError(uri, f"not JSON ({error})") from error
    if not isinstance(whole, dict) or "hits" in whole or "annotations" in whole:
        raise ChartError(uri, "must be an object of songs by name; for songs in files of their own give their folder")
    if part:
        if part not in whole:
            raise ChartError(uri, f"no part {part!r}; it has {', '.join(whole)}")
        whole = whole[part]
    if not isinstance(whole, dict):
        raise ChartError(f"{uri}: {part}", "must be an object of songs by name")
    songs = {name: value for name, value in whole.items() if isinstance(value, dict)}
    if songs and not part and not any(_is_onsets(song) for song in songs.values()):
        raise ChartError(uri, f"has the parts {', '.join(songs)}: choose one by `part`")
    return songs


def _is_onsets(song: Mapping[str, Any]) -> bool:
    return "onsets" in song or any(isinstance(value, list) for value in song.values())


def _events_of_onsets(song: Mapping[str, Any], location: str) -> Events:
    onsets: Any = song.get("onsets", song)
    if not isinstance(onsets, dict):
        raise ChartError(f"{location}.onsets", "must be an object of lists of seconds by label")
    hits = []
    for word, times in onsets.items():
        if word == "vocab":
            continue
        tree = as_tree({"times": times}, f"{location}.")
        hits += [
            EstimatedHit(_seconds(time, f"{location}.{word}"), label_of(word, f"{location}.{word}"), math.nan, math.nan)
            for time in tree.items("times")
        ]
    return events_of(hits)


def _seconds(value: object, location: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ChartError(location, f"{str(value)[:30]!r} is no time in seconds")
    return checked_time_s(float(value), location)
