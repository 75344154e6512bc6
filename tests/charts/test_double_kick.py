"""Fast runs of kicks are playable with one pedal without the marked ones."""

import itertools

import numpy as np
from hypothesis import given
from tests.charts.test_reductions import parts

from drumline.charts.chart import Note
from drumline.charts.double_kick import LEAST_GAP_S, with_double_kicks
from drumline.core.tempo import TempoMap


@given(parts())
def test_marked_kicks_alternate_and_nothing_else_changes(made: tuple[tuple[Note, ...], TempoMap]) -> None:
    notes, tempo = made
    marked = with_double_kicks(notes, tempo)
    assert [(note.tick, note.lane) for note in marked] == [(note.tick, note.lane) for note in notes]
    assert all(note.lane == "kick" for note in marked if note.double_kick)
    kicks = [note for note in marked if note.lane == "kick"]
    for before, after in itertools.pairwise(kicks):
        assert not (before.double_kick and after.double_kick)


def test_sixteenths_at_200_bpm_need_two_feet_and_at_100_one() -> None:
    for tempo_bpm, steps, expected in ((200.0, 8, 4), (100.0, 8, 0), (200.0, 3, 0)):
        tempo = TempoMap(480, ((0, tempo_bpm),))
        marked = with_double_kicks([Note(step * 120, 0, "kick") for step in range(steps)], tempo)
        assert sum(note.double_kick for note in marked) == expected
        single = tempo.seconds([note.tick for note in marked if not note.double_kick])
        assert not expected or np.diff(single).min() >= LEAST_GAP_S
