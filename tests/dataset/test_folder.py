"""Which charts of a folder are songs, by names alone; and songs in archives and behind links."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from drumline.core.errors import ConfigError, Rejected
from drumline.dataset.build import plan
from drumline.dataset.config import BuildConfig
from drumline.dataset.find import find_songs
from drumline.dataset.folder import Folder
from drumline.dataset.song import build_song
from drumline.rendering.demo_library import SONGS, files_of


def songs(*members: str) -> dict[str, list[str]]:
    """Chart -> its audio, of the charts that are songs."""
    folder = Folder(members)
    return {
        chart: [file for choice in folder.audio_of(chart) for file in choice.files]
        for chart in folder.charts
        if chart not in folder.alternatives
    }


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (("notes.chart", "song.ogg", "song.chart", "song.bsm", "song.mid"), {"notes.chart": ["song.ogg"]}),
        (("Notes.Mid", "notes.chart", "song.ogg"), {"Notes.Mid": ["song.ogg"]}),
        (("notes.chart", "song.ogg", "other.chart"), {"notes.chart": ["song.ogg"]}),
        (("notes.chart", "song.ogg", "b.chart", "b.ogg"), {"notes.chart": ["song.ogg"], "b.chart": ["b.ogg"]}),
        (("notes.chart", "song.ogg", "whole.sng"), {"notes.chart": ["song.ogg"], "whole.sng": []}),
        (("a.chart", "a.ogg", "b.chart", "b.ogg"), {"a.chart": ["a.ogg"], "b.chart": ["b.ogg"]}),
        (("My Song.chart", "song.ogg"), {"My Song.chart": ["song.ogg"]}),
        (("My Song.chart", "song.ogg", "song.chart"), {"My Song.chart": ["song.ogg"], "song.chart": ["song.ogg"]}),
        (("a.chart", "b.chart", "song.ogg"), {"a.chart": [], "b.chart": []}),
    ],
)
def test_the_games_own_names_win_and_other_charts_have_the_audio_of_their_stem(
    members: tuple[str, ...], expected: dict[str, list[str]]
) -> None:
    assert songs(*members) == expected


def test_alternatives_begin_with_the_games_own_names() -> None:
    folder = Folder(["song.bsm", "notes.chart", "notes.mid", "song.ogg", "a.chart"])
    assert folder.notes == ("notes.mid", "notes.chart")
    assert list(folder.alternatives) == ["notes.chart", "a.chart", "song.bsm"]


def packed(folder: Path, name: str, *, separator: str = "/") -> None:
    with zipfile.ZipFile(folder / name, "w") as archive:
        for file, data in files_of(replace(SONGS[0], num_bars=8), 0).items():
            archive.writestr(f"Song/{file}", data)
    if separator != "/":
        (folder / name).write_bytes((folder / name).read_bytes().replace(b"Song/", f"Song{separator}".encode()))


def built(folder: Path) -> dict[str, str]:
    """Key -> reason for rejection of all that a build finds; empty for a song."""
    tree = {"name": "test", "roots": [{"uri": str(folder), "name": "r"}], "output": str(folder / "set")}
    config = BuildConfig.model_validate(tree, strict=False)
    outcomes = {source.key: build_song(source, config, lambda _: None) for source in find_songs(config.roots)}
    return {key: outcome.reason if isinstance(outcome, Rejected) else "" for key, outcome in outcomes.items()}


def test_songs_in_archives_are_songs_and_other_archives_are_rows(tmp_path: Path) -> None:
    packed(tmp_path, "UPPER.ZIP")
    packed(tmp_path, "back.zip", separator="\\")
    with zipfile.ZipFile(tmp_path / "nested.zip", "w") as archive:
        archive.write(tmp_path / "UPPER.ZIP", "a/Inner.zip")
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("cover.png", "")
    (tmp_path / "broken.zip").write_bytes(b"PK")
    (tmp_path / "song.rar").write_bytes(b"Rar!")
    assert built(tmp_path) == {
        "r/UPPER.ZIP/Song": "",
        "r/back.zip/Song": "",
        "r/nested.zip/a/Inner.zip/Song": "",
        "r/pictures.zip": "container_unreadable",
        "r/broken.zip": "container_unreadable",
        "r/song.rar": "container_unreadable",
    }


def test_given_archives_and_linked_folders_are_read(cases: Path, tmp_path: Path) -> None:
    assert built(cases / "library" / "zips") == {
        "r/UPPER.ZIP/Song": "",
        "r/backslash.zip/Song": "",
        "r/nested.zip/Inner.zip/Inner Song": "",
    }
    (tmp_path / "linked").symlink_to(cases / "library" / "D01-elsewhere")
    assert built(tmp_path) == {"r/linked/linked_song": ""}


def test_a_build_does_not_write_over_a_persons_files(tmp_path: Path) -> None:
    packed(tmp_path, "song.zip")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "manifest.json").write_text('{"name": "my web page"}')
    tree = {"name": "test", "roots": [{"uri": str(tmp_path)}], "output": str(tmp_path / "set")}
    config = BuildConfig.model_validate(tree, strict=False)
    with pytest.raises(ConfigError, match=r"holds manifest\.json, which drumline did not write"):
        plan(config)
    (tmp_path / "set" / "manifest.json").write_text('{"schema_version": 1, "drumline": "0.1", "inputs_sha256": ""}')
    assert [source.key for source in plan(config)] == [f"{tmp_path.name}/song.zip/Song"]
