"""A package vouches for its bytes, and is found or told how to get."""

from pathlib import Path

import pytest
from tests.export.tiny import write_package

from drumline.core.errors import ConfigError, DrumlineError
from drumline.decoding.model_package import NAME, find_package, read_package, released, withdraw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32")


def test_what_is_written_is_read(folder: Path) -> None:
    package = read_package(folder)
    assert (package.name, package.precisions, package.features.hop) == ("tiny", ("float32",), 128)
    assert find_package(str(folder)) == folder


def test_a_package_elsewhere_is_fetched_whole(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    here = find_package(f"file://{folder}")
    assert here.is_relative_to(tmp_path)
    assert read_package(here) == read_package(folder)
    assert find_package(f"file://{folder}/") == here
    with pytest.raises(ConfigError, match=r"file:///nowhere: no model package there"):
        find_package("file:///nowhere")


def copy(folder: Path, target: Path) -> Path:
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_a_changed_or_missing_file_is_told(folder: Path, tmp_path: Path) -> None:
    changed = copy(folder, tmp_path / "changed")
    data = bytearray((changed / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (changed / "model.onnx").write_bytes(data)
    with pytest.raises(DrumlineError, match=r"model\.onnx: has been changed"):
        read_package(changed)
    (changed / "model.onnx").unlink()
    with pytest.raises(DrumlineError, match=r"model\.onnx: is missing"):
        read_package(changed)


@pytest.mark.parametrize(
    ("content", "match"),
    [("{", "not JSON"), ("[]", "format version None"), ('{"format_version": 99}', "format version 99, this drumline")],
)
def test_another_package_json_is_refused(content: str, match: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(ConfigError, match=match):
        read_package(tmp_path)
    with pytest.raises(ConfigError, match="not of a drumline model"):
        withdraw(tmp_path)
    assert (tmp_path / NAME).exists()


def test_who_has_no_model_is_told_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model package there"):
        find_package(str(tmp_path))
    if not released():
        with pytest.raises(ConfigError, match="name a package with --model FOLDER"):
            find_package()
