"""What of a library is a song: every file of an audio kind has a row, readable or not. No cluster is needed here."""

import os
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
import soundfile
from tests.export.tiny import noise, write_package

from drumline.core.config import parse_config
from drumline.runtime.ledger import Ledger
from drumline.transcription.library.config import LibraryConfig
from drumline.transcription.library.songs import find_library
from drumline.transcription.library.step import Store, TranscribeSongs


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("models") / "tiny-1.0", "float32")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    (folder / "a").mkdir(parents=True)
    soundfile.write(folder / "a" / "one.FLAC", noise(3.0), 22_050, format="FLAC")
    return folder


def config_for(library: Path, output: Path, package: Path, **changes: object) -> LibraryConfig:
    tree = {"library": str(library), "output": str(output), "model": str(package), "formats": ["json"]}
    return parse_config(LibraryConfig, {**tree, **changes}, "test")


def outcomes(config: LibraryConfig) -> dict[str, tuple[str, str]]:
    """Key -> what became of the song, and the reason."""
    worker = TranscribeSongs(config, Store.of(config), Ledger(f"{config.output}/_attempts", 60, 1))
    rows = pa.table({"row": [song.to_json() for song in find_library(config)]})
    return {row["key"]: (row["how"], row["reason"]) for row in worker(rows).to_pylist()}


def test_every_file_of_an_audio_kind_has_a_row(library: Path, package: Path, tmp_path: Path) -> None:
    (library / "phone.m4a").write_bytes(b"no audio")
    (library / "empty.wav").write_bytes(b"")
    (library / "gone.mp3").symlink_to("nowhere.mp3")
    with zipfile.ZipFile(library / "album.ZIP", "w") as archive:
        archive.write(library / "a" / "one.FLAC", "two.flac")
    (library / "broken.zip").write_bytes(b"PK")
    for left_out in (".trash/x.flac", "a/@eaDir/x.flac", "a/._one.flac"):
        (library / left_out).parent.mkdir(exist_ok=True)
        shutil.copy(library / "a" / "one.FLAC", library / left_out)
    (library / "cover.png").write_bytes(b"")
    output = tmp_path / "out"
    assert outcomes(config_for(library, output, package)) == {
        "a/one.FLAC": ("heard", ""),
        "album.ZIP/two.flac": ("cached", ""),
        "broken.zip": ("rejected", "container_unreadable"),
        "empty.wav": ("rejected", "audio_undecodable"),
        "gone.mp3": ("rejected", "source_unreadable"),
        "phone.m4a": ("rejected", "audio_undecodable"),
    }
    written = {file.relative_to(output).as_posix() for file in (output / "songs").rglob("*.*")}
    assert written == {"songs/a/one.json", "songs/album.ZIP", "songs/album.ZIP/two.json"}


def test_a_folder_without_a_recognised_song_has_a_row(library: Path, package: Path, tmp_path: Path) -> None:
    for name in ("x.flac", "y.flac"):
        (library / "b").mkdir(exist_ok=True)
        shutil.copy(library / "a" / "one.FLAC", library / "b" / name)
    found = outcomes(config_for(library, tmp_path / "out", package, songs="folders"))
    assert found == {"a": ("heard", ""), "b": ("rejected", "audio_missing")}


def test_what_a_run_wrote_below_the_library_is_no_song(library: Path, package: Path) -> None:
    (library / "out" / "_work" / "stems").mkdir(parents=True)
    shutil.copy(library / "a" / "one.FLAC", library / "out" / "_work" / "stems" / "drums.flac")
    config = config_for(library, library / "out", package)
    assert [song.key for song in find_library(config)] == ["a/one.FLAC"]
    linked = config.model_copy(update={"output": os.path.join(library, "a", "..", "out")})
    assert [song.key for song in find_library(linked)] == ["a/one.FLAC"]
