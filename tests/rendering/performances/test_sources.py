"""Performances found and read: a made-up Groove, plain MIDI files, broken ones, and the real corpus."""

import zipfile
from collections import Counter
from pathlib import Path

import mido
import pytest

from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.general_midi import write_performance
from drumline.core.errors import ConfigError, Rejected
from drumline.core.hits import Hit
from drumline.rendering.performances.bars import end_s
from drumline.rendering.performances.medleys import medleys, read_medley
from drumline.rendering.performances.sources import (
    PerformanceRoot,
    PerformanceSource,
    find_performances,
    read_source,
)

BEAT = write_performance([Hit(0.5 * i, "kick") for i in range(8)])
TABLE = """drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split
drummer1,s,drummer1/s/1,jazz/funk,120,beat,4-4,drummer1/s/1.mid,,4.0,train
drummer1,s,drummer1/s/2,jazz,122,fill,4-4,drummer1/s/2.mid,,4.0,train
drummer1,s,drummer1/s/3,jazz,124,fill,4-4,drummer1/s/3.mid,,4.0,validation
drummer1,s,drummer1/s/4,jazz,126,fill,4-4,drummer1/s/4.mid,,4.0,train
"""


@pytest.fixture
def groove(tmp_path: Path) -> Path:
    """A folder laid out as Groove; performance 4 is damaged."""
    folder = tmp_path / "groove"
    (folder / "drummer1" / "s").mkdir(parents=True)
    (folder / "info.csv").write_text(TABLE)
    for number in (1, 2, 3):
        (folder / "drummer1" / "s" / f"{number}.mid").write_bytes(BEAT)
    (folder / "drummer1" / "s" / "4.mid").write_bytes(BEAT[:30])
    return folder


def pitches(path: Path, *numbers: int) -> None:
    """A MIDI file with these notes on the drum channel, a quarter note each."""
    track = mido.MidiTrack()
    for number in numbers:
        track += [
            mido.Message("note_on", channel=9, note=number, velocity=100),
            mido.Message("note_off", channel=9, note=number, time=480),
        ]
    mido.MidiFile(type=1, ticks_per_beat=480, tracks=[mido.MidiTrack(), track]).save(path)


def test_groove_is_told_by_its_table_in_a_folder_or_a_zip(groove: Path) -> None:
    with zipfile.ZipFile(groove.parent / "groove.zip", "w") as archive:
        for file in groove.rglob("*.*"):
            archive.write(file, file.relative_to(groove))
    in_folder = find_performances([PerformanceRoot(uri=str(groove))])
    in_zip = find_performances([PerformanceRoot(uri=f"{groove}.zip")])
    assert len(find_performances([PerformanceRoot(uri=str(groove), name=name) for name in ("a", "b")])) == 4
    assert [source.key for source in in_folder] == [source.key for source in in_zip]
    assert [source.official_split for source in in_zip] == ["train", "train", "validation", "train"]
    assert [PerformanceSource.from_json(source.to_json()) for source in in_zip] == in_zip
    read = [read_source(source) for source in in_zip]
    assert read[:3] == [read_source(source) for source in in_folder[:3]]
    song = read[0]
    assert isinstance(song, AnnotatedSong)
    assert (song.format, song.official_split, song.group) == ("groove", "train", "groove:drummer1/s/1")
    assert len(song.hits) == 8
    assert isinstance(read[3], Rejected)
    assert read[3].reason == "chart_unreadable"


def test_a_damaged_archive_costs_only_what_is_damaged(groove: Path) -> None:
    path = groove.parent / "groove.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(groove.rglob("*.*")):
            archive.write(file, file.relative_to(groove))
    data = bytearray(path.read_bytes())
    data[data.index(BEAT) + 40] ^= 0xFF
    path.write_bytes(data)
    read = [read_source(source) for source in find_performances([PerformanceRoot(uri=str(path))])]
    assert isinstance(read[0], Rejected)
    assert read[0].reason == "container_unreadable"
    assert "1.mid" in read[0].detail
    assert all(isinstance(song, AnnotatedSong) for song in read[1:3])


