"""chart-hero exports: one song for all difficulties, with the audio that the path leads to."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from drumline.charts.midi_json import read_midi_json
from drumline.core.errors import ChartError, Rejected
from drumline.dataset.config import BuildConfig
from drumline.dataset.duplicates import ANONYMOUS
from drumline.dataset.find import find_songs
from drumline.dataset.reading import read_song
from drumline.dataset.song import build_song
from drumline.dataset.sources import RootConfig, SongSource
from drumline.rendering.play import render
from drumline.rendering.synth_kit import synth_kit

LEVELS = ("Easy", "Medium", "Hard", "Expert")


def export(
    folder: Path, *, name: str = "band-song", path: str = "", levels: Sequence[str] = LEVELS, kind: str = "chart"
) -> None:
    """Files as the exporter writes them, one a difficulty: the harder, the more hits."""
    folder.mkdir(parents=True, exist_ok=True)
    for level in levels:
        rng, step = np.random.default_rng(3), 240 * (4 - LEVELS.index(level))
        events = [
            {"tick": tick, "time_sec": tick / 960, "hit": str(rng.choice(["0", "1", "66", "68"])), "flags": {}}
            for tick in range(0, 24_000, step)
        ]
        document = {
            "version": 1,
            "source": kind,
            "path": path,
            "song": {"title": "Song", "artist": "<b>Band</b>", "charter": "<color=#ff0000>Some</color>one"},
            "timing": {"unit": "tick", "tpq": 480, "tempos": [{"tick": 0, "us_per_beat": 500_000}]},
            "difficulties": {level: {"events": events}},
        }
        (folder / f"{name}.{level}.{kind}.json").write_text(json.dumps(document))


def audio(file: Path, *, seconds: float = 1.0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, np.zeros(int(22_050 * seconds)), 22_050)
    return file


def found(*roots: Path) -> list[SongSource]:
    return find_songs([RootConfig(uri=str(root)) for root in roots])


def files_of(source: SongSource) -> list[str]:
    return [source.audio_uri(file) for choice in source.audio for file in choice.files]


@pytest.mark.parametrize(
    "path",
    [
        "songs/Band - Song/notes.mid",
        "/Users/someone/CloneHero/Songs/Band - Song/notes.mid",
        "D:\\Games\\Clone Hero\\Songs\\band - song\\notes.chart",
        "../../songs/Band - Song/notes.chart",
        "./songs/Band - Song",
    ],
)
@pytest.mark.parametrize("layout", ["one root", "two roots", "exports alone"])
def test_a_path_is_honoured(tmp_path: Path, path: str, layout: str) -> None:
    if layout == "exports alone" and ("Users" in path or "Games" in path):
        pytest.skip("a path of another machine can only be found under a root")
    export(tmp_path / "exports" / "band", path=path)
    song = audio(tmp_path / "songs" / "Band - Song" / "song.ogg")
    (song.parent / "song.ini").write_text("[song]\ndelay = 150,0\ngenre = Rock\n")
    audio(tmp_path / "songs" / "Band - Other" / "song.ogg")
    roots = {
        "one root": [tmp_path],
        "two roots": [tmp_path / "exports", tmp_path / "songs"],
        "exports alone": [tmp_path / "exports"],
    }[layout]
    (source,) = found(*roots)
    assert files_of(source) == [str(song)]
    assert source.key.endswith("band/band-song.Expert.chart.json")
    read = read_song(SongSource.from_json(source.to_json()), difficulty="expert")
    assert read.load(read.audio[0].files[0]) == song.read_bytes()
    assert (read.song.offset_s, read.song.metadata.genre, read.song.metadata.artist) == (0.15, "Rock", "Band")
    song.write_bytes(b"another")
    assert found(*roots)[0].stamp != source.stamp


def test_an_absolute_path_of_this_machine_is_honoured(tmp_path: Path) -> None:
    song = audio(tmp_path / "elsewhere" / "Band - Song" / "song.ogg")
    export(tmp_path / "exports", path=str(song.with_name("notes.mid")))
    audio(tmp_path / "exports" / "song.ogg")
    (source,) = found(tmp_path / "exports")
    assert files_of(source) == [str(song)]


def test_difficulties_and_a_chart_beside_do_not_hide_the_audio(tmp_path: Path) -> None:
    export(tmp_path / "song")
    export(tmp_path / "song", kind="midi", levels=["Expert"])
    song = audio(tmp_path / "song" / "song.ogg")
    (source,) = found(tmp_path)
    assert files_of(source) == [str(song)]
    # Made of a .chart, whose toms are right; and each difficulty is read from its own file.
    for level in LEVELS:
        read = read_song(source, difficulty=level.lower())
        assert len(read.song.hits) == -(-24_000 // (240 * (4 - LEVELS.index(level))))
        assert read.song.repairs == ()
    (tmp_path / "song" / "notes.mid").write_bytes(b"MThd")
    chart, export_source = found(tmp_path)
    assert (chart.format, export_source.format) == ("mid", "midi_json")
    assert files_of(chart) == files_of(export_source) == [str(song)]


def test_an_absent_difficulty_is_one_row(tmp_path: Path) -> None:
    export(tmp_path / "song", levels=["Easy", "Hard"])
    (tmp_path / "song" / "band-song.Medium.chart.json").write_text("{")
    (source,) = found(tmp_path)
    with pytest.raises(ChartError, match="no such difficulty; found: hard"):
        read_song(source, difficulty="expert")


def test_songs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    export(tmp_path / "out", path="/x/One/Band - Song/notes.chart")
    export(tmp_path / "out", path="/x/Two/Band - Song/notes.chart", name="other")
    for file in (tmp_path / "out").glob("other.*"):
        _, level, kind, end = file.name.split(".")
        file.rename(file.with_name(f"band-song.{level}.{kind}.1.{end}"))
    songs = [audio(tmp_path / "songs" / pack / "Band - Song" / "song.ogg") for pack in ("One", "Two")]
    sources = found(tmp_path)
    assert [files_of(source) for source in sources] == [[str(songs[1])], [str(songs[0])]]
    assert [len(json.loads(source.to_json())["extra"]) for source in sources] == [7, 7]
    # Where as much agrees with two folders, neither is taken.
    export(tmp_path / "third", path="/y/Band - Song/notes.chart")
    ambiguous = next(source for source in found(tmp_path) if "third" in source.key)
    assert ambiguous.audio == ()


def test_exports_of_several_songs_share_no_audio_but_that_of_their_names(tmp_path: Path) -> None:
    for name in ("a-b", "c-d"):
        export(tmp_path / "out", name=name, path=f"/gone/{name}/notes.chart")
    named, _ = audio(tmp_path / "out" / "a-b.ogg"), audio(tmp_path / "out" / "song.ogg")
    assert [files_of(source) for source in found(tmp_path)] == [[str(named)], []]


def test_an_export_becomes_a_row_with_what_was_mended(tmp_path: Path) -> None:
    export(tmp_path / "out", path="/gone/Band - Song/notes.chart")
    (file,) = (tmp_path / "out").glob("*.Expert.chart.json")
    document: dict[str, Any] = json.loads(file.read_text())
    for event in document["difficulties"]["Expert"]["events"]:
        event["time_sec"] *= 1.5
    file.write_text(json.dumps(document))
    config = BuildConfig.model_validate(
        {"name": "x", "roots": [{"uri": str(tmp_path)}], "output": str(tmp_path / "set")}, strict=False
    )
    missing = build_song(found(tmp_path)[0], config, lambda files: None)
    assert isinstance(missing, Rejected)
    assert "nor where its path leads (/gone/Band - Song/notes.chart)" in missing.detail

    hits = read_midi_json(file.read_bytes(), "x").hits
    samples = render(hits, kit=synth_kit(1, rate_hz=22_050), duration_s=30.0)
    song = tmp_path / "songs" / "Band - Song" / "song.flac"
    song.parent.mkdir(parents=True)
    soundfile.write(song, samples, 22_050)
    (row,) = build_song(found(tmp_path)[0], config, lambda files: None).to_pylist()
    assert (row["title"], row["artist"], row["charter"], row["domain"]) == ("Song", "Band", "Someone", "mix")
    assert row["source_rank"] == ANONYMOUS  # the chart itself, which names its charter, is the better copy
    (repair,) = row["repairs"]
    assert "99 of 100 hits have a time_sec that is not their tick's, by up to 12.375 s" in repair
    assert row["measured_offset_s"] == pytest.approx(0.0, abs=0.005)
