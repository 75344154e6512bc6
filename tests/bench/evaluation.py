"""How long the evaluation of a large dataset takes, whole: from the command's start to the page."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.bench.processes import measured
from tests.bench.tables import table

from drumline.core.artifacts import write_bytes
from drumline.core.config import canonical_json, parse_config
from drumline.core.taxonomy import CLASSES
from drumline.dataset.manifest import Counts, FileEntry, Manifest
from drumline.dataset.tables import EVENTS, SONGS

_SONGS, _HITS, _LENGTH_S = 3_000, 1_000, 200.0
_SHARD: Final = 60
"""Songs in a row group, about as many as a shard holds."""
_FREQUENCY: Final = (0.2, 0.18, 0.03, 0.03, 0.03, 0.03, 0.28, 0.06, 0.04, 0.06, 0.02, 0.04)
_INTERVAL_S: Final = 0.2


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Time and memory of one evaluation of songs that were thrown together: 12 classes, one system."""
    songs = 200 if quick else _SONGS
    folder = Path(tempfile.mkdtemp(prefix="drumline-bench-"))
    try:
        make_dataset(folder, songs=songs)
        say(f"{songs} songs of {_HITS} strokes made")
        usage = measured([sys.executable, "-m", "tests.bench.evaluation", str(folder)], interval_s=_INTERVAL_S)
    finally:
        shutil.rmtree(folder)
    return {"songs": songs, "strokes": songs * _HITS, **asdict(usage)}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """The numbers for people."""
    headers = ["songs", "strokes", "wall s", "CPU s", "driver, RSS MiB", "largest worker, RSS MiB", "micro F"]
    row = [found[name] for name in ("songs", "strokes", "wall_s", "cpu_s", "driver_mb", "worker_mb")]
    return table(headers, [[*row, found["result"]["f"]]], markdown=markdown)


def make_dataset(folder: Path, *, songs: int) -> None:
    """The tables of a dataset without its audio, and ``predictions.parquet``: nine strokes of ten, some ms off."""
    predictions: pq.ParquetWriter | None = None
    with pq.ParquetWriter(folder / "events.parquet", EVENTS, compression="zstd") as events:
        for numbers in (range(start, min(songs, start + _SHARD)) for start in range(0, songs, _SHARD)):
            parts = [_song(number) for number in numbers]
            events.write_table(pa.concat_tables(strokes for strokes, _ in parts))
            hits = pa.Table.from_pylist([told for _, told in parts])
            predictions = predictions or pq.ParquetWriter(folder / "predictions.parquet", hits.schema)
            predictions.write_table(hits)
    if predictions:
        predictions.close()
    pq.write_table(pa.Table.from_pylist(list(_rows(songs)), schema=SONGS), folder / "songs.parquet")
    manifest = Manifest(
        name="bench",
        drumline="",
        fingerprint="",
        separator="",
        inputs_sha256="",
        config={},
        counts=Counts(songs=songs, recordings=songs, hits=songs * _HITS, hours=0.0, rejected={}, splits={}),
        files=(FileEntry(path="songs.parquet", bytes=0, sha256=""),),
    )
    write_bytes(str(folder / "manifest.json"), canonical_json(manifest).encode())


def _song(number: int) -> tuple[pa.Table, dict[str, Any]]:
    rng = np.random.default_rng((0, number))
    time_s = np.sort(rng.uniform(0, _LENGTH_S, _HITS))
    label = rng.choice(CLASSES, _HITS, p=_FREQUENCY)
    known = {
        "song_id": [_id(number)] * _HITS,
        "domain": ["stem"] * _HITS,
        "split": ["test"] * _HITS,
        "time_s": time_s,
        "chart_s": time_s,
        "beat": 2 * time_s,
        "label": label,
        "evidence": ["annotation"] * _HITS,
        "velocity": rng.uniform(0, 1, _HITS).astype(np.float32),
    }
    columns = [
        pa.array(known[field.name], field.type.value_type).dictionary_encode()
        if pa.types.is_dictionary(field.type)
        else pa.array(known[field.name], field.type)
        if field.name in known
        else pa.array([_empty(field)] * _HITS, field.type)
        for field in EVENTS
    ]
    heard = rng.uniform(size=_HITS) < 0.9
    hits = [
        {"time_s": max(0.0, time), "label": str(name), "velocity": 0.5, "confidence": sure}
        for time, name, sure in zip(
            (time_s[heard] + rng.normal(0, 0.008, heard.sum())).tolist(),
            label[heard],
            rng.uniform(0.5, 1, heard.sum()).tolist(),
            strict=True,
        )
    ]
    return pa.table(columns, schema=EVENTS), {"key": f"bench/{number}", "domain": "stem", "hits": hits}


def _rows(songs: int) -> Iterator[dict[str, Any]]:
    empty = {field.name: _empty(field) for field in SONGS}
    for number in range(songs):
        location = {"song_id": _id(number), "domain": "stem", "key": f"bench/{number}", "split": "test"}
        yield empty | location | {"duration_s": _LENGTH_S, "genre": ("rock", "jazz", "metal")[number % 3]}


def _empty(field: pa.Field) -> Any:
    if field.nullable:
        return None
    if pa.types.is_list(field.type) or pa.types.is_map(field.type):
        return []
    return "" if pa.types.is_string(field.type) else pa.scalar(0).cast(field.type).as_py()


def _id(number: int) -> str:
    return f"{number:024x}"


def _run(folder: Path, result: Path) -> None:
    """The evaluation itself, in a process of its own."""
    from drumline.evaluation.config import EvaluationConfig
    from drumline.evaluation.evaluate import evaluate

    tree = {
        "name": "bench",
        "truths": [{"dataset": str(folder)}],
        "systems": [{"name": "system", "predictions": str(folder / "predictions.parquet")}],
        "scoring": {"vocabulary": "12"},
        "output": str(folder / "out"),
        "run": {"ray": {"address": "local", "num_cpus": 2}},
    }
    (system,) = evaluate(parse_config(EvaluationConfig, tree, "bench")).report.truths[0].systems
    result.write_text(json.dumps({"f": system.at("12", 50.0).micro.f.value}))


if __name__ == "__main__":
    _run(Path(sys.argv[1]), Path(sys.argv[2]))
