"""The rules of .chart, one by one."""

import pytest

from drumline.charts import dot_chart
from drumline.charts.annotated_song import Metadata
from drumline.charts.song_ini import SongIni
from drumline.core.errors import ChartError

SILENT = SongIni()


def read(*lines, song="Resolution = 192", sync="0 = B 120000", events="", ini=SILENT, part="ExpertDrums"):
    sections = [("Song", [song]), ("SyncTrack", [sync]), ("Events", [events]), (part, lines)]
    text = "".join("\n".join([f"[{name}]", "{", *body, "}", ""]) for name, body in sections)
    return dot_chart.read(text.encode(), name="notes.chart", ini=ini)


def gems(chart, *fields):
    return [tuple(getattr(note, field) for field in fields) for note in chart.difficulties["expert"]]


def test_an_unmarked_gem_is_a_tom_and_markers_act_on_their_tick_and_lane():
    chart = read("0 = N 2 0", "0 = N 66 0", "96 = N 2 0", "96 = N 67 0", "192 = N 4 0", "192 = N 68 0", "288 = N 0 0")
    assert chart.drum_type == "pro"
    assert gems(chart, "tick", "lane", "cymbal") == [
        (0, "yellow", True),
        (96, "yellow", False),
        (192, "green", True),
        (288, "kick", False),
    ]


def test_the_drum_type_is_told_by_song_ini_then_markers_then_the_fifth_lane():
    assert read("0 = N 2 0").drum_type == "four_lane"
    assert read("0 = N 5 0").drum_type == "five_lane"
    assert read("0 = N 5 0", "0 = N 2 0", "0 = N 66 0").drum_type == "pro"
    assert read("0 = N 2 0", ini=SongIni(five_lane_drums=True)).drum_type == "five_lane"
    assert read("0 = N 2 0", "0 = N 66 0", ini=SongIni(five_lane_drums=True)).drum_type == "five_lane"
    assert read("0 = N 2 0", ini=SongIni(pro_drums=True, five_lane_drums=True)).drum_type == "pro"


def test_five_lanes_on_four():
    chart = read(*(f"{96 * pad} = N {pad} 0" for pad in range(6)), "960 = N 4 0", "960 = N 5 0", "960 = N 0 0")
    assert gems(chart, "lane", "cymbal", "approximate") == [
        ("kick", False, False),
        ("red", False, False),
        ("yellow", True, False),
        ("blue", False, False),
        ("green", True, False),
        ("green", False, False),
        # Orange and green at once: no four lanes can hold it.
        ("kick", False, True),
        ("blue", False, True),
        ("green", True, True),
    ]


def test_a_long_five_lane_gem_is_a_roll():
    chart = read("0 = N 5 96", "192 = N 1 0")
    assert gems(chart, "length_ticks", "roll") == [(96, True), (0, False)]


def test_both_kicks_on_a_tick_are_one_double_kick():
    chart = read("0 = N 0 0", "0 = N 32 0", "96 = N 32 0", "192 = N 0 9", "192 = N 32 0")
    assert gems(chart, "tick", "lane", "double_kick") == [(0, "kick", True), (96, "kick", True), (192, "kick", False)]


def test_accents_and_ghosts_by_lane_accents_win_and_strays_mean_nothing():
    chart = read("0 = N 1 0", "0 = N 34 0", "0 = N 40 0", "0 = N 2 0", "0 = N 41 0", "0 = N 3 0", "96 = N 37 0")
    assert gems(chart, "lane", "accent", "ghost") == [
        ("red", True, False),
        ("yellow", False, True),
        ("blue", False, False),
    ]


@pytest.mark.parametrize("event", ["mix_3_drums0d", '"[mix 3 drums0d]"', "[mix 3 drums2d]"])
def test_disco_flip_from_its_tick_to_the_next_mix_event(event):
    chart = read("0 = N 1 0", f"96 = E {event}", "96 = N 1 0", "96 = N 3 0", "192 = N 2 0", "288 = E mix_3_drums0")
    assert gems(chart, "tick", "disco") == [(0, False), (96, True), (96, False), (192, True)]
    stems_only = read("0 = E mix_3_drums0dnoflip", "0 = N 1 0")
    other_difficulty = read("0 = E mix_2_drums0d", "0 = N 1 0")
    assert gems(stems_only, "disco") == gems(other_difficulty, "disco") == [(False,)]


def test_rolls_and_fills_are_half_open_and_rolls_spare_the_kick():
    chart = read("0 = S 65 96", "0 = N 0 0", "0 = N 1 0", "95 = N 1 0", "96 = N 1 0", "192 = S 64 96", "287 = N 0 0")
    assert gems(chart, "tick", "lane", "roll", "approximate") == [
        (0, "kick", False, False),
        (0, "red", True, False),
        (95, "red", True, False),
        (96, "red", False, False),
        (287, "kick", False, True),
    ]


def test_chord_snap_joins_gems_closer_than_the_threshold():
    chart = read("0 = N 0 0", "9 = N 1 0", "10 = N 2 0", ini=SongIni(chord_snap_ticks=10))
    assert gems(chart, "tick", "lane") == [(0, "kick"), (0, "red"), (10, "yellow")]


def test_delay_wins_over_offset_and_they_are_never_added():
    song = "Resolution = 192\nOffset = 0.5"
    assert read("0 = N 0 0", song=song).offset_s == 0.5
    assert read("0 = N 0 0", song=song, ini=SongIni(delay_ms=0)).offset_s == 0.5
    assert read("0 = N 0 0", song=song, ini=SongIni(delay_ms=-1)).offset_s == 0.5
    assert read("0 = N 0 0", song=song, ini=SongIni(delay_ms=250)).offset_s == 0.25


