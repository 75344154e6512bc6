"""MIDI performances: written and read back, against mido on real files, and on damaged bytes."""

import contextlib
import io
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.charts.drum_maps import GENERAL_MIDI, ROLAND, drum_map, piece_of
from drumline.charts.general_midi import ROLAND_CLOSED_CC4, read_performance, write_performance
from drumline.core.errors import ChartError
from drumline.core.hits import Hit, sorted_hits
from drumline.core.taxonomy import CLASSES
from drumline.core.tempo import TempoMap

tempo_maps = st.builds(
    lambda resolution, first, later: TempoMap(
        resolution, ((0, first), *((tick, bpm) for tick, bpm in sorted(dict(later).items())))
    ),
    st.sampled_from([96, 192, 480]),
    st.floats(30, 300),
    st.lists(st.tuples(st.integers(1, 20_000), st.floats(30, 300)), max_size=4),
)
# Times at least 30 ms apart, more than a tick of the slowest of these maps: MIDI holds one stroke of a pitch a tick.
hit_lists = st.lists(
    st.builds(
        lambda step, jitter_s, label, velocity: Hit(0.05 * step + jitter_s, label, velocity),
        st.integers(0, 6_000), st.floats(0, 0.02), st.sampled_from(CLASSES), st.floats(0.01, 1),
    ),
    max_size=30,
    unique_by=lambda hit: round(hit.time_s / 0.05 - 0.2),
)  # fmt: skip


@given(hit_lists, tempo_maps)
def test_what_was_written_reads_back(hits: list[Hit], tempo: TempoMap) -> None:
    back = read_performance(write_performance(hits, tempo=tempo), "song.mid")
    read, hits = (sorted(each, key=lambda hit: (hit.label, hit.time_s)) for each in (back.hits, hits))
    tick_s = 60 / min(bpm for _, bpm in tempo.tempos) / tempo.resolution
    assert [hit.label for hit in read] == [hit.label for hit in hits]
    np.testing.assert_allclose([h.time_s for h in read], [h.time_s for h in hits], atol=tick_s / 2 + 1e-6)
    np.testing.assert_allclose([h.velocity for h in read], [h.velocity for h in hits], atol=0.5 / 127 + 1e-9)


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=30, unique=True))
def test_hits_on_ticks_come_back_exactly(ticks: list[int]) -> None:
    tempo = TempoMap(480, ((0, 120.0), (960, 150.0)))
    hits = sorted_hits([Hit(float(tempo.seconds(tick)), "snare_head", velocity=64 / 127) for tick in ticks])
    back = read_performance(write_performance(hits, tempo=tempo), "song.mid")
    assert back.tempo == tempo
    assert [hit.tick for hit in back.hits] == sorted(ticks)
    assert [(hit.time_s, hit.velocity) for hit in back.hits] == [(hit.time_s, hit.velocity) for hit in hits]


def test_pieces_keep_their_own_pitch() -> None:
    hits = [Hit(1.0, "crash", source_name="splash cymbal"), Hit(2.0, "other", source_name="cowbell")]
    back = read_performance(write_performance(hits), "song.mid").hits
    assert [(hit.label, hit.source_name) for hit in back] == [("crash", "splash cymbal"), ("other", "cowbell")]


def test_hits_before_the_file_begins_are_refused() -> None:
    with pytest.raises(ValueError, match="before second 0"):
        write_performance([Hit(-0.5, "kick")])


def test_maps_differ_where_the_kits_do() -> None:
    assert [piece_of(pitch, ROLAND)[0] for pitch in (22, 52, 55, 58)] == ["hihat_closed", "crash", "crash", "tom_floor"]
    assert [piece_of(pitch, GENERAL_MIDI)[0] for pitch in (22, 52, 55, 58)] == ["other", "crash", "crash", "other"]
    assert piece_of(100, ROLAND) == ("other", "pitch 100")
    with pytest.raises(ValueError, match="two pieces"):
        drum_map({("kick", "kick"): (36,), ("snare", "snare"): (36,)})


def test_equals_mido_on_real_performances(corpus: Path) -> None:
    with zipfile.ZipFile(corpus / "groove_trainval.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".mid"))[::250]
        for name in names:
            data = archive.read(name)
            now, slow = 0, []
            for message in mido.merge_tracks(mido.MidiFile(file=io.BytesIO(data)).tracks):
                now += message.time
                if message.type == "note_on" and message.velocity:
                    slow.append((now, ROLAND[message.note][1], message.velocity / 127))
            fast = read_performance(data, name, drum_map=ROLAND).hits
            assert sorted((hit.tick, hit.source_name, hit.velocity) for hit in fast) == sorted(slow)


def test_controller_4_is_high_when_the_hihat_is_closed(corpus: Path) -> None:
    openness: dict[str, list[float]] = {"hihat_closed": [], "hihat_open": []}
    with zipfile.ZipFile(corpus / "groove_trainval.zip") as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".mid"))[::10]:
            found = read_performance(archive.read(name), name, drum_map=ROLAND, closed_cc4=ROLAND_CLOSED_CC4)
            for hit in found.hits:
                if hit.openness is not None:
                    openness[hit.label].append(hit.openness)
    assert np.median(openness["hihat_closed"]) == 0.0
    assert np.median(openness["hihat_open"]) > 0.4


@given(st.data())
def test_damaged_files_give_chart_errors_only(data: st.DataObject) -> None:
    whole = bytearray(write_performance([Hit(0.1 * i, "kick") for i in range(8)]))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))]) if data.draw(st.booleans()) else bytes(whole)
    with contextlib.suppress(ChartError):
        read_performance(damaged, "song.mid")
