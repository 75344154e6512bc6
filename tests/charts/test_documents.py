"""Faults of text documents, each with its place."""

from collections.abc import Callable

import pytest

from drumline.charts.documents import (
    as_tree,
    read_columns,
    read_csv,
    read_json,
    read_json_lines,
    read_yaml,
)
from drumline.core.errors import ChartError


@pytest.mark.parametrize(
    ("read", "data", "message"),
    [
        (read_json, b"[1]", r"^f: must be an object, not \[1\]"),
        (read_json, b'{"a": 9' + b"9" * 5_000 + b"}", "^f: not JSON"),
        (lambda data, name: list(read_json_lines(data, name)), b"{}\n\n3", r"^f:3: must be an object"),
        (
            lambda data, location: list(read_columns(data, location)),
            b"0.5 KD\n1.0 KD SD",
            r"^f:2: must hold a time and a",
        ),
        (lambda data, location: list(read_columns(data, location)), b"nan KD", r"^f:1: nan s is outside"),
        (read_yaml, b"a: [1", "^f: not YAML"),
        (read_yaml, b"a: 2000-13-45", "^f: not YAML"),
    ],
)
def test_places(read: Callable[[bytes, str], object], data: bytes, message: str) -> None:
    with pytest.raises(ChartError, match=message):
        read(data, "f")


def test_short_rows_of_a_table_have_empty_values() -> None:
    assert list(read_csv(b"\xef\xbb\xbfa,b\n1\n2,3,4\n", "f")) == [
        ("f:2", {"a": "1", "b": ""}),
        ("f:3", {"a": "2", "b": "3"}),
    ]


def test_aliases_cannot_swell_an_error() -> None:
    levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 7))
    tree = read_yaml(f"a0: &a0 x\n{levels}".encode(), "f")
    with pytest.raises(ChartError, match="must be a number") as caught:
        tree.number("a6")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 10**400])
def test_numbers_are_finite_numbers(value: object) -> None:
    with pytest.raises(ChartError, match=r"f\.x: must be"):
        as_tree({"X": value}, "f.").number("x")
