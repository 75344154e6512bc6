"""Finished songs of a build (`runtime.products`): the id is a fingerprint of the song's key, its files' stamps and the
configuration of the work."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from drumline.core.artifacts import join
from drumline.core.config import fingerprint
from drumline.core.errors import Rejected
from drumline.dataset.config import BuildConfig
from drumline.dataset.parquet import open_parquet
from drumline.dataset.sources import SongSource
from drumline.dataset.tables import PRODUCT, SUMMARY
from drumline.runtime.products import Products


@dataclass(frozen=True)
class ProductStore:
    """The products of one configuration."""

    products: Products
    song_fingerprint: str

    @staticmethod
    def of(config: BuildConfig, separator: str) -> "ProductStore":
        """The store of a build; ``separator`` is the fingerprint of the separator in use, or empty."""
        return ProductStore(Products(join(config.work_uri, "songs")), fingerprint(config.song_fingerprint, separator))

    def id(self, source: SongSource) -> str:
        """Where the work on a song is filed."""
        return fingerprint(self.song_fingerprint, source.key, source.format, source.stamp)

    def find(self, source: SongSource) -> str | Rejected | None:
        """The URI of a finished product, the recorded rejection, or None where the work is still to be done."""
        return self.products.find(self.id(source))

    def save(self, source: SongSource, outcome: pa.Table | Rejected) -> str | Rejected:
        """Publish an outcome; what `find` will say from now on."""
        if isinstance(outcome, Rejected):
            return self.products.save(self.id(source), outcome)
        sink = pa.BufferOutputStream()
        # A row group a recording: shards copy recordings one by one.
        compression = {"audio_flac": "none"} | _ZSTD
        pq.write_table(outcome, sink, row_group_size=1, compression=compression, write_page_checksum=True)
        return self.products.save(self.id(source), sink.getvalue().to_pybytes())


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
