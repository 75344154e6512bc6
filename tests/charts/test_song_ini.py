"""song.ini as it is found."""

import pytest

from drumline.charts import song_ini
from drumline.charts.song import Metadata
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding):
    assert song_ini.read("[song]\nname = Motörhead\n".encode(encoding)).name == "Motörhead"


@pytest.mark.parametrize("delay", ["-1", "0", "", "nan", "1e400", "soon"])
def test_a_delay_that_is_none(delay):
    ini = song_ini.from_values({"delay": delay})
    assert ini.offset_s == 0.0
    assert ini.diff_drums == UNSET
