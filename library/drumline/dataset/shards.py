"""Pack recordings into training shards that are planned in advance and published when complete.

A shard's name holds a fingerprint of its contents: finished shards are not written again, and shards of earlier plans
are those that the manifest does not name.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from drumline.audio.loudness import amplify, decode_flac
from drumline.core.artifacts import exists, join, publish, read_bytes, sha256_file, write_bytes
from drumline.core.config import fingerprint
from drumline.core.documents import parse_json
from drumline.core.errors import DrumlineError
from drumline.core.grid import Grid
from drumline.core.hits import Hit
from drumline.dataset import products
from drumline.dataset.config import BuildConfig
from drumline.dataset.tables import EVENTS, HIT, SCHEMA_VERSION, shard_schema
from drumline.features.logmel import log_mel
from drumline.labels.targets import targets
from drumline.runtime.ledger import Ledger

WRITTEN: Final = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("recordings", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("events", pa.string(), nullable=False),  # URI of this shard's part of events.parquet
        pa.field("reused", pa.bool_(), nullable=False),
    ]
)
"""Columns that a worker reports for a shard."""


@dataclass(frozen=True)
class Member:
    """A recording of a shard."""

    product: str
    index: int
    """Index of the recording in the product."""
    song_id: str
    domain: str
    content_sha256: str
    """Hash of the recording's contents."""


@dataclass(frozen=True)
class ShardSpec:
    """A planned shard."""

    name: str
    """Path relative to the dataset: ``shards/<split>-<number>-<fingerprint>.parquet``."""
    split: str
    members: tuple[Member, ...]

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(line: str) -> "ShardSpec":
        return _ADAPTER.validate_json(line)


_ADAPTER: Final = TypeAdapter(ShardSpec)


def plan_shards(members: Mapping[str, Sequence[tuple[Member, int]]], config: BuildConfig) -> list[ShardSpec]:
    """Plan the shards of each split from (member, payload bytes), in order of song id."""
    target_bytes = config.shards.target_mb * 2**20
    specs = []
    for split in sorted(members):
        packs: list[list[Member]] = []
        room = 0.0
        for member, size in sorted(members[split], key=lambda pair: (pair[0].song_id, pair[0].domain)):
            if not packs or size > room:
                packs.append([])
                room = target_bytes
            packs[-1].append(member)
            room -= size
        for number, pack in enumerate(packs):
            content: list[Any] = [member.content_sha256 for member in pack]
            print_ = fingerprint(config.dataset_fingerprint, str(SCHEMA_VERSION), split, content)
            specs.append(ShardSpec(f"shards/{split}-{number:05d}-{print_}.parquet", split, tuple(pack)))
    return specs


@dataclass(frozen=True)
class ShardStep:
    """Write a planned shard (JSON of `ShardSpec`) and its part of the event table; runs as a Ray task."""

    config: BuildConfig
    ledger: Ledger

    def __call__(self, row: str) -> Sequence[dict[str, Any]]:
        spec = ShardSpec.from_json(row)
        uri = join(self.config.output, spec.name)
        stem = Path(spec.name).stem
        receipt = join(self.config.work_uri, "shards", f"{stem}.json")
        if exists(receipt) and exists(uri):
            return [{**parse_json(read_bytes(receipt)), "reused": True}]
        if self.ledger.given_up(stem):
            raise DrumlineError(
                f"{spec.name}: writing it ended its worker {self.ledger.max_attempts} times: too little memory for "
                f"its longest recording, or a disk that is full?"
            )
        events_uri = join(self.config.work_uri, "shards", f"{stem}.events.parquet")
        with self.ledger.attempt(stem, spec.name), tempfile.TemporaryDirectory(prefix="drumline-") as folder:
            shard, events = Path(folder, "shard.parquet"), Path(folder, "events.parquet")
            self._write(spec, shard, events)
            written = {
                "name": spec.name,
                "split": spec.split,
                "recordings": len(spec.members),
                "bytes": shard.stat().st_size,
                "sha256": sha256_file(shard),
                "events": events_uri,
            }
            publish(events, events_uri)
            publish(shard, uri)
        write_bytes(receipt, json.dumps(written).encode())
        return [{**written, "reused": False}]

    def _write(self, spec: ShardSpec, shard: Path, events: Path) -> None:
        schema = shard_schema(self.config.shards.payload, self.config.shards.hops)
        plain = ("audio_flac", "logmel")
        compression = {name: "none" if name in plain else "zstd" for name in schema.names}
        with (
            pq.ParquetWriter(shard, schema, compression=compression, write_page_checksum=True) as shard_writer,
            pq.ParquetWriter(events, EVENTS, compression="zstd", write_page_checksum=True) as event_writer,
        ):
            for member in spec.members:
                row = products.recording(member.product, member.index).to_pylist()[0]
                event_writer.write_table(_events(row, spec.split))
                shard_writer.write_table(pa.Table.from_pylist([self._row(row, spec.split)], schema=schema))

    def _row(self, row: dict[str, Any], split: str) -> dict[str, Any]:
        out = {**row, "split": split}
        if self.config.shards.payload == "logmel":
            samples = amplify(decode_flac(row["audio_flac"]), row["headroom_db"])
            features = log_mel(samples, self.config.shards.logmel)
            out |= {"logmel": features.astype("<f2").tobytes(), "num_bands": features.shape[1]}
        hits = [hit_of(hit) for hit in row["hits"]]
        for hop in self.config.shards.hops:
            grid = Grid(hop)
            num_frames = grid.num_frames(row["num_samples"])
            grids = targets(
                hits, grid=grid, num_frames=num_frames, unannotated=row["unannotated"], config=self.config.labels
            )
            out[f"num_frames_{hop}"] = num_frames
            out |= {f"{name}_{hop}": column for name, column in grids.columns().items()}
        return out


def hit_of(row: Mapping[str, Any]) -> Hit:
    """Hit in audio seconds from a row of a ``hits`` column."""
    return Hit(
        time_s=row["time_s"],
        label=row["label"],
        velocity=None if row["velocity"] is None else float(np.clip(row["velocity"], 0, 1)),
        flags=tuple(row["flags"]),
        evidence=row["evidence"],
        openness=row["openness"],
        source_name=row["source_name"],
        tick=row["tick"],
    )


def _events(row: Mapping[str, Any], split: str) -> pa.Table:
    names = {"song_id": row["song_id"], "domain": row["domain"], "split": split}
    hits = pa.Table.from_pylist(row["hits"], schema=pa.schema(list(HIT)))
    columns = [pa.array([value] * len(hits)).dictionary_encode() for value in names.values()]
    return pa.table([*columns, *hits.columns], names=[*names, *hits.schema.names]).cast(EVENTS)
