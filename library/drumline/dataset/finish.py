"""Publish a dataset's tables, card and, last, its manifest."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

import drumline
from drumline.audio.loudness import TARGET_LUFS
from drumline.charts.corpora import CORPORA
from drumline.core.artifacts import join, names, remove, sha256, write_bytes
from drumline.core.config import canonical_json
from drumline.dataset.assemble import Assembly
from drumline.dataset.card import SourceTerms, card_data, render_card
from drumline.dataset.config import BuildConfig
from drumline.dataset.manifest import NAME, Counts, FileEntry, Manifest
from drumline.dataset.parquet import open_parquet, write_parquet
from drumline.dataset.tables import EVENTS, REJECTED, SCHEMA_VERSION, SONGS

_NO_LICENCE: Final = "not stated: each charter's and label's rights are yours to clear"


WRITTEN_NAMES: Final = (NAME, "card.md", "card.html", "songs.parquet", "events.parquet", "rejected.parquet")
"""Names of the files directly in a dataset's folder."""
_SHARD: Final = re.compile(r"(train|validation|test)-[0-9]{5}-[0-9a-f]{16}\.parquet")


def finish(assembly: Assembly, written: Sequence[dict[str, Any]], *, config: BuildConfig, separator: str) -> Counts:
    """Write tables, card and manifest of a dataset whose shards are published; returns its counts.

    Shards of earlier builds, which the manifest does not name, are removed afterwards.
    """
    rows = [{**song, "shard": assembly.shard_of[song["song_id"], song["domain"]]} for song in assembly.songs]
    songs = pa.Table.from_pylist(rows, schema=SONGS)
    rejected = pa.Table.from_pylist(assembly.rejected, schema=REJECTED)
    files = [FileEntry(path=w["name"], bytes=w["bytes"], sha256=w["sha256"], rows=w["recordings"]) for w in written]
    files += [
        _write_table("songs.parquet", SONGS, iter([songs]), config.output),
        _write_table("rejected.parquet", REJECTED, iter([rejected]), config.output),
        _write_table("events.parquet", EVENTS, _event_parts(written), config.output),
    ]
    for path, text in _card(songs, rejected, config).items():
        write_bytes(join(config.output, path), text.encode())
        files.append(FileEntry(path=path, bytes=len(text.encode()), sha256=sha256(text.encode())))
    manifest = Manifest(
        name=config.name,
        drumline=drumline.__version__,
        fingerprint=config.dataset_fingerprint,
        separator=separator,
        inputs_sha256=sha256(canonical_json(assembly.inputs).encode()),
        config=config.recipe,
        counts=_counts(assembly),
        files=tuple(sorted(files, key=lambda entry: entry.path)),
    )
    write_bytes(join(config.output, NAME), canonical_json(manifest, indent=1).encode())
    _remove_stale_shards(manifest, config.output)
    return manifest.counts


def _card(songs: pa.Table, rejected: pa.Table, config: BuildConfig) -> dict[str, str]:
    """Text of the dataset card and its plots by path."""
    licences: dict[str, set[str]] = defaultdict(set)
    formats: dict[str, str] = {}
    columns = (songs[name].to_pylist() for name in ("key", "format", "licence"))
    for key, format_, licence in sorted(set(zip(*columns, strict=True))):
        source = key.split("/")[0]
        formats[source] = format_
        licences[source] |= set((licence or _NO_LICENCE).split("; "))  # of a song's kit, its performance ...
    terms = [
        SourceTerms(name, corpus.licence, corpus.citation, corpus.may_train)
        if (corpus := CORPORA.get(format_))
        else SourceTerms(name, "; ".join(sorted(licences[name])), "", True)
        for name, format_ in formats.items()
    ]
    card = render_card(
        card_data(
            songs,
            rejected,
            name=config.name,
            fingerprint=config.dataset_fingerprint,
            code_version=drumline.__version__,
            schema_version=SCHEMA_VERSION,
            target_lufs=TARGET_LUFS,
            terms=terms,
        )
    )
    return {"card.md": card.markdown, "card.html": card.html, **card.plots}


def _counts(assembly: Assembly) -> Counts:
    split_of = {song["song_id"]: song["split"] for song in assembly.songs}
    return Counts(
        songs=len(split_of),
        recordings=len(assembly.songs),
        hits=sum(song["num_hits"] for song in assembly.songs),
        hours=round(sum(song["duration_s"] for song in assembly.songs) / 3600, 6),
        rejected=dict(sorted(Counter(row["reason"] for row in assembly.rejected).items())),
        splits=dict(sorted(Counter(split_of.values()).items())),
    )


def _event_parts(written: Sequence[dict[str, Any]]) -> Iterator[pa.Table]:
    for shard in written:
        with open_parquet(shard["events"]) as file:
            yield file.read().cast(EVENTS)


def _write_table(name: str, schema: pa.Schema, parts: Iterator[pa.Table], output: str) -> FileEntry:
    written = write_parquet(join(output, name), schema, parts)
    return FileEntry(path=name, bytes=written.bytes, sha256=written.sha256, rows=written.rows)


def _remove_stale_shards(manifest: Manifest, output: str) -> None:
    current = {Path(path).name for path in manifest.shards()}
    for name in names(join(output, "shards")) - current:
        if _SHARD.fullmatch(name):  # else it is none of ours
            remove(join(output, "shards", name))
