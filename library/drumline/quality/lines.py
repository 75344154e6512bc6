"""JSON lines that are read, changed and written again, one by one and without loss.

`charts.documents.Tree` answers questions about a line, by names in any case; the object beside it is the line itself,
for writing. A file that is being written appears under its name when it is whole.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from drumline.charts.documents import Tree, as_tree
from drumline.core.artifacts import STORAGE_ERRORS, filesystem, publish
from drumline.core.documents import parse_json
from drumline.core.errors import ChartError, ConfigError, DrumlineError
from drumline.quality.report import Input
from drumline.quality.samples import stream_text

Row = dict[str, Any]
_CHUNK_BYTES: Final = 8 * 2**20


@dataclass(frozen=True)
class Line:
    """One line, to read and to change."""

    number: int
    row: Row
    """The object itself; what is set here is written."""
    tree: Tree
    """The same to ask, as it was read."""


def stream(path: str) -> Iterator[Line]:
    """The lines of a file. Raises DrumlineError where it cannot be read, ChartError at a line that is no object."""
    for number, text in stream_text(path):
        place = f"{path}:{number}"
        try:
            row = parse_json(text)
        except ValueError as error:
            raise ChartError(place, f"not JSON: {error}") from error
        yield Line(number, row, as_tree(row, f"{place}: "))


def put(row: Row, name: str, value: object) -> None:
    """Set a value, under the name that the line already has for it in whatever case."""
    row[next((key for key in row if key.casefold() == name.casefold()), name)] = value


def parts_of(line: Line) -> list[tuple[Row, Tree]]:
    """The components of an event, each to change and to ask; the event itself where it has none."""
    trees = line.tree.trees("components")
    if not trees:
        return [(line.row, line.tree)]
    rows = next(value for key, value in line.row.items() if key.casefold() == "components")
    return list(zip(rows, trees, strict=True))


def digest_of(path: str) -> str:
    """The SHA-256 of a file, however long it is."""
    fs, inner = filesystem(path)
    digest = hashlib.sha256()
    with fs.open(inner, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def input_of(role: str, path: str, records: int) -> Input:
    """A file of lines that was read, for a report. Raises DrumlineError where it held none."""
    if not records:
        raise DrumlineError(f"{role}: {path}: holds no line")
    return Input(role=role, path=path, records=records, sha256=digest_of(path))


@contextmanager
def lines_to(uri: str) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A function that writes a line. The file is published when the block ends well; an empty URI writes nothing.

    Raises ConfigError where the place cannot be written.
    """
    if not uri:
        yield lambda row: None
        return
    try:
        with tempfile.TemporaryDirectory(prefix="drumline-") as folder:
            aside = Path(folder, "lines.jsonl")
            with aside.open("w", encoding="utf-8") as file:
                yield lambda row: _write(file, row)
            publish(aside, uri)
    except STORAGE_ERRORS as error:
        raise ConfigError(f"output: {uri}: cannot be written ({error or type(error).__name__})") from error


def _write(file: TextIO, row: Mapping[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False) + "\n")
