"""Our own JSON: an exact round trip, and faults told by place."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.hits_json import read_hits_json, write_hits_json
from drumline.core.errors import ChartError
from drumline.core.hits import EVIDENCE, FLAGS, Hit, sorted_hits
from drumline.core.taxonomy import CLASSES, LABELS
from drumline.core.tempo import TempoMap

words = st.text(st.characters(codec="utf-8"), max_size=12)
fractions = st.none() | st.floats(0, 1)
hits = st.builds(
    Hit,
    time_s=st.floats(-10, 3_000),
    label=st.sampled_from(sorted(LABELS)),
    velocity=fractions,
    flags=st.sets(st.sampled_from(FLAGS)).map(lambda chosen: tuple(flag for flag in FLAGS if flag in chosen)),
    evidence=st.sampled_from(EVIDENCE),
    openness=fractions,
    source_name=words,
    tick=st.none() | st.integers(0, 2**40),
)
songs = st.builds(
    AnnotatedSong,
    format=st.sampled_from(["chart", "mdb", "hits_json"]),
    hits=st.lists(hits, max_size=8).map(sorted_hits),
    metadata=st.builds(Metadata, title=words, artist=words, year=words),
    tempo=st.none()
    | st.builds(TempoMap, st.integers(1, 960), st.floats(20, 400).map(lambda bpm: ((0, bpm), (9, 60.0)))),
    offset_s=st.floats(-5, 5),
    unannotated=st.lists(st.sampled_from(CLASSES), max_size=2).map(tuple),
    repairs=st.lists(words, max_size=2).map(tuple),
    official_split=st.sampled_from(["", "test"]),
    licence=words,
    note_signature=st.binary(max_size=8),
)


@given(songs)
def test_round_trip_is_exact(song: AnnotatedSong) -> None:
    assert read_hits_json(write_hits_json(song), "song.json") == song


def test_the_least_that_is_read() -> None:
    song = read_hits_json(b'{"hits": [{"time_s": 2, "class": "kick"}, {"time_s": 1, "label": "hihat"}]}', "a.json")
    assert song.hits == (Hit(1.0, "hihat"), Hit(2.0, "kick"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", r"a\.json: hits: missing"),
        ('{"hits": {}}', r"a\.json: hits: must be an array, not \{\}"),
        ('{"hits": [{"label": "kick"}]}', r"hits\[0\]\.time_s: must be a number, not missing"),
        ('{"hits": [{"time_s": 1e999, "label": "kick"}]}', "must be finite"),
        ('{"hits": [{"time_s": 90000, "label": "kick"}]}', "in another unit"),
        ('{"hits": [{"time_s": 1, "label": "gong"}]}', "'gong' is not one of kick"),
        ('{"hits": [{"time_s": 1, "label": "kick", "velocty": 1}]}', r"hits\[0\]\.velocty: unknown name"),
        ('{"hits": [{"time_s": 1, "label": "kick", "velocity": 127}]}', "127 is outside 0..1"),
        ('{"hits": [], "tempo": {"resolution": 0, "tempos": [[0, 120]]}}', "not a tempo map: resolution 0"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_faults_name_their_place(text: str, message: str) -> None:
    with pytest.raises(ChartError, match=message):
        read_hits_json(text.encode(), "a.json")


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_give_a_song_or_a_chart_error(data: bytes) -> None:
    with contextlib.suppress(ChartError):
        read_hits_json(data, "a.json")
