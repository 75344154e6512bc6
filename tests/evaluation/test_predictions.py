"""Predictions of any system: one performance in every format that is read, and files that cannot be."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.general_midi import write_performance
from drumline.charts.hits_json import write_hits_json
from drumline.core.errors import ChartError, ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.hits import Hit
from drumline.core.vocabularies import LABEL_NAMES
from drumline.evaluation.estimates import read_events
from drumline.evaluation.predictions import find_predictions

HITS = (Hit(0.5, "kick", velocity=1.0), Hit(1.0, "snare_rim", velocity=0.5), Hit(1.5, "hihat_open", velocity=0.25))
PLAIN = [{"time_s": h.time_s, "class": h.label, "velocity": h.velocity, "confidence": 0.9} for h in HITS]
OBSERVATIONS = [
    {"time": h.time_s, "duration": 0.0, "value": {"label": h.label, "velocity": h.velocity}, "confidence": 0.9}
    for h in HITS
]
COLUMNS = {name: [each[name] for each in OBSERVATIONS] for name in OBSERVATIONS[0]}
TEMPO = {"namespace": "tempo", "data": [{"time": 0, "duration": 9, "value": 120.0, "confidence": 1.0}]}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def jams(namespace: str, data: object) -> bytes:
    return as_json({"annotations": [TEMPO, {"namespace": namespace, "data": data}], "file_metadata": {}})


def valued(*values: object) -> list[dict[str, object]]:
    return [{**each, "value": value} for each, value in zip(OBSERVATIONS, values, strict=True)]


@pytest.mark.parametrize(
    ("name", "data", "has_velocity", "has_confidence"),
    [
        ("a.json", as_json({"model": "ours", "hits": PLAIN[::-1]}), True, True),
        ("a.json", write_hits_json(AnnotatedSong("x", HITS)), True, False),
        ("a.jams", jams("tag_open", OBSERVATIONS), True, True),
        ("a.jams", jams("onset", COLUMNS), True, True),
        ("a.jams", jams("tag_open", valued("KD", "sst", "OHH")), False, True),
        ("a.jams", jams("note_midi", valued(36, 37, 46)), False, True),
        ("a.mid", write_performance(HITS), True, False),
    ],
    ids=["ours", "hits_json", "jams", "jams in columns", "jams with MDB's words", "jams with pitches", "midi"],
)
def test_every_format_tells_the_same(name: str, data: bytes, has_velocity: bool, has_confidence: bool) -> None:
    events = read_events(data, name)
    assert [LABEL_NAMES[label] for label in events.label] == [hit.label for hit in HITS]
    assert events.time_s == pytest.approx([hit.time_s for hit in HITS], abs=1e-3)
    velocity = [hit.velocity for hit in HITS] if has_velocity else [np.nan] * 3
    assert events.velocity == pytest.approx(np.array(velocity, dtype=float), abs=0.01, nan_ok=True)
    assert events.confidence == pytest.approx(np.full(3, 0.9 if has_confidence else np.nan), nan_ok=True)


def test_an_offset_of_a_document_is_added() -> None:
    assert read_events(as_json({"offset_s": 0.25, "hits": PLAIN}), "a.json").time_s[0] == 0.75


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (as_json({"notes": []}), 'holds neither "hits" .our JSON. nor "annotations"'),
        (as_json({"hits": [{"time_s": 1, "label": "cowbel"}]}), r"hits\[0\]\.label: 'cowbel' is no drum we know"),
        (as_json({"hits": [{"time_s": 1e6, "label": "kick"}]}), "is it in another unit"),
        (as_json({"hits": [{"time_s": 1, "label": "kick", "confidence": 7}]}), "confidence: 7 is outside 0..1"),
        (as_json({"annotations": [TEMPO]}), "no drums: namespaces read are tag_open, .* found: tempo"),
        (b"MThd", "not JSON"),
    ],
)
def test_a_fault_is_told_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(ChartError, match=message):
        read_events(data, "song.json")


def the_hits(events: Events) -> list[tuple[float, str]]:
    return [(time, LABEL_NAMES[label]) for time, label in zip(events.time_s.tolist(), events.label, strict=True)]


SONGS = {"Band - A": [(0.5, "kick"), (1.0, "snare_rim")], "Band - B": [(0.25, "crash")]}


def folder_of_files(folder: Path) -> str:
    for name, hits in SONGS.items():
        (folder / "deep" / name).mkdir(parents=True)
        for file in ("transcription.json", "transcription.mid"):  # the poorer format of the two is left alone
            (folder / "deep" / name / file).write_bytes(
                as_json({"hits": [{"time_s": time, "label": label} for time, label in hits]})
            )
    return str(folder)


def one_json(folder: Path) -> str:
    songs = {
        name: {"vocab": ["kick"], "onsets": {label: [time] for time, label in hits}} for name, hits in SONGS.items()
    }
    (folder / "all.json").write_bytes(as_json({"drums": songs, "mix": {}}))
    return str(folder / "all.json")


def one_parquet(folder: Path) -> str:
    rows = [
        {"key": name, "hits": [{"time_s": time, "label": label, "velocity": None} for time, label in hits]}
        for name, hits in SONGS.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "all.parquet", row_group_size=1)
    return str(folder / "all.parquet")


@pytest.mark.parametrize(
    ("make", "part"), [(folder_of_files, ""), (one_json, "drums"), (one_parquet, "")], ids=["folder", "json", "parquet"]
)
def test_songs_are_found_by_name(make, part: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    found = find_predictions(make(tmp_path), part)
    assert {name.split("/")[-1]: the_hits(location.read()) for name, location in found.items()} == SONGS


def test_what_is_no_collection_is_told(tmp_path: Path) -> None:
    uri = one_json(tmp_path)
    for location, part, message in (
        (uri, "", "has the parts drums, mix: choose one by `part`"),
        (uri, "bass", "no part 'bass'; it has drums, mix"),
        (str(tmp_path / "nowhere"), "", "cannot be read"),
        (str(tmp_path / "nowhere.parquet"), "", "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=message):
            find_predictions(location, part)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no song in it"):
        find_predictions(str(tmp_path / "empty"), "")
