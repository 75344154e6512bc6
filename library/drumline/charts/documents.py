"""Text documents to values (JSON, JSON lines, CSV, YAML), every fault a ChartError that names its place.

A place is the file, then ``:line`` or the path of keys: ``song.bsm: hitObjects[3].time``.
"""

import csv
import io
import math
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any, Final

from drumline.charts.text import decode, split_lines
from drumline.core.documents import DocumentError, parse_json, parse_yaml
from drumline.core.errors import ChartError

LONGEST_S: Final = 86_400.0
"""No song lasts longer than a day: a time beyond it is a fault of the file, or of its unit."""


@dataclass(frozen=True)
class Tree:
    """A decoded JSON or YAML object whose values are asked for by name and kind.

    Names match whatever their case, because writers in C# and in Python spell them differently. Each getter
    raises ChartError where the value is of another kind, or missing with no default given.
    """

    values: Mapping[str, Any]
    """By case-folded name."""
    location: str

    def fault(self, name: str, reason: str) -> ChartError:
        """The error to raise about one value."""
        return ChartError(f"{self.location}{name}", reason)

    def text(self, name: str, default: str | None = None) -> str:
        """A string; numbers come as their text, and null as the default."""
        value = self.values.get(name.casefold())
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.fault(name, f"must be text, not {_shown(value)}")
        return str(value)

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number; null as the default."""
        value = self.values.get(name.casefold())
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fault(name, f"must be a number, not {_shown(value)}")
        # A whole number beyond the range of doubles cannot even be converted.
        number = float(value) if abs(value) < 1e300 else math.inf
        if not math.isfinite(number):
            raise self.fault(name, f"must be finite, not {_shown(value)}")
        return number

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        number = self.number(name, default)
        if number != int(number):
            raise self.fault(name, f"must be a whole number, not {number}")
        return int(number)

    def seconds(self, name: str, *, unit_s: float = 1.0) -> float:
        """A time written in units of ``unit_s`` seconds, as seconds."""
        return checked_time_s(self.number(name) * unit_s, f"{self.location}{name}")

    def flag(self, name: str) -> bool:
        """A boolean, False where it is missing."""
        value = self.values.get(name.casefold())
        if value is not None and not isinstance(value, bool):
            raise self.fault(name, f"must be true or false, not {_shown(value)}")
        return bool(value)

    def tree(self, name: str) -> "Tree":
        """An object, empty where it is missing."""
        value = self.values.get(name.casefold())
        return as_tree({} if value is None else value, f"{self.location}{name}.")

    def trees(self, name: str) -> list["Tree"]:
        """An array of objects, empty where it is missing."""
        return [as_tree(item, f"{self.location}{name}[{i}].") for i, item in enumerate(self.items(name))]

    def items(self, name: str) -> list[Any]:
        """An array, empty where it is missing."""
        value = self.values.get(name.casefold())
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fault(name, f"must be an array, not {_shown(value)}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of strings, empty where it is missing."""
        for item in self.items(name):
            if not isinstance(item, str):
                raise self.fault(name, f"must hold text only, not {_shown(item)}")
        return tuple(self.items(name))

    def has(self, name: str) -> bool:
        """Whether a value is there and not null."""
        return self.values.get(name.casefold()) is not None


def as_tree(value: object, location: str) -> Tree:
    """A decoded object as a `Tree`. ``place`` ends where a name can follow."""
    if not isinstance(value, dict):
        raise ChartError(location.rstrip(". :"), f"must be an object, not {_shown(value)}")
    # Interned: the lines of a file have the same names, and a million of them are often in memory at once.
    return Tree({intern(str(name).casefold()): item for name, item in value.items()}, location)


def checked_time_s(time_s: float, location: str) -> float:
    """The time itself, if a song can have it. Before zero there may be a short lead-in."""
    if not -3_600.0 <= time_s <= LONGEST_S:
        raise ChartError(location, f"{time_s:g} s is outside -3600 to {LONGEST_S:g} s (is it in another unit?)")
    return time_s


def read_json(data: bytes, location: str) -> Tree:
    """A file that holds one JSON object."""
    return as_tree(_json(decode(data), location), f"{location}: ")


def read_json_lines(data: bytes, location: str) -> Iterator[Tree]:
    """The objects of a file that holds one a line. Blank lines are passed over."""
    for number, line in enumerate(split_lines(decode(data)), start=1):
        if line.strip():
            yield read_json_line(line, f"{location}:{number}")


def read_json_line(line: str, location: str) -> Tree:
    """The object of one such line; ``place`` names it."""
    return as_tree(_json(line, location), f"{location}: ")


def read_yaml(data: bytes, location: str) -> Tree:
    """A file that holds one YAML mapping."""
    try:
        value = parse_yaml(decode(data))
    except DocumentError as error:
        raise ChartError(location, f"not YAML: {error}") from error
    return as_tree(value, f"{location}: ")


def read_csv(data: bytes, location: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(place, row) of a CSV file with a header. Short rows have empty values."""
    try:
        for row in (reader := csv.DictReader(io.StringIO(decode(data), newline=""), restval="")):
            yield f"{location}:{reader.line_num}", {key: value for key, value in row.items() if key}
    except csv.Error as error:
        raise ChartError(location, f"not CSV: {error}") from error


def read_columns(data: bytes, location: str) -> Iterator[tuple[str, float, str]]:
    """(place, seconds, word) of a file of onsets: a time, white space and a word on each line."""
    for number, line in enumerate(split_lines(decode(data)), start=1):
        if not (fields := line.split()):
            continue
        at = f"{location}:{number}"
        if len(fields) != 2:
            raise ChartError(at, f"must hold a time and a label, not {line.strip()[:60]!r}")
        try:
            time_s = float(fields[0])
        except ValueError as error:
            raise ChartError(at, f"{fields[0][:60]!r} is not a time in seconds") from error
        yield at, checked_time_s(time_s, at), fields[1]


def _json(text: str, location: str) -> object:
    try:
        value: object = parse_json(text)
    except DocumentError as error:
        raise ChartError(location, f"not JSON: {error}") from error
    return value


def _shown(value: object) -> str:
    # Bounded: a few lines of YAML aliases can stand for a value too large to print.
    return "missing" if value is None else reprlib.repr(value)[:60]
