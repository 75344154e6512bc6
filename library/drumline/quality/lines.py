"""Read, edit and write JSON lines one at a time, keeping fields that are not understood.

Each line is available as a `charts.documents.Tree` for case-insensitive reading and as the plain object for writing.
Output files appear under their final name only when complete.
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
from drumline.charts.events_jsonl import components_of
from drumline.core.artifacts import STORAGE_ERRORS, filesystem, publish
from drumline.core.documents import parse_json
from drumline.core.errors import ChartError, ConfigError, DrumlineError
from drumline.quality.report import Input
from drumline.quality.samples import iter_text_lines

Row = dict[str, Any]
_CHUNK_BYTES: Final = 8 * 2**20


@dataclass(frozen=True)
class JsonLine:
    """One JSON line: its number in the file, the object to edit and a read-only view."""

    number: int
    row: Row
    """JSON object; edits to it are written."""
    tree: Tree
    """Case-insensitive, validated view of the object as it was read."""


def iter_json_lines(path: str) -> Iterator[JsonLine]:
    """Iterate over the JSON lines of a file.

    Parameters
    ----------
    path
        Path or URI of a UTF-8 file with one JSON object a line; empty lines are skipped.

    Raises
    ------
    DrumlineError
        The file cannot be read or has no lines.
    ChartError
        A line is not a JSON object.
    """
    for number, text in iter_text_lines(path):
        location = f"{path}:{number}"
        try:
            row = parse_json(text)
        except ValueError as error:
            raise ChartError(location, f"not JSON: {error}") from error
        yield JsonLine(number, row, as_tree(row, f"{location}: "))


def set_field(row: Row, name: str, value: object) -> None:
    """Set a field, reusing the key that the object already has for it in any case."""
    row[next((key for key in row if key.casefold() == name.casefold()), name)] = value


def editable_components(line: JsonLine) -> list[tuple[Row, Tree]]:
    """Components of an event (`charts.events_jsonl.components_of`) as pairs of the object to edit and its view."""
    trees = components_of(line.tree)
    if not line.tree.has("components"):
        return [(line.row, line.tree)]
    rows = next(value for key, value in line.row.items() if key.casefold() == "components")
    return list(zip(rows, trees, strict=True))


def file_sha256(path: str) -> str:
    """SHA-256 of a file, read in chunks."""
    fs, inner = filesystem(path)
    digest = hashlib.sha256()
    with fs.open(inner, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def describe_file(role: str, path: str, records: int) -> Input:
    """Describe a file that was read, for a report. Raises DrumlineError if it had no records."""
    if not records:
        raise DrumlineError(f"{role}: {path}: file has no lines")
    return Input(role=role, path=path, records=records, sha256=file_sha256(path))


@contextmanager
def json_lines_writer(uri: str) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Open a JSON lines file for writing.

    Yields a function that writes one object as a line. The file is published when the block ends without an exception;
    an empty ``uri`` discards all lines. Raises ConfigError if the output cannot be written.
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
