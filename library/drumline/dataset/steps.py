"""Song processing as a Ray task: one row in, small result rows out, large data through files.

Steps are idempotent: finished songs are found and reported, not processed again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from drumline.core.errors import Rejected
from drumline.dataset import products
from drumline.dataset.config import BuildConfig
from drumline.dataset.products import ProductStore
from drumline.dataset.song import build_song
from drumline.dataset.sources import SongSource
from drumline.dataset.stems import Stems
from drumline.dataset.tables import SUMMARY
from drumline.runtime.guarded import run_guarded
from drumline.runtime.ledger import Ledger
from drumline.runtime.report import peak_mb

OUTCOME: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("format", pa.string(), nullable=False),
        pa.field("reused", pa.bool_(), nullable=False),
        pa.field("cpu_s", pa.float64(), nullable=False),
        pa.field("peak_mb", pa.float64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("product", pa.string(), nullable=False),
        pa.field("recordings", pa.list_(pa.struct(list(SUMMARY))), nullable=False),
    ]
)
"""Columns that a worker reports for a song."""


@dataclass(frozen=True)
class SongStep:
    """Process a found song (JSON of `SongSource`) and publish its product; runs as a Ray task."""

    config: BuildConfig
    stems: Stems
    ledger: Ledger

    def __call__(self, row: str) -> Sequence[dict[str, Any]]:
        source = SongSource.from_json(row)
        store = ProductStore.of(self.config, self.stems.separator)
        started_s = time.process_time()
        found = store.find(source)
        result = found if found is not None else store.save(source, self._work(source, store.id(source)))
        rejection = result if isinstance(result, Rejected) else None
        return [
            {
                "key": source.key,
                "format": source.format,
                "reused": found is not None,
                "cpu_s": time.process_time() - started_s,
                "peak_mb": peak_mb(),
                "reason": rejection.reason if rejection else "",
                "detail": rejection.detail if rejection else "",
                "product": "" if rejection else result,
                "recordings": [] if isinstance(result, Rejected) else products.summaries(result),
            }
        ]

    def _work(self, source: SongSource, id_: str) -> pa.Table | Rejected:
        return run_guarded(self.ledger, id_, source.key, lambda: self._build(source))

    def _build(self, source: SongSource) -> pa.Table | Rejected:
        return build_song(source, self.config, self.stems.lookup)
