"""read(write(x)) == x, for every chart format."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.charts.chart_strategies import WORDS, charts

from drumline.charts import chart_labels, dot_chart, notes_mid, sng, song_ini
from drumline.charts.annotated_song import Metadata
from drumline.charts.chart import Chart, Note
from drumline.charts.song_ini import SongIni
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap


@settings(max_examples=30)
@given(charts("chart"))
def test_dot_chart(chart):
    kind = SongIni(pro_drums=chart.drum_type == "pro", five_lane_drums=chart.drum_type == "five_lane")
    assert dot_chart.read(dot_chart.write(chart), name="notes.chart", ini=kind) == chart


@settings(max_examples=30)
@given(charts("mid"))
def test_notes_mid(chart):
    assert notes_mid.read(notes_mid.write(chart), name="notes.mid", ini=song_ini.of(chart)) == chart


@settings(max_examples=30)
@given(charts("mid"))
def test_the_same_gems_in_both_formats_have_the_same_signature(chart):
    as_chart = dot_chart.read(dot_chart.write(chart), name="notes.chart", ini=song_ini.of(chart))
    assert chart_labels.note_signature(as_chart) == chart_labels.note_signature(chart)
    assert as_chart.offset_s == chart.offset_s


@given(
    st.builds(
        SongIni,
        name=WORDS,
        artist=WORDS,
        charter=WORDS,
        delay_ms=st.integers(-9999, 9999).map(float),
        pro_drums=st.sampled_from([None, True, False]),
        five_lane_drums=st.sampled_from([None, True, False]),
        modchart=st.booleans(),
        song_length_ms=st.integers(0, 10**7),
        diff_drums=st.integers(-1, 6),
        sustain_cutoff_ticks=st.integers(-1, 200),
        chord_snap_ticks=st.integers(0, 50),
    )
)
def test_song_ini(ini):
    assert song_ini.read(song_ini.write(ini)) == ini


NAMES = st.text("abcdefghijklmnop_0123456789./ ü", min_size=1, max_size=20).filter(
    lambda name: not name.startswith("/") and ".." not in name.split("/") and name != "." and name == name.lower()
)


@given(st.dictionaries(NAMES, st.binary(max_size=600), max_size=4), st.dictionaries(WORDS, WORDS, max_size=4))
def test_sng(files, metadata):
    opened = sng.read(sng.write(files, metadata), name="song.sng")
    assert {name: opened.file(name) for name in opened.index} == files
    assert opened.metadata == metadata


HATS = ("hihat_open", "hihat_closed", "hihat_pedal")
KIT = ("kick", "snare", "tom_high", "tom_mid", "tom_floor", "ride", "crash", *HATS)


@given(st.lists(st.tuples(st.integers(0, 2000), st.sampled_from(KIT)), max_size=40), st.integers(60, 240))
def test_what_was_played_is_read_back_from_an_elite_track(played, tempo_bpm):
    tempo = TempoMap(480, ((0, 60e6 / round(60e6 / tempo_bpm)),))
    both = {(tick, label) for tick, label in played}
    # One hi-hat sounds at a time.
    for tick, label in played:
        if label == "hihat_open":
            both -= {(tick, "hihat_closed"), (tick, "hihat_pedal")}
        if label == "hihat_closed":
            both -= {(tick, "hihat_pedal")}
    hits = [Hit(float(tempo.seconds(tick)), label) for tick, label in sorted(both)]
    chart = chart_labels.compose(hits, tempo, Metadata(), elite=True)
    read = notes_mid.read(notes_mid.write(chart), name="notes.mid", ini=song_ini.of(chart))
    assert read.elite == chart.elite
    song = chart_labels.annotate(read)
    assert sorted((hit.time_s, hit.label) for hit in song.hits) == sorted((hit.time_s, hit.label) for hit in hits)
    assert song.unannotated == (() if hits else ("hihat_pedal",))


@given(st.lists(st.floats(0, 300), max_size=30), st.floats(40, 300), st.sampled_from([192, 480]))
def test_composing_moves_a_hit_by_half_a_tick_at_most(times_s, tempo_bpm, resolution):
    tempo = TempoMap(resolution, ((0, tempo_bpm),))
    chart = chart_labels.compose([Hit(time_s, "snare") for time_s in times_s], tempo, Metadata())
    read_s = [hit.time_s for hit in chart_labels.annotate(chart).hits]
    half_tick_s = 30 / (tempo_bpm * resolution)
    for time_s in times_s:
        assert min(abs(time_s - other_s) for other_s in read_s) <= half_tick_s * (1 + 1e-6) + math.ulp(time_s)


def test_a_mid_says_where_it_cannot_hold_a_chart():
    chart = Chart(
        "mid",
        TempoMap(480),
        "pro",
        {"hard": (Note(0, 0, "yellow", True),), "expert": (Note(0, 0, "yellow", False),)},
    )
    with pytest.raises(ValueError, match="tick 0: notes disagree about yellow toms"):
        notes_mid.write(chart)
    rolls = {"hard": (Note(0, 0, "red", roll=True),), "expert": (Note(0, 0, "red"),)}
    with pytest.raises(ValueError, match="tick 0: a roll lane of an easier difficulty"):
        notes_mid.write(replace(chart, difficulties=rolls))
