"""Fetching from a server in the next thread: whole or nothing, resumed, held to its checksum, never unasked."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result
from tests.dataset.corpora.shelf import Shelf, serving

from drumline.cli import main
from drumline.core.errors import ConfigError, DrumlineError
from drumline.dataset.corpora.catalogue import Material, RemoteFile, load_catalogue
from drumline.dataset.corpora.check import check, recognise
from drumline.dataset.corpora.fetch import fetch, record_path
from drumline.dataset.corpora.unpack import unpack

NOISE = np.random.default_rng(0).bytes(300_000)
FILES = {"kit/drumkit.xml": b"<drumkit_info/>", "kit/snare.wav": NOISE}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving(Shelf(files={"/kit.zip": zipped(FILES)})) as shelf:
        yield shelf


def material(shelf: Shelf, path: str = "/kit.zip", checksum: str = "") -> Material:
    return Material(
        name="kit",
        title="A kit",
        kind="kit",
        homepage=shelf.url,
        licence="CC0",
        licence_url=shelf.url,
        may_train=True,
        files=(RemoteFile(url=shelf.url + path, checksum=checksum),),
        holds={"drumkit.xml": 1, "*.wav": 1},
    )


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("algorithm", ["", "md5", "sha256"])
def test_what_is_fetched_is_what_was_published(shelf: Shelf, tmp_path: Path, algorithm: str) -> None:
    checksum = f"{algorithm}:{hashlib.new(algorithm, shelf.files['/kit.zip']).hexdigest()}" if algorithm else ""
    folder = fetch(material(shelf, checksum=checksum), tmp_path)
    assert held(folder) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kit", "kit.fetched.json"]
    assert not check(material(shelf), folder, hashed=True).problems
    with pytest.raises(DrumlineError, match="is already there"):
        fetch(material(shelf), tmp_path)


def test_a_wrong_checksum_leaves_nothing(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(DrumlineError, match=r"not what was published, and deleted: expected sha256:"):
        fetch(material(shelf, checksum=sha256(b"something else")), tmp_path)
    assert held(tmp_path) == {}


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_broken_download_goes_on_or_begins_again(shelf: Shelf, tmp_path: Path, knows_ranges: bool) -> None:
    whole = shelf.files["/kit.zip"]
    shelf.breaks_after, shelf.knows_ranges = 100_000, knows_ranges
    for _ in range(2):
        with pytest.raises(DrumlineError, match="are kept, run it again to go on"):
            fetch(material(shelf), tmp_path)
    shelf.breaks_after = None
    folder = fetch(material(shelf, checksum=sha256(whole)), tmp_path)
    assert held(folder) == FILES
    kept = 65_536  # whole blocks of what came
    again = f"bytes={2 * kept if knows_ranges else kept}-"
    assert [wanted for _, wanted in shelf.requests] == ["", f"bytes={kept}-", again]


def test_a_file_that_changed_while_it_was_broken_off_begins_again(shelf: Shelf, tmp_path: Path) -> None:
    shelf.breaks_after = 100_000
    with pytest.raises(DrumlineError, match="65,536 bytes are kept"):
        fetch(material(shelf), tmp_path)
    shelf.breaks_after, shelf.files["/kit.zip"] = None, zipped(FILES | {"kit/new.wav": NOISE[::-1]})
    assert held(fetch(material(shelf), tmp_path)).keys() == FILES.keys() | {"kit/new.wav"}


def test_the_first_download_is_trusted_and_later_ones_are_held_to_it(shelf: Shelf, tmp_path: Path) -> None:
    folder = fetch(material(shelf), tmp_path)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    shelf.files["/kit.zip"] = zipped(FILES | {"kit/new.wav": b"new"})
    with pytest.raises(DrumlineError, match="not what was published"):
        fetch(material(shelf), tmp_path)
    record_path(folder).unlink()
    assert held(fetch(material(shelf), tmp_path))["kit/new.wav"] == b"new"


def test_a_check_finds_what_is_missing_and_what_was_altered(shelf: Shelf, tmp_path: Path) -> None:
    folder = fetch(material(shelf), tmp_path)
    (folder / "kit/drumkit.xml").unlink()
    (folder / "kit/snare.wav").write_bytes(NOISE[::-1])
    assert check(material(shelf), folder, hashed=False).problems == (
        "drumkit.xml: 0 files, 1 wanted",
        "kit/drumkit.xml: missing",
    )
    altered = "kit/snare.wav: its SHA-256 is not that of what was fetched"
    assert altered in check(material(shelf), folder, hashed=True).problems


def link(name: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member, b""


HOSTILE = {
    "above": zipped({"../evil": b"x"}),
    "absolute": zipped({"/tmp/evil": b"x"}),
    "backslash": tarred((tarfile.TarInfo("..\\evil"), b"x")),
    "drive": zipped({"C:/evil": b"x"}),
    "deep": tarred((tarfile.TarInfo("a/b/../../../evil"), b"x")),
    "symlink": tarred(link("a", tarfile.SYMTYPE), (tarfile.TarInfo("a/evil"), b"x")),
    "hard link": tarred(link("a", tarfile.LNKTYPE)),
    "device": tarred(link("a", tarfile.CHRTYPE)),
    "twice": tarred((tarfile.TarInfo("a"), b"x"), (tarfile.TarInfo("a"), b"y")),
    "file and folder": tarred((tarfile.TarInfo("a"), b"x"), (tarfile.TarInfo("a/b"), b"y")),
    "bomb": zipped({"zeros": bytes(70 << 20)}),
    "cut": zipped(FILES)[:-1000],
    "no archive": b"<html>Please log in</html>",
}


@pytest.mark.parametrize("archive", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_are_refused(shelf: Shelf, tmp_path: Path, archive: bytes) -> None:
    shelf.files["/kit.zip"] = archive
    to = tmp_path / "deep" / "deeper"
    with pytest.raises(DrumlineError, match=r"kit\.zip: "):
        fetch(material(shelf), to)
    assert held(tmp_path) == {}  # nor is the archive kept: another download may be a better one


def test_archives_of_every_kind_unpack_alike(tmp_path: Path) -> None:
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        archive = tmp_path / "archive.h2drumkit"
        with tarfile.open(archive, mode) as tar:
            for name, data in FILES.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        folder = tmp_path / mode.replace(":", "-")
        assert {file.path: file.num_bytes for file in unpack(archive, folder)} == {k: len(v) for k, v in FILES.items()}
        assert held(folder) == FILES


def run(shelf: Shelf, folder: Path, *arguments: str, answer: str = "") -> Result:
    entry = material(shelf).model_dump(mode="json") | {"files": [{"url": f"{shelf.url}/kit.zip"}]}
    catalogue = folder / "mine.yaml"
    catalogue.write_text(yaml.safe_dump([entry], sort_keys=False))
    return CliRunner().invoke(main, ["corpora", *arguments, "--catalogue", str(catalogue)], input=answer)


@pytest.mark.parametrize("answer", ["", "n\n", "\n"])
def test_without_consent_nothing_is_asked_of_the_server(shelf: Shelf, tmp_path: Path, answer: str) -> None:
    done = run(shelf, tmp_path, "fetch", "kit", "--to", str(tmp_path / "to"), answer=answer)
    assert done.exit_code == 1
    assert "no published checksum: recorded on first fetch" in done.stdout
    assert "Accept the licence (CC0) and download size unknown? [y/N]" in done.stdout
    assert shelf.requests == []
    assert not (tmp_path / "to").exists()


def test_the_command_lists_fetches_and_checks(shelf: Shelf, tmp_path: Path) -> None:
    to = tmp_path / "to"
    assert "A kit" in run(shelf, tmp_path, "list").stdout
    fetched = run(shelf, tmp_path, "fetch", "kit", "--to", str(to), answer="y\n")
    assert (fetched.exit_code, len(shelf.requests)) == (0, 1)
    assert f"{to}/kit: holds kit (1 drumkit.xml, 1 *.wav; sizes as fetched)" in fetched.stdout
    checked = run(shelf, tmp_path, "check", str(to / "kit"), "kit")
    assert (checked.exit_code, checked.stdout) == (
        0,
        f"{to}/kit: holds kit (1 drumkit.xml, 1 *.wav; contents as fetched)\n",
    )
    other = run(shelf, tmp_path, "check", str(to / "kit"), "groove-midi")
    assert other.exit_code == 1
    assert "groove-midi is not whole:\n  info.csv: 0 files, 1 wanted" in other.stdout
    (tmp_path / "empty").mkdir()
    nothing = run(shelf, tmp_path, "check", str(tmp_path / "empty"))
    assert (nothing.exit_code, nothing.stdout) == (1, f"{tmp_path}/empty: nothing of the catalogue\n")
    unknown = run(shelf, tmp_path, "fetch", "grove-midi", "--to", str(to))
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "did you mean groove-midi?" in unknown.stderr


def test_the_catalogue_is_complete_and_says_what_it_does_not_know() -> None:
    catalogue = load_catalogue()
    kinds = {each.kind for each in catalogue.values()}
    assert kinds == {"performances", "recordings", "kit", "soundfont"}
    for each in catalogue.values():
        assert each.files or each.debian, each.name
        assert each.licence_url.startswith("http"), each.name
    assert not catalogue["mdb-drums"].may_train
    packaged = fetch_error(catalogue["timgm6mb"])
    assert "apt install timgm6mb-soundfont" in packaged


def fetch_error(material: Material) -> str:
    with pytest.raises(DrumlineError) as caught:
        fetch(material, Path("nowhere"))
    return str(caught.value)


def test_a_catalogue_of_ones_own_is_read_strictly(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("- {name: kit, colour: blue}")
    with pytest.raises(ConfigError, match=r"mine\.yaml: materials\.0\.colour: unknown key"):
        load_catalogue(tmp_path / "mine.yaml")


def test_real_folders_are_recognised(corpus: Path) -> None:
    kits = load_catalogue().values()
    for folder, name in (("avl", "avl-drumkits"), ("colombo", "colombo"), ("gmrockkit", "gmrockkit")):
        found = recognise(kits, corpus / "kits" / folder, hashed=False)
        assert [verdict.material.name for verdict in found] == [name]
