"""song.ini as it is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.charts import song_ini
from drumline.charts.annotated_song import Metadata
from drumline.charts.song_ini import UNSET, SongIni


def test_keys_sections_and_truths_in_any_case_comments_and_style_tags():
    text = """
    ; a comment = yes
    [SONG]
    Name = <color=#FFFFFF>The <b>Song</b></color> <3
    ARTIST=Ä & B
    frets = Old Charter
    Pro_Drums = TRUE
    five_lane_drums = 0
    Delay = 250
    modchart = 1
    diff_drums = six
    # name = not this one
    no value here
    [other]
    name = nor this
    """
    ini = song_ini.read(text.encode())
    assert ini == SongIni(
        name="The Song <3",
        artist="Ä & B",
        charter="Old Charter",
        pro_drums=True,
        five_lane_drums=False,
        delay_ms=250.0,
        modchart=True,
    )
    assert ini.metadata == Metadata(title="The Song <3", artist="Ä & B", charter="Old Charter")
    assert ini.offset_s == 0.25


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings(encoding):
    assert song_ini.read("[song]\nname = Motörhead\n".encode(encoding)).name == "Motörhead"


@pytest.mark.parametrize("delay", ["-1", "0", "", "nan", "1e400", "soon", "-1,0", "-1 ms", "1" * 5_000, "ms 5", "+"])
def test_a_delay_that_is_none(delay):
    ini = song_ini.from_values({"delay": delay})
    assert ini.offset_s == 0.0
    assert ini.diff_drums == UNSET


@pytest.mark.parametrize(
    ("delay", "delay_ms"),
    [
        ("150,0", 150.0),
        ("+350 ms", 350.0),
        ("350ms", 350.0),
        ("-42.5", -42.5),
        ("\N{MINUS SIGN}42,5", -42.5),
        ("\ufeff\N{NO-BREAK SPACE}150\u200b", 150.0),
        ('"150"', 150.0),
        ("150 ; measured", 150.0),
        (".5", 0.5),
    ],
)
def test_numbers_are_read_as_the_games_read_them(delay, delay_ms):
    ini = song_ini.read(f"[song]\ndelay ={delay}\nsong_length = {delay}\nchord_snap_threshold={delay}\n".encode())
    assert ini.delay_ms == delay_ms
    assert (ini.song_length_ms, ini.chord_snap_ticks) == (int(delay_ms), int(delay_ms))


@given(
    st.integers(-99_999, 99_999).map(lambda tenths: tenths / 10).filter(lambda delay_ms: delay_ms != -1),
    st.sampled_from([".", ","]),
    st.sampled_from(["", "+"]),
    st.sampled_from(["", " ms", "ms", " // ms"]),
    st.text("\t \N{NO-BREAK SPACE}\v\ufeff", max_size=3),
)
def test_no_notation_of_a_delay_changes_it(delay_ms, point, sign, unit, blank):
    text = f"{blank}{sign if delay_ms >= 0 else ''}{delay_ms}{blank}{unit}".replace(".", point)
    assert song_ini.from_values({"delay": text}).delay_ms == delay_ms


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("other", ["\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_only_line_ends_end_a_line(end, other):
    text = end.join(["[song]", "delay = 120", f"loading_phrase = one{other}delay = 900", f"name = A{other}b", ""])
    ini = song_ini.read(text.encode("utf-8-sig"))
    assert (ini.delay_ms, ini.name) == (120.0, "A b")


@pytest.mark.parametrize(
    ("text", "truth"),
    [("True", True), ("TRUE ; yes", True), ("1", True), ('"false"', False), ("0", False), ("truly", None), ("", None)],
)
def test_truths(text, truth):
    assert song_ini.from_values({"pro_drums": text}).pro_drums is truth
