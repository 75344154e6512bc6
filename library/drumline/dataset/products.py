"""Finished songs of a build (`runtime.products`), filed under a fingerprint of the song's key, its files' stamps and
the
configuration."""

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
    """Finished songs of one configuration."""

    products: Products
    song_fingerprint: str

    @staticmethod
    def of(config: BuildConfig, separator: str) -> "ProductStore":
        """Open the store of a build; ``separator`` is the fingerprint of the separator, or empty."""
        return ProductStore(Products(join(config.work_uri, "songs")), fingerprint(config.song_fingerprint, separator))

    def id(self, source: SongSource) -> str:
        """Fingerprint under which a song's result is filed."""
        return fingerprint(self.song_fingerprint, source.key, source.format, source.stamp)

    def find(self, source: SongSource) -> str | Rejected | None:
        """URI of a finished product, the recorded rejection, or None if the song is unfinished."""
        return self.products.find(self.id(source))

    def save(self, source: SongSource, outcome: pa.Table | Rejected) -> str | Rejected:
        """Publish the result of a song; returns what `find` returns from now on."""
        if isinstance(outcome, Rejected):
            return self.products.save(self.id(source), outcome)
        sink = pa.BufferOutputStream()
        # A row group a recording: shards copy recordings one by one.
        compression = {"audio_flac": "none"} | _ZSTD
        pq.write_table(outcome, sink, row_group_size=1, compression=compression, write_page_checksum=True)
        return self.products.save(self.id(source), sink.getvalue().to_pybytes())


_ZSTD = {field.name: "zstd" for field in PRODUCT if field.name != "audio_flac"}


def summaries(product: str) -> list[dict[str, Any]]:
    """Summary columns of a product (`tables.SUMMARY`), one mapping per recording."""
    with open_parquet(product) as file:
        rows: list[dict[str, Any]] = file.read(SUMMARY.names).cast(SUMMARY).to_pylist()
    return rows


def fingerprint_of(product: str, recording: int) -> NDArray[np.uint32]:
    """Audio fingerprint of a recording, uint32 [num_words]."""
    with open_parquet(product) as file:
        words: bytes = file.row_group(recording, ["fingerprint"])["fingerprint"][0].as_py()
    return np.frombuffer(words, dtype=np.dtype("<u4"))


def recording(product: str, index: int) -> pa.Table:
    """One recording of a product as a table of one row."""
    with open_parquet(product) as file:
        return file.row_group(index).cast(PRODUCT)