def test_tempo_metre_and_sections():
    sync = "0 = B 60000\n192 = B 120500\n192 = A 1000000\n0 = TS 3\n384 = TS 7 3"
    chart = read("0 = N 0 0", sync=sync, events='0 = E "section A "B" {c}"\n96 = E "[prc_End]"\n99 = E "lyric x"')
    assert chart.tempo.tempos == ((0, 60.0), (192, 120.5))
    assert chart.tempo.time_signatures == ((0, 3, 4), (384, 7, 8))
    assert chart.sections == ((0, 'A "B" {c}'), (96, "End"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings(encoding):
    text = '[Song]\n{\n  Name = "Mötley "é" <color=#FF0>}{</color>"\n  Year = ", 1989"\n  Resolution = 480\n}\n'
    chart = dot_chart.read(text.encode(encoding), name="notes.chart", ini=SongIni(artist="Band"))
    assert chart.metadata == Metadata(title='Mötley "é" }{', artist="Band", year="1989")
    assert chart.tempo.resolution == 480
    assert chart.difficulties == {}


def test_white_space_and_missing_ends_are_no_matter_and_are_told():
    text = "[Song]{\r\n\tResolution=192\r\n}\r\n[ExpertDrums]\r\n{\r\n\t96\t=\tN  1   0\r\n0=N 0 0\r\nnonsense\r\n"
    text += " 192 = N 1"
    chart = dot_chart.read(text.encode(), name="notes.chart", ini=SongIni())
    assert gems(chart, "tick", "lane") == [(0, "kick"), (96, "red"), (192, "red")]
    assert chart.repairs == (
        "notes.chart: section [ExpertDrums] is not closed at the end (was the file cut?)",
        "notes.chart:7: tick 0 is out of order after 96 (sorted)",
        "notes.chart:8: not understood: 'nonsense' (left out)",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", r"notes\.chart:1: no \[Section\]"),
        ("[Song]\n{\nResolution = 0\n}", r"notes\.chart: Resolution '0' in \[Song\] is not a positive number"),
        ("[Song]\n{\nResolution = x\n}", "Resolution 'x'"),
        ("[Song]\n{\n}\n[SyncTrack]\n{\n0 = TS 4\n96 = B 0\n}", r"notes\.chart:7: the tempo at tick 96 is zero"),
        ("[Song]\n{\n}\n[ExpertDrums]\n{\n9999999999 = N 0 0\n}", r"notes\.chart:6: tick 9999999999 is beyond"),
    ],
)
def test_what_cannot_be_mended_is_an_error_with_its_line(text, message):
    with pytest.raises(ChartError, match=message):
        dot_chart.read(text.encode(), name="notes.chart", ini=SongIni())


@pytest.mark.parametrize(
    ("stated", "is_mended"),
    [("192", 0), ("\ufeff192", 0), ('"192"', 0), ("192.0", 1), ("192,0", 1), ("+192", 1), ("192 ticks", 1)],
)
def test_numbers_may_come_as_floats_with_signs_and_units(stated, is_mended):
    chart = read(
        "0 = N 0 0,0",
        "+96 = N 2.0 0",
        "96 = N 66 -5",
        "192.0 = N 1 0.0",
        song=f"Resolution = {stated}\nOffset = +0,5 s",
        sync="0 = TS 3.0 3.0\n0 = B 120000.0\n192 = B 60500,5 // slower",
    )
    assert (chart.tempo.resolution, chart.offset_s) == (192, 0.5)
    assert chart.tempo.tempos == ((0, 120.0), (192, 60.5005))
    assert chart.tempo.time_signatures == ((0, 3, 8),)
    assert gems(chart, "tick", "lane", "cymbal", "length_ticks") == [
        (0, "kick", False, 0),
        (96, "yellow", True, 0),
        (192, "red", False, 0),
    ]
    assert chart.repairs == ((f"notes.chart: Resolution {stated!r} in [Song] read as 192",) if is_mended else ())


def test_a_gem_that_cannot_be_read_is_told():
    chart = read("0 = N 0 0", "96 = N x 0", "192 = N 1.5 0")
    assert gems(chart, "tick") == [(0,)]
    assert chart.repairs == (
        "notes.chart:16: not a number: 'x 0' (left out)",
        "notes.chart:17: not a number: '1.5 0' (left out)",
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("other", ["\v", "\f", "\x85", "\u2028"])
def test_only_line_ends_end_a_line(end, other):
    text = end.join(["[Song]", "{", f'  Name = "a{other}Offset = 9"', "  Offset = 1", "  Resolution = 192", "}",
                     "[ExpertDrums]", "{", f'  0 = E "a{other}96 = N 1 0"', "  0 = N 0 0", "}"])  # fmt: skip
    chart = dot_chart.read(text.encode(), name="notes.chart", ini=SongIni())
    assert (chart.offset_s, chart.metadata.title, chart.repairs) == (1.0, "a Offset = 9", ())
    assert gems(chart, "tick") == [(0,)]


def test_an_empty_section_does_not_hide_another_of_its_name():
    text = "[Song]\n{\nResolution = 192\n}\n[ExpertDrums]\n{\n0 = N 0 0\n}\n[ExpertDrums]\n{\n}\n"
    chart = dot_chart.read(text.encode(), name="notes.chart", ini=SongIni())
    assert gems(chart, "lane") == [("kick",)]
    assert "[ExpertDrums] stands twice" in chart.repairs[0]


def test_no_resolution_is_the_usual_one():
    chart = dot_chart.read(b"[Song]\n{\n}\n", name="notes.chart", ini=SongIni(modchart=True))
    assert chart.tempo.resolution == 192
    assert chart.repairs == ("notes.chart: no Resolution in [Song] (192 assumed)",)
    assert chart.unsuitable == "modchart"
