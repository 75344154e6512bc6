"""Where results go, and what they never replace: anything that drumline did not write as it is found."""

import os
import shutil
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from drumline.charts import dot_chart, provenance, sng, song_ini
from drumline.charts.provenance import is_transcription
from drumline.cli import main
from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.transcription.command import sparse_hint
from drumline.transcription.formats.registry import FORMATS, named
from drumline.transcription.formats.song_folder import foreign_files, write_song_folder
from drumline.transcription.outputs import plan_outputs
from drumline.transcription.ownership import ForeignFileError, write_own
from drumline.transcription.result import SourceAudio, Transcriber, Transcription
from drumline.transcription.sources import Source

MADE = Transcription.of(Events.of([0.5], ["kick"]), SourceAudio("x.wav", 3.0), Transcriber("heuristic"))
LYRICS = b"my own lyrics\n"


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Three seconds of clicks."""
    path = tmp_path / "x.wav"
    samples = np.zeros(3 * 22_050, "f4")
    samples[11_025::11_025] = 0.9
    soundfile.write(path, samples, 22_050)
    return path


def transcribe(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["transcribe", "--heuristic", *map(str, arguments)])


@pytest.mark.parametrize("format_", FORMATS, ids=lambda each: each.name)
def test_a_persons_file_stays_and_our_own_is_written_again(song: Path, format_: object) -> None:
    name = format_.name  # type: ignore[attr-defined]
    path = song.parent / named(name).file_of("x")
    path.write_bytes(LYRICS)
    refused = transcribe(song, "--format", name)
    assert refused.exit_code == 2
    assert str(path) in refused.stderr
    assert "--overwrite" in refused.stderr
    assert path.read_bytes() == LYRICS

    assert transcribe(song, "--format", name, "--overwrite").exit_code == 0
    assert provenance.is_unchanged(path.read_bytes())
    again = transcribe(song, "--format", name)
    assert again.exit_code == 0, again.stderr

    path.write_bytes(path.read_bytes() + b" ")  # a person's correction, the mark left in
    assert transcribe(song, "--format", name).exit_code == 2


def test_nothing_is_done_where_one_of_many_would_be_replaced(song: Path) -> None:
    other = Path(shutil.copy(song, song.parent / "y.wav"))
    (song.parent / "y.mid").write_bytes(b"MThd by hand")
    assert transcribe(song, other, "--format", "midi,json").exit_code == 2
    assert sorted(path.name for path in song.parent.iterdir()) == ["x.wav", "y.mid", "y.wav"]


def test_links_and_folders_of_a_results_name_are_a_persons(song: Path) -> None:
    (song.parent / "x.mid").symlink_to(song.parent / "gone.mid")
    assert transcribe(song).exit_code == 2
    (song.parent / "x.mid").unlink()
    (song.parent / "x.mid").mkdir()
    assert transcribe(song).exit_code == 2


def test_a_file_that_appears_while_we_work_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.mid").write_bytes(LYRICS)
    with pytest.raises(ForeignFileError, match=r"x\.mid"):
        write_own(str(tmp_path / "x.mid"), b"", overwrite=False)
    assert (tmp_path / "x.mid").read_bytes() == LYRICS


@pytest.mark.parametrize("name", ["results 1.5/", "existing 1.5"])
def test_a_trailing_slash_or_an_existing_folder_is_a_folder(song: Path, name: str) -> None:
    (song.parent / "existing 1.5").mkdir()
    output = os.path.join(song.parent, name)
    assert transcribe(song, "-o", output).exit_code == 0
    assert (Path(output) / "x.mid").is_file()


@pytest.mark.parametrize("foreign", ["notes.chart", "Notes.MID", "song.ini", "drums.ogg", "song.wav"])
def test_a_hand_made_song_folder_is_left_alone(song: Path, foreign: str) -> None:
    folder = song.parent / "x"
    folder.mkdir()
    (folder / foreign).write_bytes(b"[song]\ndelay = 350\ncharter = Ann\n")
    refused = transcribe(song, "--format", "folder", "-o", f"{song.parent}/")
    assert refused.exit_code == 2
    assert foreign in refused.stderr
    assert [path.name for path in folder.iterdir()] == [foreign]
    with pytest.raises(ForeignFileError):
        write_song_folder(folder, MADE, song)
    assert [path.name for path in folder.iterdir()] == [foreign]


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_a_song_folder_of_ours_is_written_again(song: Path, ending: str) -> None:
    audio = song.with_suffix(ending)
    soundfile.write(audio, soundfile.read(song)[0], 22_050)
    folder = song.parent / "out" / "x"
    for _ in range(2):  # an encoder gives other bytes each time
        done = transcribe(audio, "--format", "folder", "-o", folder.parent)
        assert done.exit_code == 0, done.stderr
    written = {path.name for path in folder.iterdir()}
    assert written == {"notes.chart", "song.ini", "song.wav" if ending == ".wav" else "song.ogg"}
    (folder / "cover.png").write_bytes(b"a picture hinders nobody")
    assert not foreign_files(folder, audio)
    (folder / "song.ini").write_text((folder / "song.ini").read_text() + "delay = 20\n")
    assert transcribe(audio, "--format", "folder", "-o", folder.parent).exit_code == 2


@pytest.mark.parametrize("ending", [".sng", ".zip"])
def test_a_song_in_one_file_holds_what_the_folder_does(song: Path, ending: str) -> None:
    assert transcribe(song, "--format", f"folder,{ending[1:]}", "-o", song.parent / "out/").exit_code == 0
    folder, file = song.parent / "out" / "x", song.parent / "out" / f"x{ending}"
    if ending == ".sng":
        container = sng.read(file.read_bytes(), name=file.name)
        files = {name: container.file(name) for name in container.index}
        assert container.ini == song_ini.read((folder / "song.ini").read_bytes())
    else:
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            files = {name.removeprefix("x/"): archive.read(name) for name in archive.namelist()}
        assert files.pop("song.ini") == (folder / "song.ini").read_bytes()
    assert files == {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "song.ini"}
    assert is_transcription(files["notes.chart"])
    assert transcribe(song, "-o", file).exit_code == 0  # ours, and written again
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    refused = transcribe(song, "-o", file)
    assert (refused.exit_code, file.name in refused.stderr) == (2, True)
    assert transcribe(song, "-o", file, "--overwrite").exit_code == 0


def test_the_song_itself_may_be_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My Song"
    folder.mkdir()
    soundfile.write(folder / "song.wav", np.zeros(22_050, "f4"), 22_050)
    before = (folder / "song.wav").read_bytes()
    write_song_folder(folder, MADE, folder / "song.wav")
    assert sorted(path.name for path in folder.iterdir()) == ["notes.chart", "song.ini", "song.wav"]
    assert (folder / "song.wav").read_bytes() == before


def with_tags(flac: bytes, words: dict[str, str], picture: bytes) -> bytes:
    """A FLAC file with these comments and this picture."""
    texts = [f"{key}={value}".encode() for key, value in words.items()]
    comments = b"".join(len(text).to_bytes(4, "little") + text for text in (b"", *texts))
    comments = comments[:4] + len(texts).to_bytes(4, "little") + comments[4:]
    shown = b"".join(
        part if isinstance(part, bytes) else part.to_bytes(4, "big")
        for part in (3, 9, b"image/png", 0, 1, 1, 24, 0, len(picture), picture)
    )
    end = 4
    while not flac[end] & 0x80:
        end += 4 + int.from_bytes(flac[end + 1 : end + 4], "big")
    frames = flac[end + 4 + int.from_bytes(flac[end + 1 : end + 4], "big") :]
    blocks = b"".join(
        bytes([kind]) + len(body).to_bytes(3, "big") + body
        for kind, body in ((0, flac[8:42]), (4, comments), (0x80 | 6, shown))
    )
    return flac[:4] + blocks + frames


def test_a_song_folder_has_the_tags_the_levels_and_the_picture_of_its_song(tmp_path: Path) -> None:
    plain, audio = tmp_path / "plain.flac", tmp_path / "song.flac"
    soundfile.write(plain, np.zeros(22_050 * 40, "f4"), 22_050)
    picture = b"\x89PNG\r\n\x1a\n" + zlib.compress(b"picture")
    words = {"TITLE": "A  Song", "ARTIST": "Ann", "DATE": "2019-03-02", "TRACKNUMBER": "3"}
    audio.write_bytes(with_tags(plain.read_bytes(), words, picture))
    times_s = np.concatenate([np.arange(0, 8, 2.0), np.arange(8, 38, 0.25)])
    events = Events.of(times_s, ["hihat_closed"] * len(times_s))
    made = Transcription.of(events, SourceAudio("song.flac", 40.0), Transcriber("t"))
    folder = tmp_path / "out"
    written = write_song_folder(folder, made.with_tempo(TempoMap(480), "given"), audio)
    assert {path.name for path in written} == {"notes.chart", "song.ini", "song.ogg", "album.png"}
    assert (folder / "album.png").read_bytes() == picture
    ini = song_ini.read((folder / "song.ini").read_bytes())
    assert (ini.name, ini.artist, ini.year, ini.track, ini.charter) == ("A Song", "Ann", "2019", "3", "")
    assert (ini.diff_drums, ini.preview_start_ms) == (4, 8000)
    chart = dot_chart.read((folder / "notes.chart").read_bytes(), name="x", ini=ini)
    assert chart.metadata.artist == "Ann"
    assert [len(chart.difficulties[name]) for name in ("expert", "hard", "medium", "easy")] == [124, 124, 64, 64]
    (folder / "album.png").write_bytes(b"another picture, of a person")
    write_song_folder(folder, made.with_tempo(TempoMap(480), "given"), audio)
    assert (folder / "album.png").read_bytes() == b"another picture, of a person"


def test_the_pipe_replaces_nothing(tmp_path: Path) -> None:
    outputs = plan_outputs("json", "-", [Source("stdin", (), tmp_path)])
    assert outputs.paths(Source("stdin", (), tmp_path)) == ()
    with pytest.raises(ConfigError, match="ending with /"):
        plan_outputs("json,midi", "a.json", [Source("x", (tmp_path / "x.wav",), tmp_path)])


def test_a_model_that_finds_hardly_anything_says_so() -> None:
    few = replace(MADE, audio=SourceAudio("x.wav", 60.0), transcriber=Transcriber("drumline-small"))
    assert "--heuristic" in sparse_hint(few)
    assert not sparse_hint(replace(few, transcriber=Transcriber("heuristic")))
    assert not sparse_hint(replace(few, audio=SourceAudio("x.wav", 1.5)))
