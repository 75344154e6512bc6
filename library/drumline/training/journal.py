"""A run's journal: one JSON object a line, and metrics for machines.

A journal is resumed at the step that the run goes on from: what an interrupted attempt wrote beyond it is taken away,
so that no step stands there twice. Below the output: ``steps.jsonl``, ``epochs.jsonl``, ``metrics.json``.
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
    """A local file of lines, each with the number of steps since the run began, as ``step``."""

    def __init__(self, file: Path, *, until_step: int) -> None:
        """Open it and forget what comes after a step. A last line that was cut off is forgotten too."""
        self.file = file
        self.records = [
            record for record in records_of(file.read_bytes() if file.exists() else b"") if record["step"] <= until_step
        ]
        write_bytes(str(file), b"".join(map(_line, self.records)))

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a line."""
        self.records.append(dict(record))
        line = _line(record)
        with room_for(len(line), str(self.file)), self.file.open("ab") as file:
            file.write(line)


def summary(epochs: list[Record], score: str) -> bytes:
    """``metrics.json``: the newest epoch, and the best by score (of equal ones the earlier)."""
    best = max(epochs, key=lambda record: (_number(record["metrics"].get(score)), -record["step"]))
    tree = {"score": score, "newest": epochs[-1], "best": best}
    return json.dumps(_plain(tree), indent=1).encode()


def _number(value: float | None) -> float:
    return -math.inf if value is None or math.isnan(value) else value


def records_of(data: bytes) -> list[Record]:
    """The lines of a journal's file; not a last one that was cut off."""
    records = []
    for line in data.split(b"\n"):
        try:
            records.append(parse_json(line))
        except ValueError:
            break  # the last line, if the process died while writing it; what follows was never written
    return records


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(_plain(record)).encode() + b"\n"


def _plain(value: Any) -> Any:
    """JSON knows no NaN: null there."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
