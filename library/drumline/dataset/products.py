"""Finished work on single songs, on storage that all workers share: what makes a build resumable.

``<work>/songs/ab/<id>.parquet`` holds a song's product, ``<id>.rejected.json`` the reason why it has none. The
id is a fingerprint of the song's key, its files' stamps and the configuration of the work, so a file that
exists is right, and a changed song or setting looks elsewhere. Files are whole or absent.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from drumline.core.artifacts import exists, filesystem, join, read_bytes, write_bytes
from drumline.core.config import fingerprint
from drumline.core.errors import Rejected
from drumline.dataset.config import BuildConfig
from drumline.dataset.parquet import open_parquet
from drumline.dataset.sources import SongSource
from drumline.dataset.tables import PRODUCT, SUMMARY


@dataclass(frozen=True)
class ProductStore:
    """The products of one configuration."""

    uri: str
    song_fingerprint: str

    @staticmethod
    def of(config: BuildConfig, separator: str) -> "ProductStore":
        """The store of a build; ``separator`` is the fingerprint of the separator in use, or empty."""
        return ProductStore(join(config.work_uri, "songs"), fingerprint(config.song_fingerprint, separator))

    def id(self, source: SongSource) -> str:
        """Where the work on a song is filed."""
        return fingerprint(self.song_fingerprint, source.key, source.format, source.stamp)

    def find(self, source: SongSource) -> str | Rejected | None:
        """The URI of a finished product, the recorded rejection, or None where the work is still to be done."""
        product, rejection = self._uris(source)
        if exists(product):
            return product
        if exists(rejection):
            return Rejected(**json.loads(read_bytes(rejection)))
        return None

    def save(self, source: SongSource, outcome: pa.Table | Rejected) -> str | Rejected:
        """Publish an outcome; what `find` will say from now on."""
        product, rejection = self._uris(source)
        if isinstance(outcome, Rejected):
            write_bytes(rejection, json.dumps(asdict(outcome)).encode())
            return outcome
        sink = pa.BufferOutputStream()
        # A row group a recording: shards copy recordings one by one.
        pq.write_table(outcome, sink, row_group_size=1, compression={"audio_flac": "none"} | _ZSTD)
        write_bytes(product, sink.getvalue().to_pybytes())
        return product

    def finished(self) -> set[str]:
        """The ids of all songs that have a product or a rejection, by one listing."""
        return {PurePosixPath(entry).name.partition(".")[0] for entry in self._listing()}

    def forget_rejected(self) -> int:
        """Delete every recorded rejection, whatever its configuration, so that those songs are tried again."""
        fs, _ = filesystem(self.uri)
        found = [entry for entry in self._listing() if entry.endswith(_REJECTED)]
        for entry in found:
            fs.rm_file(entry)
        return len(found)

    def _listing(self) -> list[str]:
        fs, path = filesystem(self.uri)
        fs.invalidate_cache()
        entries = fs.find(path) if fs.exists(path) else []
        return [entry for entry in entries if entry.endswith((_PRODUCT, _REJECTED))]

    def _uris(self, source: SongSource) -> tuple[str, str]:
        id_ = self.id(source)
        return join(self.uri, id_[:2], id_ + _PRODUCT), join(self.uri, id_[:2], id_ + _REJECTED)


_PRODUCT = ".parquet"
_REJECTED = ".rejected.json"
_ZSTD = {field.name: "zstd" for field in PRODUCT if field.name != "audio_flac"}


def summaries(product: str) -> list[dict[str, Any]]:
    """The small part of a product, one mapping a recording (`tables.SUMMARY`)."""
    with open_parquet(product) as file:
        rows: list[dict[str, Any]] = file.read(SUMMARY.names).cast(SUMMARY).to_pylist()
    return rows


def fingerprint_of(product: str, recording: int) -> NDArray[np.uint32]:
    """The audio fingerprint of a recording, uint32 [num_words]."""
    with open_parquet(product) as file:
        words: bytes = file.row_group(recording, ["fingerprint"])["fingerprint"][0].as_py()
    return np.frombuffer(words, dtype=np.dtype("<u4"))


def recording(product: str, index: int) -> pa.Table:
    """A recording of a product as a table of one row."""
    with open_parquet(product) as file:
        return file.row_group(index).cast(PRODUCT)