def test_a_medley_keeps_to_a_drummer_and_a_split(groove: Path) -> None:
    sources = find_performances([PerformanceRoot(uri=str(groove))])
    found = medleys(sources, duration_s=30, seed=0)
    assert sorted(source.key for medley in found for source in medley) == [source.key for source in sources]
    assert [{source.official_split for source in medley} for medley in found] in (
        [{"train"}, {"validation"}],
        [{"validation"}, {"train"}],
    )
    long = read_medley(max(found, key=len))
    assert isinstance(long, AnnotatedSong)
    assert len(long.hits) == 16, "the damaged performance is left out, the others play"
    assert end_s(long) == 8.0
    assert isinstance(read_medley((sources[3],)), Rejected)


def test_midi_files_tell_their_map_or_are_told(tmp_path: Path) -> None:
    pitches(tmp_path / "general.mid", 36, 40, 58, 46)
    pitches(tmp_path / "roland.mid", 36, 40, 58, 26)
    (tmp_path / "broken.mid").write_bytes(b"not MIDI")
    pitches(tmp_path / "cowbell.midi", 56)
    (tmp_path / "readme.txt").write_text("not a performance")
    sources = find_performances([PerformanceRoot(uri=str(tmp_path), name="own", official_split="train")])
    assert [source.key for source in sources] == [
        f"own/{n}" for n in ("broken.mid", "cowbell.midi", "general.mid", "roland.mid")
    ]
    broken, cowbell, general, roland = (read_source(source) for source in sources)
    assert isinstance(broken, Rejected)
    assert broken.reason == "chart_unreadable"
    assert isinstance(cowbell, Rejected)
    assert cowbell.reason == "chart_without_drums"
    assert isinstance(general, AnnotatedSong)
    assert [hit.label for hit in general.hits] == ["kick", "snare_head", "other", "hihat_open"]
    assert isinstance(roland, AnnotatedSong)
    assert [hit.label for hit in roland.hits] == ["kick", "snare_rim", "tom_floor", "hihat_open"]
    assert roland.official_split == "train"
    told = find_performances([PerformanceRoot(uri=str(tmp_path), drum_map="roland")])
    as_told = read_source(told[2])
    assert isinstance(as_told, AnnotatedSong)
    assert [hit.label for hit in as_told.hits] == ["kick", "snare_rim", "tom_floor", "hihat_open"]
    Path(tmp_path / "general.mid").unlink()
    gone = read_source(sources[2])
    assert isinstance(gone, Rejected)
    assert gone.reason == "source_unreadable"


def test_roots_that_cannot_be_are_told_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        find_performances([PerformanceRoot(uri=str(tmp_path / "nowhere"))])
    with pytest.raises(ConfigError, match="no such file"):
        find_performances([PerformanceRoot(uri=str(tmp_path / "nowhere.zip"))])
    (tmp_path / "not.zip").write_bytes(b"not an archive")
    with pytest.raises(ConfigError, match="not a zip file"):
        find_performances([PerformanceRoot(uri=str(tmp_path / "not.zip"))])
    for name in ("a", "b"):
        (tmp_path / name / "midi").mkdir(parents=True)
    with pytest.raises(ConfigError, match="share the name"):
        find_performances([PerformanceRoot(uri=str(tmp_path / name / "midi")) for name in ("a", "b")])


def test_groove_train_and_validation_are_all_there(corpus: Path) -> None:
    sources = find_performances([PerformanceRoot(uri=str(corpus / "groove_trainval.zip"))])
    assert Counter(source.official_split for source in sources) == {"train": 897, "validation": 124}
    minutes = Counter[str]()
    for source in sources:
        minutes[source.official_split] += (source.duration_s or 0) / 60
    assert {split: round(each, 2) for split, each in minutes.items()} == {"train": 648.45, "validation": 82.18}
    found = medleys(sources, duration_s=120, seed=0)
    assert sorted(source.key for medley in found for source in medley) == [source.key for source in sources]
    assert all(len({(s.official_split, s.performer, s.metre) for s in medley}) == 1 for medley in found)
    songs = [read_source(source) for source in sources[::20]]
    assert sum(len(song.hits) for song in songs if isinstance(song, AnnotatedSong)) == 20_149
    assert not [song for song in songs if isinstance(song, Rejected)]
