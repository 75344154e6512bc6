"""chart-hero exports: both class orders, and what the exporter lost."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.charts.midi_json import ClassOrder, read_midi_json
from drumline.core.errors import ChartError

CODES = ("0", "1", "2", "3", "4", "66", "67", "68")
TIMES_S = (0.0, *(0.5 + 0.25 * i for i in range(7)))


def export(source: str = "chart", **changes: Any) -> bytes:
    events = [
        {"tick": 480 * i, "time_sec": TIMES_S[i], "lane": 0, "hit": code, "flags": {"cymbal": i > 4}, "len_ticks": 0}
        for i, code in enumerate(CODES)
    ]
    events[0]["flags"] = {"cymbal": False, "accent": True, "double_kick": True}
    document = {
        "version": 1,
        "source": source,
        "path": "notes",
        "song": {"title": "Song", "artist": "Band", "pack": "Pack", "album": None, "charter": "Someone"},
        "timing": {
            "unit": "tick",
            "tpq": 480,
            "tempos": [{"tick": 0, "us_per_beat": 500_000}, {"tick": 480, "us_per_beat": 250_000}],
            "time_signatures": [{"tick": 0, "ts": "3/4"}],
        },
        "difficulties": {"Expert": {"events": events}},
    }
    return json.dumps(document | changes).encode()


@pytest.mark.parametrize(
    ("source", "class_order", "labels"),
    [
        ("chart", "true", ["kick", "snare", "tom_high", "tom_mid", "tom_floor", "hihat", "ride", "crash"]),
        ("midi", "legacy", ["kick", "snare", "tom_high", "tom_mid", "tom_floor", "crash", "hihat", "ride"]),
        ("midi", "true", ["kick", "snare", *["tom_or_cymbal"] * 6]),
    ],
)
def test_class_orders(source: str, class_order: ClassOrder, labels: list[str]) -> None:
    song = read_midi_json(export(source), "a.midi.json", class_order=class_order)
    assert [hit.label for hit in song.hits] == labels
    assert bool(song.repairs) == ("tom_or_cymbal" in labels)
    assert {hit.evidence for hit in song.hits} == {"performance" if class_order == "legacy" else "gem"}


def test_times_come_from_ticks_through_every_tempo() -> None:
    song = read_midi_json(export(), "a.chart.json")
    assert [hit.time_s for hit in song.hits[:3]] == [0.0, 0.5, 0.75]
    assert song.hits[0].flags == ("accent", "double_kick")
    assert song.tempo is not None
    assert song.tempo.time_signatures == ((0, 3, 4),)
    assert (song.metadata.title, song.metadata.charter, song.metadata.album) == ("Song", "Someone", "")


def test_seconds_serve_where_there_are_no_tempos() -> None:
    song = read_midi_json(export(timing={"unit": "seconds"}), "a.chart.json")
    assert [hit.time_s for hit in song.hits] == list(TIMES_S)


@pytest.mark.parametrize(
    ("stated_s", "told"),
    [
        (0.7515, ""),
        (None, ""),
        ("x", ""),
        (0.76, "1 of 8 hits have a time_sec that is not their tick's, by up to 0.010 s"),
        (-1, "1 of 8 hits have a time_sec that is not their tick's, by up to 1.750 s"),
        (float("nan"), "1 of 8 hits have a time_sec that is not their tick's, by up to inf s"),
        (10**400, "by up to inf s"),
    ],
)
def test_a_time_that_is_not_its_ticks_is_told_and_mended(stated_s: object, told: str) -> None:
    document = json.loads(export())
    document["difficulties"]["Expert"]["events"][2]["time_sec"] = stated_s
    song = read_midi_json(json.dumps(document).encode(), "a.midi.json")
    assert [hit.time_s for hit in song.hits] == list(TIMES_S)
    assert len(song.repairs) == bool(told)
    assert told in "".join(song.repairs)


def test_style_tags_are_no_part_of_a_name() -> None:
    words = {
        "title": "<b>A</b> <3",
        "artist": "<#ff0000>B</color>",
        "charter": "<color=#00FF00>C</color>D",
        "album": "<size=2>E",
    }
    song = read_midi_json(export(song=words), "a.midi.json")
    assert (song.metadata.title, song.metadata.artist) == ("A <3", "B")
    assert (song.metadata.charter, song.metadata.album) == ("CD", "E")


def test_numbers_of_another_kind() -> None:
    timing = {"unit": "tick", "tpq": 480.0, "tempos": [{"tick": 0.0, "us_per_beat": 500_000.0}]}
    timing["time_signatures"] = [{"tick": 0, "ts": 3}]
    events = [{"tick": 480.0, "time_sec": 0.5, "hit": code} for code in (66, 66.0, "66")]
    song = read_midi_json(export(timing=timing, difficulties={"expert": {"events": events}}), "a.chart.json")
    assert [(hit.time_s, hit.label) for hit in song.hits] == [(0.5, "hihat")] * 3
    assert song.tempo is not None
    assert song.tempo.time_signatures == ((0, 3, 4),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"difficulties": {"Hard": {"events": []}}}, "no such difficulty; found: hard"),
        ({"difficulties": {"Expert": {"events": [{"tick": 0, "hit": "5"}]}}}, r"events\[0\]\.hit: '5' is not one of"),
        ({"timing": {"tpq": 0, "tempos": [{"tick": 0, "us_per_beat": 5}]}}, "resolution 0 must be positive"),
        ({"timing": {"tpq": 480, "tempos": [{"tick": 0, "us_per_beat": 0}]}}, "must be positive"),
    ],
)
def test_faults_name_their_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ChartError, match=message):
        read_midi_json(export(**changes), "a.midi.json")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["song", "timing", "difficulties", "source"]), json_values)
def test_any_json_gives_a_song_or_a_chart_error(name: str, value: object) -> None:
    with contextlib.suppress(ChartError):
        read_midi_json(export(**{name: value}), "a.midi.json")


@given(st.sampled_from(["tpq", "tempos", "time_signatures"]), json_values | st.lists(json_values.map(lambda v: {
    "tick": v, "us_per_beat": v, "ts": v}), max_size=2))  # fmt: skip
def test_any_timing_gives_a_song_or_a_chart_error(name: str, value: object) -> None:
    timing = {"unit": "tick", "tpq": 480, "tempos": [{"tick": 0, "us_per_beat": 500_000}]} | {name: value}
    with contextlib.suppress(ChartError):
        read_midi_json(export(timing=timing), "a.midi.json")
