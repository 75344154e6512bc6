"""Documents that are too deep, too large or too clever are refused at once, by every reader."""

import time
from pathlib import Path

import pytest

from drumline.charts.documents import read_json, read_yaml
from drumline.core.config import Config, load_config
from drumline.core.documents import DocumentError, parse_json, parse_yaml
from drumline.core.errors import ChartError, ConfigError

DEEP_YAML = {
    "flow sequences": "[" * 20_000,
    "closed flow sequences": "[" * 20_000 + "]" * 20_000,
    "flow mappings": "{a: " * 20_000 + "}" * 20_000,
    "block sequences": "- " * 20_000 + "a",
    "explicit keys": "? " * 20_000 + "a",
    "one mapping a line": "".join(f"{' ' * n}a:\n" for n in range(2_000)),
}
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize("text", [*DEEP_YAML.values(), LAUGHS], ids=[*DEEP_YAML, "aliases of aliases"])
def test_yaml_that_is_too_deep_is_refused_at_once(text: str, tmp_path: Path) -> None:
    started_s = time.monotonic()
    with pytest.raises(DocumentError, match=r"nested deeper than 100|more than 5,000,000 values"):
        parse_yaml(text)
    with pytest.raises(ChartError, match=r"song\.yaml: not YAML"):
        read_yaml(text.encode(), "song.yaml")
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.yaml: not YAML"):
        load_config(Config, tmp_path / "config.yaml")
    assert time.monotonic() - started_s < 5


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_json_that_is_too_deep_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match=r"nested too deeply|Expecting"):
        parse_json(text)
    with pytest.raises(ChartError, match=r"song\.json: not JSON"):
        read_json(text.encode(), "song.json")


def test_size_is_limited_and_ordinary_documents_are_read() -> None:
    with pytest.raises(DocumentError, match="12 bytes, limit 10"):
        parse_json(b'"0123456789"', max_bytes=10)
    with pytest.raises(DocumentError, match="unhashable"):
        parse_yaml("[a]: {[b]: c}")
    shared = parse_yaml("base: &base {a: 1, b: [2, 3]}\nother: {<<: *base, c: *base}")
    assert shared == {"base": {"a": 1, "b": [2, 3]}, "other": {"a": 1, "b": [2, 3], "c": {"a": 1, "b": [2, 3]}}}
    assert parse_yaml("[" * 50 + "]" * 50) is not None
