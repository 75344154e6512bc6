"""JSON and YAML within limits of size and depth, whoever wrote them. Whatever is wrong is a `DocumentError`.

A few kilobytes of brackets can exhaust a parser's stack, and a few lines of YAML aliases can stand for a value that
fills the memory once it is written out.
"""

import json
from typing import Any, Final

import yaml

from drumline.core.artifacts import read_bytes

MAX_BYTES: Final = 256_000_000
"""Default size limit of a document [bytes]."""
MAX_YAML_BYTES: Final = 16_000_000
MAX_YAML_DEPTH: Final = 100
"""Levels of sequences and mappings within each other."""
MAX_YAML_VALUES: Final = 5_000_000
"""Values of a document, those that aliases stand for counted each time."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(ValueError):
    """A document that cannot be read: the reason, without its place and format."""


def read_json(uri: str, *, max_bytes: int = MAX_BYTES) -> Any:
    """The value of a JSON file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DocumentError
        It is too large, too deep, or not JSON.
    """
    try:
        data = read_bytes(uri, max_bytes)
    except ValueError as error:
        raise DocumentError(str(error)) from error
    return parse_json(data, max_bytes=max_bytes)


def parse_json(data: bytes | str, *, max_bytes: int = MAX_BYTES) -> Any:
    """The value of JSON text. Raises DocumentError: too large, too deep (about 1,000 levels), or not JSON."""
    _check_size(data, max_bytes)
    try:
        return json.loads(data)
    except RecursionError as error:
        raise DocumentError("nested too deeply") from error
    except ValueError as error:
        raise DocumentError(str(error)) from error


def parse_yaml(data: bytes | str, *, max_bytes: int = MAX_YAML_BYTES) -> Any:
    """The value of a YAML document. Raises DocumentError: too large, too deep, too many aliases, or not YAML."""
    _check_size(data, max_bytes)
    try:
        _check_nesting(data)
        return yaml.load(data, Loader=_LOADER)
    except DocumentError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:  # an impossible date, a list as a key
        raise DocumentError(" ".join(str(error).split())) from error


def _check_size(data: bytes | str, max_bytes: int) -> None:
    if len(data) > max_bytes:
        raise DocumentError(f"{len(data):,} bytes, limit {max_bytes:,}")


def _check_nesting(data: bytes | str) -> None:
    """Walk through a document's events, which needs no stack, before anything is built of it."""
    sizes = [0]  # values in each open collection, outermost first
    anchors: list[str | None] = []  # of the open collections
    known: dict[str, int] = {}  # values that an alias stands for
    for event in yaml.parse(data, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            sizes.append(1)
            anchors.append(event.anchor)
            if len(anchors) > MAX_YAML_DEPTH:
                raise DocumentError(f"nested deeper than {MAX_YAML_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            size, anchor = sizes.pop(), anchors.pop()
            if anchor:
                known[anchor] = size
            sizes[-1] += size
        elif isinstance(event, yaml.AliasEvent):
            sizes[-1] += known.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            sizes[-1] += 1
        if sizes[-1] > MAX_YAML_VALUES:
            raise DocumentError(f"more than {MAX_YAML_VALUES:,} values, counting what aliases stand for")
