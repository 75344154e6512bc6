"""JSON lines for checks, and a check run as a person runs it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner, Result

from drumline.cli import main
from drumline.core.config import canonical_json
from drumline.dataset.manifest import NAME, Counts, FileEntry, Manifest
from drumline.dataset.tables import EVENTS, SONGS


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def write_dataset(folder: Path, songs: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]] = ()) -> str:
    """The tables of a dataset, without its shards; what rows leave out is null."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, rows, schema in (("events.parquet", events, EVENTS), ("songs.parquet", songs, SONGS)):
        loose = pa.schema([field.with_nullable(True) for field in schema])
        pq.write_table(pa.Table.from_pylist(list(rows), schema=loose), folder / name)
        files.append(FileEntry(path=name, bytes=0, sha256="", rows=len(rows)))
    counts = Counts(songs=len(songs), recordings=len(songs), hits=len(events), hours=0, rejected={}, splits={})
    manifest = Manifest(
        name="test", drumline="", fingerprint="", separator="", inputs_sha256="", config={}, counts=counts,
        files=tuple(files),
    )  # fmt: skip
    (folder / NAME).write_text(canonical_json(manifest), encoding="utf-8")
    return str(folder)
