"""The trials of a sweep as tables: ``trials.parquet`` and ``trials.csv``, the best first."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from drumline.core.artifacts import join, write_bytes
from drumline.dataset.tables import Column
from drumline.tuning.trials import REASONS, Trial

COLUMNS: Final = (
    Column("trial", pa.string(), "its id: the name of its folder"),
    Column("state", pa.string(), "`finished`, `stopped` (by the scheduler) or `failed`"),
    Column("reason", pa.string(), f"of a failed one: {', '.join(REASONS)}; else empty"),
    Column("detail", pa.string(), "of a failed one: the place, the value, the likely cause"),
    Column("score", pa.float64(), "the best of its epochs", nullable=True),
    Column("epochs", pa.int64(), "epochs that were scored"),
    Column("seconds", pa.float64(), "spent on it, over all attempts; 0 for a decoding", unit="s"),
    Column("run", pa.string(), "its training run; empty for a decoding"),
    Column("curve", pa.list_(pa.float64()), "score by epoch, in order"),
)
"""After these comes a column for each key of the space, by its dotted name; null where a trial has no such key."""


def best_first(trials: Iterable[Trial]) -> list[Trial]:
    """By score; those without one last."""
    return sorted(
        trials, key=lambda trial: (trial.state == "failed", -(trial.score if trial.score is not None else -1.0))
    )


def table(trials: Sequence[Trial], keys: Sequence[str]) -> pa.Table:
    """A row a trial, the best first; ``keys`` are those of the space."""
    ordered = best_first(trials)
    own = [
        {
            "trial": trial.id,
            "state": trial.state,
            "reason": trial.reason,
            "detail": trial.detail,
            "score": trial.score,
            "epochs": len(trial.curve),
            "seconds": round(trial.seconds, 2),
            "run": trial.run,
            "curve": [score for _, score in trial.curve],
        }
        for trial in ordered
    ]
    schema = pa.schema([pa.field(column.name, column.type, nullable=column.nullable) for column in COLUMNS])
    trial_table = pa.Table.from_pylist(own, schema=schema)
    for key in keys:
        trial_table = trial_table.append_column(key, _values([trial.values.get(key) for trial in ordered]))
    return trial_table


def write_tables(trials: Sequence[Trial], keys: Sequence[str], output: str) -> None:
    """Write both."""
    trial_table = table(trials, keys)
    sink = io.BytesIO()
    pq.write_table(trial_table, sink, compression="zstd")
    write_bytes(join(output, "trials.parquet"), sink.getvalue())
    text = io.StringIO()
    flat = trial_table.drop_columns(["curve"])
    writer = csv.DictWriter(text, flat.column_names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat.to_pylist())
    write_bytes(join(output, "trials.csv"), text.getvalue().encode())


def _values(values: list[Any]) -> pa.Array:
    """Numbers as numbers, words as words, anything else as JSON."""
    known = [value for value in values if value is not None]
    for kinds, type_ in ((bool, pa.bool_()), (int, pa.int64()), ((int, float), pa.float64()), (str, pa.string())):
        if all(isinstance(value, kinds) and (type_ == pa.bool_() or not isinstance(value, bool)) for value in known):
            return pa.array(values, type=type_)
    return pa.array([None if value is None else json.dumps(value) for value in values], type=pa.string())
