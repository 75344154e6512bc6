"""Verify that a dataset is complete and equal to its manifest."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from drumline.core.artifacts import filesystem, join, names
from drumline.dataset.manifest import FileEntry, Manifest, read_manifest
from drumline.dataset.parquet import open_parquet
from drumline.dataset.splits import SplitSong, crossing_keys
from drumline.dataset.tables import EVENTS, REJECTED, SONGS, shard_schema

_TYING_COLUMNS = ["song_id", "artist", "title", "charter", "group", "official_split"]
_SONG_COLUMNS = [*_TYING_COLUMNS, "domain", "split", "shard", "num_hits"]
_CHUNK_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Problem:
    """A difference between a dataset and its manifest."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


def verify(dataset: str) -> tuple[Manifest, list[Problem]]:
    """Verify a dataset; returns its manifest and all problems, none for an intact dataset.

    Checks presence, size, checksum, schema and row counts of every file; that each recording occurs once, in the shard
    that its row names; that no song, artist + title, charter or group is in two splits; and that events and songs
    agree. Reads every byte once, in chunks. Raises DrumlineError without a manifest.
    """
    manifest = read_manifest(dataset)
    problems = [problem for entry in manifest.files for problem in _check_bytes(dataset, entry)]
    if problems:
        return manifest, problems  # what is damaged cannot be read further
    return manifest, [*_check_tables(dataset, manifest), *_check_strays(dataset, manifest)]


def _check_bytes(dataset: str, entry: FileEntry) -> Iterator[Problem]:
    path = entry.path
    fs, full = filesystem(join(dataset, path))
    try:
        digest, found = hashlib.sha256(), 0
        with fs.open(full, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                found += len(chunk)
    except FileNotFoundError:
        yield Problem(path, "is missing")
        return
    if found != entry.bytes:
        yield Problem(path, f"{found:,} bytes, the manifest says {entry.bytes:,} (copied while it was written?)")
    elif digest.hexdigest() != entry.sha256:
        yield Problem(path, "its SHA-256 differs from the manifest's: the file was changed or damaged")


def _check_tables(dataset: str, manifest: Manifest) -> Iterator[Problem]:
    shards = manifest.config["shards"]
    schemas = {"songs.parquet": SONGS, "events.parquet": EVENTS, "rejected.parquet": REJECTED}
    schemas |= dict.fromkeys(manifest.shards(), shard_schema(shards["payload"], tuple(shards["hops"])))
    rows = {entry.path: entry.rows for entry in manifest.files}
    shard_of: dict[tuple[str, str], str] = {}
    for path, schema in schemas.items():
        with open_parquet(join(dataset, path)) as file:
            if not file.schema.equals(schema):
                yield Problem(path, "its columns are not those of this schema version")
                continue
            if file.num_rows != rows.get(path):
                yield Problem(path, f"{file.num_rows} rows, the manifest says {rows.get(path)}")
            if path.startswith("shards/"):
                for pair in _pairs(file.read(["song_id", "domain"])):
                    if pair in shard_of:
                        yield Problem(path, f"recording {' '.join(pair)} stands in {shard_of[pair]} too")
                    shard_of[pair] = path
    yield from _check_songs(dataset, manifest, shard_of)


def _check_songs(dataset: str, manifest: Manifest, shard_of: dict[tuple[str, str], str]) -> Iterator[Problem]:
    with open_parquet(join(dataset, "songs.parquet")) as file:
        songs = file.read(_SONG_COLUMNS).to_pylist()
    splits: dict[str, set[str]] = {}
    for song in songs:
        pair = song["song_id"], song["domain"]
        if shard_of.pop(pair, None) != song["shard"]:
            yield Problem("songs.parquet", f"recording {' '.join(pair)} is not in {song['shard']}")
        splits.setdefault(song["song_id"], set()).add(song["split"])
    for pair in shard_of:
        yield Problem("songs.parquet", f"recording {' '.join(pair)} of the shards has no row")
    for song_id, found in splits.items():
        if len(found) > 1:
            yield Problem("songs.parquet", f"song {song_id} stands in {' and '.join(sorted(found))}")
    shared = {"charter"} if manifest.config["splits"].get("share_charters") else set()
    keyed = [SplitSong(**{name: song[name] for name in _TYING_COLUMNS if name not in shared}) for song in songs]
    for key, crossed in crossing_keys(keyed, {song["song_id"]: song["split"] for song in songs}).items():
        yield Problem("songs.parquet", f"{key} stands in {' and '.join(crossed)}")
    if len(splits) != manifest.counts.songs:
        yield Problem("songs.parquet", f"{len(splits)} songs, the manifest says {manifest.counts.songs}")
    hits: Counter[tuple[str, str]] = Counter()
    with open_parquet(join(dataset, "events.parquet")) as file:
        for group in range(file.num_row_groups):
            hits.update(_pairs(file.row_group(group, ["song_id", "domain"])))
    for song in songs:
        found_hits = hits.pop((song["song_id"], song["domain"]), 0)
        if found_hits != song["num_hits"]:
            yield Problem("events.parquet", f"{found_hits} hits of {song['song_id']}, its row says {song['num_hits']}")
    for pair in hits:
        yield Problem("events.parquet", f"hits of {' '.join(pair)}, which has no row in songs.parquet")


def _check_strays(dataset: str, manifest: Manifest) -> Iterator[Problem]:
    known = {path.removeprefix("shards/") for path in manifest.shards()}
    for name in sorted(names(join(dataset, "shards")) - known):
        yield Problem(f"shards/{name}", "is not in the manifest: a reader that lists the folder would take it in")


def _pairs(table: pa.Table) -> Iterator[tuple[str, str]]:
    return zip(table["song_id"].to_pylist(), table["domain"].to_pylist(), strict=True)
