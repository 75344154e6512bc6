"""A dataset written by hand in a moment: noise with hits, in two domains and two shards."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from drumline.audio.loudness import encode_flac
from drumline.core.config import canonical_json
from drumline.core.grid import RATE_HZ
from drumline.dataset.manifest import Counts, FileEntry, Manifest
from drumline.dataset.tables import EVENTS, SONGS, shard_schema

GAINS_DB = {"mix": -3.0, "stem": 4.0}


def blank(field: pa.Field) -> Any:
    """A value of a field that says nothing."""
    if field.nullable:
        return None
    if pa.types.is_list(field.type) or pa.types.is_map(field.type):
        return []
    for is_type, value in ((pa.types.is_string, ""), (pa.types.is_binary, b""), (pa.types.is_boolean, True)):
        if is_type(field.type):
            return value
    return 0


def samples_of(number: int, domain: str) -> np.ndarray:
    """What a recording holds at its own level, before its gain: the drums, or the drums and a backing."""
    length = (10 + 3 * number) * RATE_HZ + 77 * number
    drums = 0.05 * np.random.default_rng((number, 0)).standard_normal(length)
    backing = 0.05 * np.random.default_rng((number, 1)).standard_normal(length)
    return (drums if domain == "stem" else drums + backing).astype(np.float32)


def hits_of(number: int) -> list[dict[str, Any]]:
    """Strokes of a song, the faster the higher its number; a bell now and then."""
    random = np.random.default_rng((number, 2))
    times_s = np.cumsum(random.uniform(0.5, 1.0, 400) * 0.5 / (1 + number))
    times_s = times_s[times_s < 10 + 3 * number]
    labels = random.choice(["kick", "snare_head", "hihat_closed", "ride_bell"], len(times_s), p=[0.4, 0.3, 0.27, 0.03])
    known = {"evidence": "annotation", "flags": [], "source_name": "", "velocity": 0.5}
    return [
        {field.name: None for field in EVENTS}
        | {"time_s": float(time_s), "chart_s": float(time_s), "frame_128": 0, "frame_64": 0, "label": str(label)}
        | known
        for time_s, label in zip(times_s, labels, strict=True)
    ]


def write_dataset(folder: Path, *, num_songs: int = 6) -> str:
    """Every song as a stem, every other one as a mix too; songs 0 and 1 are one group, and song 2 has no tempo."""
    rows = []
    for number in range(num_songs):
        for domain in ("mix", "stem") if number % 2 == 0 else ("stem",):
            samples = samples_of(number, domain) * 10 ** ((GAINS_DB[domain] - 2.0) / 20)
            rows.append(
                {
                    "song_id": f"song{number}",
                    "domain": domain,
                    "group": "twins" if number < 2 else "",
                    "tempo_bpm": None if number == 2 else 90.0 + 20 * number,
                    "num_samples": len(samples),
                    "duration_s": len(samples) / RATE_HZ,
                    "gain_db": GAINS_DB[domain],
                    "headroom_db": 2.0,
                    "unannotated": ["hihat_pedal"],
                    "split": "train",
                    "shard": f"shards/train-0000{number // 3}-abc.parquet",
                    "audio_flac": encode_flac(samples.astype(np.float32)),
                    "hits": hits_of(number),
                }
            )
    return write_rows(folder, rows)


def write_rows(folder: Path, rows: list[dict[str, Any]]) -> str:
    """A dataset of these recordings: what a row leaves out says nothing, and its hits become events."""
    (folder / "shards").mkdir(parents=True)
    schema = shard_schema("flac", ())
    shards = sorted({str(row["shard"]) for row in rows})
    for shard in shards:
        with pq.ParquetWriter(folder / shard, schema, write_page_checksum=True) as writer:
            for row in rows:
                if row["shard"] == shard:
                    writer.write_table(_table([row], schema))
    pq.write_table(_table(rows, SONGS), folder / "songs.parquet")
    names = ("song_id", "domain", "split")
    events = [{**hit, **{name: row[name] for name in names}} for row in rows for hit in row["hits"]]
    pq.write_table(_table(events, EVENTS), folder / "events.parquet", row_group_size=97)
    songs = len({row["song_id"] for row in rows})
    manifest = Manifest(
        name="small",
        drumline="0",
        fingerprint="f1",
        separator="",
        inputs_sha256="",
        config={},
        counts=Counts(songs=songs, recordings=len(rows), hits=len(events), hours=0, rejected={}, splits={}),
        files=tuple(FileEntry(path=path, bytes=0, sha256="") for path in ("songs.parquet", *shards)),
    )
    (folder / "manifest.json").write_text(canonical_json(manifest))
    return str(folder)


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    full = [{field.name: row[field.name] if field.name in row else blank(field) for field in schema} for row in rows]
    return pa.Table.from_pylist(full, schema=schema)
