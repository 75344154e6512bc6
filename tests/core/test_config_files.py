"""Configuration files as editors save them: what cannot be read is one message with its place."""

from pathlib import Path

import pytest

from drumline.core.config import Config, load_config
from drumline.core.errors import ConfigError


class Named(Config):
    """A configuration."""

    name: str = ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf_8_is_read_with_or_without_its_mark(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: Schlägel\n", encoding=encoding)
    assert load_config(Named, file) == Named(name="Schlägel")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("# Ä\n".encode() + "name: Schlägel\n".encode("latin-1"), r"a\.yaml:2: not UTF-8 \(byte 0xe4"),
        ("name: x\n".encode("utf-16"), r"a\.yaml:1: not UTF-8 \(byte 0xff.*save it as UTF-8"),
        ("name: x\n".encode("utf-16-le"), r"a\.yaml: not YAML"),
        (b"name: 2001-99-99\n", r"a\.yaml: not YAML: month must be in 1\.\.12"),
        (b"[" * 5000, r"a\.yaml: not YAML"),
    ],
    ids=["latin-1", "utf-16", "utf-16 without mark", "impossible date", "too deep"],
)
def test_what_is_no_utf_8_or_no_yaml_is_told_with_its_place(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=message):
        load_config(Named, file)
