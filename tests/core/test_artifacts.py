"""A disk that is full: told with its place and its room, and nothing is left half-written."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumline.core.artifacts import (
    publish,
    refuse_foreign_file,
    refuse_foreign_json,
    refuse_foreign_output,
    storage_told,
    write_bytes,
)
from drumline.core.errors import ConfigError, DrumlineError


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB, of which half is taken."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "chaos", str(disk)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"a small disk may not be mounted here: {mount.stderr.strip()}")
    try:
        (disk / "taken").write_bytes(bytes(32_768))
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_nothing_is_left_on_it(full_disk: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    for write in (write_bytes, lambda uri, data: (made.write_bytes(data), publish(made, uri))):
        target = full_disk / "songs" / "a.parquet"
        with pytest.raises(OSError, match=rf"disk is full: 50,000 bytes wanted, [\d,]+ free: '{target}'"):
            write(str(target), bytes(50_000))
        assert [path.name for path in full_disk.rglob("*") if path.is_file()] == ["taken"]
    with (
        pytest.raises(DrumlineError, match=r"^out: storage failed \(.*a.parquet.*run again to resume"),
        storage_told("out"),
    ):
        write_bytes(str(target), bytes(50_000))


def test_a_folder_of_a_persons_files_is_no_output(tmp_path: Path) -> None:
    refuse_foreign_output(str(tmp_path / "nowhere"), writes=["card.md"], evidence=["_runs"])
    (tmp_path / "card.md").write_text("my own")
    (tmp_path / "other.txt").write_text("hinders nobody")
    with pytest.raises(ConfigError, match=r"output: .* holds card\.md, which drumline did not write"):
        refuse_foreign_output(str(tmp_path), writes=["card.md", "a"], evidence=["_runs"])
    with pytest.raises(ConfigError, match=r"holds card\.md"):
        refuse_foreign_json(f"{tmp_path}/report.json", keys=["check"], beside=["card.md"])
    for foreign in ("no JSON", "[]", '{"name": 1}'):
        (tmp_path / "report.json").write_text(foreign)
        with pytest.raises(ConfigError, match=r"holds card\.md, report\.json"):
            refuse_foreign_json(f"{tmp_path}/report.json", keys=["check"], beside=["card.md"])
    (tmp_path / "report.json").write_text('{"check": 1, "name": 2}')
    refuse_foreign_json(f"{tmp_path}/report.json", keys=["check"], beside=["card.md"])
    (tmp_path / "weights.json").write_text('{"a": 1.5}')
    with pytest.raises(ConfigError, match=r"weights\.json is there"):
        refuse_foreign_file(f"{tmp_path}/weights.json", mark=b"counts")
    for fine in ("weights.json", "report.json", "nowhere.json"):
        refuse_foreign_file(f"{tmp_path}/{fine}", mark=b'"')
    (tmp_path / "_runs").mkdir()
    refuse_foreign_output(str(tmp_path), writes=["card.md", "a"], evidence=["_runs"])
