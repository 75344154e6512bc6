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


def test_exports_have_the_same_keys(tmp_path):
    def gem(tick, hit, **flags):
        return {"tick": tick, "time_sec": 0.0, "hit": hit, "flags": flags}

    export = {
        "version": 1,
        "source": "chart",
        "timing": {"unit": "tick", "tpq": 192, "tempos": [{"tick": 0, "us_per_beat": 500_000}]},
        "difficulties": {
            "Expert": {"events": [gem(192, "0", double_kick=True), gem(384, "66", accent=True)]},
            "Easy": {"events": []},
        },
    }
    (tmp_path / "a.Expert.midi.json").write_text(json.dumps(export))
    (tmp_path / "b.Expert.midi.1.json").write_text(json.dumps(export | {"source": "midi"}))
    (tmp_path / "notes.chart").write_bytes(CHART)
    described, undecided, chart = inspection.inspect(tmp_path)
    assert list(described) == list(chart)
    assert list(described["difficulties"]) == ["easy", "expert"]
    kick, hat = described["difficulties"]["expert"]
    assert list(kick) == list(chart["difficulties"]["expert"][0])
    assert (kick["tick"], kick["time_s"], kick["lane"], kick["double_kick"]) == (192, 0.5, "kick", True)
    assert (hat["lane"], hat["cymbal"], hat["accent"], hat["class"]) == ("yellow", True, True, "hihat")
    assert undecided["drum_type"] == "four_lane"
    assert undecided["difficulties"]["expert"][1]["class"] is None  # the exporter misreads tom markers
    assert "easy: 0 notes\n  expert: 2 notes in 1.0 s (kick 1, yellow cymbal 1)" in inspection.summary(described)


def test_a_beatmap_has_no_lanes(tmp_path):
    beatmap = {"hitObjects": [{"time": 1500, "component": "ride_bell", "velocity": 0.5}]}
    (tmp_path / "song.bsm").write_text(json.dumps(beatmap))
    (described,) = inspection.inspect(tmp_path)
    assert described | {"path": ""} == {
        "path": "",
        "format": "beatsight",
        "resolution": None,
        "drum_type": None,
        "offset_s": 0.0,
        "tempos": [],
        "difficulties": {
            "expert": [
                {
                    "tick": None,
                    "time_s": 1.5,
                    "lane": None,
                    "cymbal": None,
                    **dict.fromkeys(("accent", "ghost", "flam", "double_kick"), False),
                    "class": "ride_bell",
                }
            ]
        },
        "repairs": [],
    }
    assert "  beatsight, offset +0.000 s\n  expert: 1 notes in 1.5 s (ride_bell 1)" in inspection.summary(described)


@pytest.mark.parametrize("name", ["song.midi.json", "song.bs"])
def test_a_damaged_export_is_an_error(tmp_path, name):
    (tmp_path / name).write_text('{"difficulties": {}}')
    (described,) = inspection.inspect(tmp_path)
    assert set(described) == {"path", "error"}
