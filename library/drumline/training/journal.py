"""Journal of a training run (JSON Lines), and a summary of its metrics.

On resuming, records after the resumed step are removed, so that no step is recorded twice. Files below the output:
``steps.jsonl``, ``epochs.jsonl``, ``metrics.json``.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drumline.core.artifacts import room_for, write_bytes
from drumline.core.documents import parse_json

Record = dict[str, Any]


class Journal:
    """Local JSON Lines file of records, each with ``step``, the number of steps since the start of the run.

    Parameters
    ----------
    file
        The file; an incomplete last line is removed.
    until_step
        Last step to keep; later records are removed.
    """

    def __init__(self, file: Path, *, until_step: int) -> None:
        self.file = file
        self.records = [
            record for record in records_of(file.read_bytes() if file.exists() else b"") if record["step"] <= until_step
        ]
        write_bytes(str(file), b"".join(map(_line, self.records)))

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record."""
        self.records.append(dict(record))
        line = _line(record)
        with room_for(len(line), str(self.file)), self.file.open("ab") as file:
            file.write(line)


def summary(epochs: list[Record], score: str) -> bytes:
    """Content of ``metrics.json``: the newest epoch and the best by score (the earlier of equal ones)."""
    best = max(epochs, key=lambda record: (_number(record["metrics"].get(score)), -record["step"]))
    tree = {"score": score, "newest": epochs[-1], "best": best}
    return json.dumps(_plain(tree), indent=1).encode()


def _number(value: float | None) -> float:
    return -math.inf if value is None or math.isnan(value) else value


def records_of(data: bytes) -> list[Record]:
    """Parse the records of a journal, without an incomplete last line."""
    records = []
    for line in data.split(b"\n"):
        try:
            records.append(parse_json(line))
        except ValueError:
            break  # an incomplete last line: the process died while writing it
    return records


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(_plain(record)).encode() + b"\n"


def _plain(value: Any) -> Any:
    """Replace NaN and infinity, which JSON lacks, by null."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
