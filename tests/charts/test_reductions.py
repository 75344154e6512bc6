"""Lower difficulties: subsets of Expert, playable by the conventions, and near to those that a person charted."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench.reductions import f_measure

from drumline.charts import dot_chart, notes_mid
from drumline.charts.chart import Chart, Note, in_order
from drumline.charts.reductions import LEVELS, reduced
from drumline.charts.song_ini import SongIni
from drumline.core.tempo import TempoMap

HUMAN = Path(__file__).parents[3] / "shared" / "corpus" / "charts" / "yarg_core" / "drawntotheflame.mid"
PADS = [("kick", False), ("red", False), *((lane, cymbal) for lane in ("yellow", "blue", "green") for cymbal in (0, 1))]
RESOLUTION = 480


@st.composite
def parts(draw: st.DrawFn) -> tuple[tuple[Note, ...], TempoMap]:
    steps = draw(st.dictionaries(st.integers(0, 255), st.sets(st.sampled_from(PADS), min_size=1, max_size=4)))
    notes = {
        (step * 60, lane): Note(step * 60, 0, lane, bool(cymbal), ghost=draw(st.booleans()) and lane == "red")
        for step, pads in steps.items()
        for lane, cymbal in pads
    }
    bpm, meter = draw(st.sampled_from([55.0, 120.0, 240.0])), draw(st.sampled_from([(4, 4), (3, 4), (7, 8)]))
    return in_order(notes.values()), TempoMap(RESOLUTION, ((0, bpm),), ((0, *meter),))


@given(parts())
def test_each_level_is_a_playable_subset_of_the_one_above(part: tuple[tuple[Note, ...], TempoMap]) -> None:
    expert, tempo = part
    above = {note for note in expert if not note.ghost}
    for name, notes in reduced(expert, tempo).items():
        level = LEVELS[name]
        assert set(notes) <= above
        chords: dict[int, list[str]] = defaultdict(list)
        for note in notes:
            chords[note.tick].append(note.lane)
        assert all(len(lanes) <= level.limbs for lanes in chords.values())
        kicks = [note.tick for note in notes if note.lane == "kick"]
        hands = sorted({note.tick for note in notes if note.lane != "kick"})
        for ticks, gap_s in ((hands, level.hand_gap_s), (kicks, level.kick_gap_s)):
            assert (np.diff(tempo.seconds(ticks)) >= gap_s - 1e-9).all()
        above = set(notes)


def test_what_is_written_is_read_at_every_difficulty() -> None:
    expert = [Note(tick, 0, "yellow", cymbal=True) for tick in range(0, 7680, 120)]
    expert += [Note(tick, 0, "kick") for tick in range(0, 7680, 360)]
    expert += [Note(tick, 0, "red", ghost=tick % 960 != 480) for tick in range(240, 7680, 240)]
    tempo = TempoMap(RESOLUTION, ((0, 150.0),))
    levels = reduced(in_order(expert), tempo) | {"expert": in_order(expert)}
    assert [len(levels[name]) for name in ("easy", "medium", "hard", "expert")] == sorted(map(len, levels.values()))
    chart = Chart("chart", tempo, "pro", levels)
    for form in (dot_chart, notes_mid):
        again = form.read(form.write(chart), name="x", ini=SongIni(pro_drums=True)).difficulties
        for name, notes in levels.items():
            wanted = [(note.tick, note.lane, note.cymbal, note.ghost) for note in notes]
            assert [(note.tick, note.lane, note.cymbal, note.ghost) for note in again[name]] == wanted


@pytest.mark.skipif(not HUMAN.is_file(), reason="the corpus is not there")
def test_reductions_are_near_to_those_of_a_person() -> None:
    chart = notes_mid.read(HUMAN.read_bytes(), name=HUMAN.name, ini=SongIni())
    ours = reduced(chart.difficulties["expert"], chart.tempo)
    for name in LEVELS:
        assert f_measure(ours[name], chart.difficulties[name]) > 0.95
