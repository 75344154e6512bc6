"""Where results go, and what they never replace: anything that drumline did not write as it is found."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from drumline.charts import provenance
from drumline.cli import main
from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
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


def test_the_song_itself_may_be_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My Song"
    folder.mkdir()
    soundfile.write(folder / "song.wav", np.zeros(22_050, "f4"), 22_050)
    before = (folder / "song.wav").read_bytes()
    write_song_folder(folder, MADE, folder / "song.wav")
    assert sorted(path.name for path in folder.iterdir()) == ["notes.chart", "song.ini", "song.wav"]
    assert (folder / "song.wav").read_bytes() == before


def test_the_pipe_replaces_nothing(tmp_path: Path) -> None:
    outputs = plan_outputs("json", "-", [Source("stdin", (), tmp_path)])
    assert outputs.paths(Source("stdin", (), tmp_path)) == ()
    with pytest.raises(ConfigError, match="ending with /"):
        plan_outputs("json,midi", "a.json", [Source("x", (tmp_path / "x.wav",), tmp_path)])
