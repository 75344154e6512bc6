"""Hostile and broken bytes: a ChartError or a repaired chart, never anything else."""

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.charts.midi_files import midi_file

from drumline.charts import chart_labels, dot_chart, notes_mid, sng, song_ini
from drumline.charts.inspection import CHART_READERS
from drumline.charts.song_ini import SongIni
from drumline.core.errors import ChartError

GOLDEN = Path(__file__).parents[1] / "golden" / "charts"
SEEDS = {
    ".chart": (GOLDEN / "case_03.chart").read_bytes(),
    ".mid": (GOLDEN / "case_00.mid").read_bytes(),
    ".sng": sng.write({"notes.chart": b"[Song]\n{\n}\n", "song.opus": bytes(100)}, {"name": "x"}),
}


@st.composite
def damaged(draw, suffix):
    data = bytearray(SEEDS[suffix])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        piece = draw(st.binary(max_size=8))
        match draw(st.sampled_from(["overwrite", "insert", "delete", "cut"])):
            case "overwrite":
                data[at : at + len(piece)] = piece
            case "insert":
                data[at:at] = piece
            case "delete":
                del data[at : at + draw(st.integers(1, 50))]
            case "cut":
                del data[at:]
    return bytes(data)


def read_all(suffix, data, ini):
    with contextlib.suppress(ChartError):
        chart_labels.annotate(CHART_READERS[suffix](data, name="x", ini=ini))


@settings(max_examples=150)
@given(damaged(".chart"), st.sampled_from([SongIni(), SongIni(chord_snap_ticks=50), SongIni(five_lane_drums=True)]))
def test_damaged_dot_chart(data, ini):
    read_all(".chart", data, ini)


@settings(max_examples=150)
@given(damaged(".mid"), st.sampled_from([SongIni(), SongIni(chord_snap_ticks=50), SongIni(five_lane_drums=True)]))
def test_damaged_notes_mid(data, ini):
    read_all(".mid", data, ini)


@settings(max_examples=150)
@given(damaged(".sng"))
def test_damaged_sng(data):
    with contextlib.suppress(ChartError):
        opened = sng.read(data, name="x")
        assert sum(len(opened.file(name)) for name in opened.index) <= len(data)


@given(st.binary(max_size=300))
def test_random_bytes(data):
    song_ini.read(data)
    for header in (b"", b"[ExpertDrums]\n{\n"):
        read_all(".chart", header + data, SongIni())
    head = b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk"
    for header in (head, head + len(data).to_bytes(4, "big")):
        read_all(".mid", header + data, SongIni())


@pytest.mark.parametrize("name", ["../up.ogg", "/root.ogg", "a/../../b", "c:\\x", "", "..", "a\\..\\b", "nul\0.ogg"])
def test_sng_names_stay_in_the_folder(name):
    described = struct.pack("<QQ", 8, 0)
    entry = struct.pack("<QB", 1, len(name)) + name.encode()
    offset = 6 + 4 + 16 + len(described) + 8 + len(entry) + 16 + 8
    index = entry + struct.pack("<QQ", 3, offset)
    forged = b"SNGPKG" + struct.pack("<I", 1) + bytes(16) + described + struct.pack("<Q", len(index)) + index
    with pytest.raises(ChartError, match="may leave the song's folder"):
        sng.read(forged + struct.pack("<Q", 3) + b"abc", name="song.sng")


def test_sng_refuses_what_cannot_fit():
    whole = sng.write({"a": bytes(50), "b": bytes(50)}, {"k": "v"})
    for length in range(len(whole)):
        with pytest.raises(ChartError):
            sng.read(whole[:length], name="song.sng")
    overlapping = whole.replace((len(whole) - 50).to_bytes(8, "little"), (len(whole) - 60).to_bytes(8, "little"))
    with pytest.raises(ChartError, match="inside what stands before it"):
        sng.read(overlapping, name="song.sng")
    many = whole.replace((2).to_bytes(8, "little"), (2**62).to_bytes(8, "little"), 1)
    with pytest.raises(ChartError, match="4,611,686,018,427,387,904 entries"):
        sng.read(many, name="song.sng")


def test_dense_animations_cost_no_time():
    # At this tempo all gems and animations stand within one tolerance: trying every pair would take minutes.
    notes = [(tick, 1, pitch, 100) for tick in range(5_000) for pitch in (97, 27)]
    data = midi_file({"PART DRUMS": notes}, tempos=[(0, 1)])
    chart = notes_mid.read(data, name="x", ini=SongIni())
    assert len(chart_labels.annotate(chart).hits) == 5_000


def test_empty_files_name_themselves():
    with pytest.raises(ChartError, match=r"song/notes\.chart:1: no \[Section\]"):
        dot_chart.read(b"", name="song/notes.chart", ini=SongIni())
    with pytest.raises(ChartError, match=r"notes\.mid: not a MIDI file"):
        notes_mid.read(b"", name="notes.mid", ini=SongIni())
