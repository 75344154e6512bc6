"""Libraries as people have them: links, hidden folders, archives of every kind."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from drumline.core.archives import MAX_INNER_BYTES, root_of
from drumline.core.artifacts import join, read_bytes
from drumline.core.errors import ArchiveError, ConfigError
from drumline.core.listing import MAX_NESTED, is_hidden, list_files, list_library


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def test_linked_folders_are_part_of_a_library_and_loops_end(tmp_path: Path) -> None:
    library, elsewhere = tmp_path / "library", tmp_path / "elsewhere"
    write(library, "a/1.ogg")
    write(elsewhere, "b/2.ogg", "3.ogg")
    (library / "0 link").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(library)
    (library / "a" / "self").symlink_to(".")
    (library / "a" / "again").symlink_to(elsewhere / "b")  # listed once, wherever links lead to it
    (library / "file.ogg").symlink_to(elsewhere / "3.ogg")
    (library / "broken.ogg").symlink_to("nowhere.ogg")
    found = list_files(str(library)).files
    assert sorted(found) == ["0 link/3.ogg", "0 link/b/2.ogg", "a/1.ogg", "broken.ogg", "file.ogg"]
    assert found["broken.ogg"] == "missing"


def test_what_systems_keep_beside_peoples_files_is_left_out(tmp_path: Path) -> None:
    bands = ["...And You Will Know Us/1.ogg", ".38 Special/2.ogg", "a.b/3.ogg"]
    write(tmp_path, *bands, ".git/4.ogg", "x/@eaDir/5.ogg", ".trash/6.ogg", "x/._7.ogg", "$RECYCLE.BIN/8.ogg")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("song/9.ogg", "__MACOSX/song/._9.ogg"):
            archive.writestr(name, name)
    listed = [f"{each.prefix}/{path}" for each in list_library(str(tmp_path)) for path in each.files]
    assert sorted(listed) == sorted([*(f"/{band}" for band in bands), "/z.zip", "z.zip/song/9.ogg"])
    assert not is_hidden("a/b.c/d")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_may_not_be_listed_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "a/1.ogg", "b/2.ogg")
    (tmp_path / "a").chmod(0)
    assert list(list_files(str(tmp_path)).files) == ["b/2.ogg"]
    assert "cannot be listed" in caplog.text
    (tmp_path / "a").chmod(0o700)


def test_archives_are_read_however_they_were_packed(tmp_path: Path) -> None:
    (tmp_path / "UPPER.ZIP").write_bytes(zipped(**{"a/1.txt": b"one"}))
    (tmp_path / "backslash.zip").write_bytes(zipped(**{"b/2.txt": b"two"}).replace(b"b/2.txt", b"b\\2.txt"))
    inner = zipped(**{"c/3.txt": b"three"})
    (tmp_path / "nested.zip").write_bytes(zipped(**{"d/Inner.zip": inner}))
    (tmp_path / "evil.zip").write_bytes(zipped(**{"../4.txt": b"four", "/5.txt": b"five", "6.txt": b"six"}))
    found = {
        f"{each.prefix}/{path}": read_bytes(join(each.uri, path))
        for each in list_library(str(tmp_path))
        if each.prefix
        for path in each.files
    }
    assert found == {
        "UPPER.ZIP/a/1.txt": b"one",
        "backslash.zip/b/2.txt": b"two",
        "nested.zip/d/Inner.zip": inner,
        "nested.zip/d/Inner.zip/c/3.txt": b"three",
        "evil.zip/6.txt": b"six",
    }
    assert list(list_files(str(tmp_path / "UPPER.ZIP")).files) == ["a/1.txt"]


def test_a_replaced_archive_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for number in range(2):
        path.write_bytes(zipped(**{"x.zip": zipped(**{"y": bytes(number + 1)})}))
        os.utime(path, (number, number))
        inner = root_of(join(root_of(str(path)), "x.zip"))
        assert read_bytes(join(inner, "y")) == bytes(number + 1)


def test_what_cannot_be_read_of_archives_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no.zip").write_bytes(b"not an archive")
    deep = zipped(x=b"x")
    for _ in range(MAX_NESTED + 1):
        deep = zipped(**{"in.zip": deep})
    (tmp_path / "deep.zip").write_bytes(deep)
    damaged = bytearray(zipped(a=b"some bytes"))
    damaged[damaged.index(b"some")] ^= 1
    (tmp_path / "damaged.zip").write_bytes(damaged)
    faults = {each.prefix: each.fault for each in list_library(str(tmp_path)) if each.fault}
    assert faults.keys() == {"no.zip", "deep.zip" + MAX_NESTED * "/in.zip"}
    assert "not a zip file" in faults["no.zip"]
    assert "3 deep" in faults["deep.zip" + MAX_NESTED * "/in.zip"]
    with pytest.raises(ArchiveError, match="a: Bad CRC"):
        read_bytes(join(root_of(str(tmp_path / "damaged.zip")), "a"))
    with pytest.raises(ConfigError, match=r"roots: .*no\.zip: cannot be listed"):
        list_files(str(tmp_path / "no.zip"))
    assert MAX_INNER_BYTES == 2**30
    monkeypatch.setattr("drumline.core.archives.MAX_INNER_BYTES", 10)
    (tmp_path / "big.zip").write_bytes(zipped(**{"in.zip": bytes(11)}))
    assert "limit 10" in next(each.fault for each in list_library(str(tmp_path)) if each.prefix == "big.zip/in.zip")
