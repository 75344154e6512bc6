"""The objects of `drumline inspect --json`."""

import json

import pytest
from tests.charts.midi_files import midi_file

from drumline.charts import inspection, sng

CHART = b"""[Song]
{
  Offset = 0.5
  Resolution = 192
}
[SyncTrack]
{
  0 = B 60000
}
[ExpertDrums]
{
  0 = E mix_3_drums0d
  192 = N 1 0
  192 = N 34 0
  384 = N 32 0
}
"""


def test_a_chart_as_the_interface_says(tmp_path):
    (tmp_path / "notes.chart").write_bytes(CHART)
    (tmp_path / "Song.ini").write_text("[song]\npro_drums = True\n")
    (described,) = inspection.inspect(tmp_path)
    rest = {"cymbal": False, "ghost": False, "flam": False}
    assert json.loads(json.dumps(described)) == {
        "path": str(tmp_path / "notes.chart"),
        "format": "chart",
        "resolution": 192,
        "drum_type": "pro",
        "offset_s": 0.5,
        "tempos": [[0, 60.0]],
        "difficulties": {
            "expert": [
                {
                    "tick": 192,
                    "time_s": 1.0,
                    "lane": "red",
                    "accent": True,
                    "double_kick": False,
                    "class": "hihat",
                    **rest,
                },
                {
                    "tick": 384,
                    "time_s": 2.0,
                    "lane": "kick",
                    "accent": False,
                    "double_kick": True,
                    "class": "kick",
                    **rest,
                },
            ]
        },
        "repairs": [],
    }
    assert "pro, 192 ticks a quarter note, 60 bpm, offset +0.500 s" in inspection.summary(described)


def test_four_lane_classes_are_null_and_errors_are_objects(tmp_path):
    (tmp_path / "a.mid").write_bytes(midi_file({"PART DRUMS": [(0, 1, 98, 100)]}))
    (tmp_path / "b.mid").write_bytes(midi_file({}, midi_format=1)[:10])
    (tmp_path / "c.txt").write_text("x")
    good, bad = inspection.inspect(tmp_path)
    assert good["difficulties"]["expert"][0]["class"] is None
    assert bad == {"path": str(tmp_path / "b.mid"), "error": f"{tmp_path}/b.mid: not a MIDI file (no MThd header)"}
    assert "not a MIDI file" in inspection.summary(bad)
    assert "no drum part" in inspection.summary(good | {"difficulties": {}})


@pytest.mark.parametrize("name", ["none.chart", "c.txt", "."])
def test_what_is_no_chart_is_an_error_too(tmp_path, name):
    (described,) = inspection.inspect(tmp_path / name)
    assert set(described) == {"path", "error"}


def test_a_container_is_read_like_its_folder(tmp_path):
    (tmp_path / "song.sng").write_bytes(sng.write({"notes.chart": CHART, "song.opus": b"-"}, {"five_lane_drums": "1"}))
    (tmp_path / "cut.sng").write_bytes(b"SNGPKG\1\0")
    cut, described = inspection.inspect(tmp_path)
    assert described["path"] == str(tmp_path / "song.sng")
    assert described["drum_type"] == "five_lane"
    assert len(described["difficulties"]["expert"]) == 2
    assert "4 bytes are due at byte 6 of 8" in cut["error"]
