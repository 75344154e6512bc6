"""Kicks that need a second pedal: Expert+ notes, which players with one pedal leave out."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from drumline.charts.chart import Note
from drumline.core.tempo import TempoMap

LEAST_GAP_S: Final = 0.12
"""The least time between kicks that one foot keeps up [s]: sixteenths at 125 bpm."""
_LEAST_RUN: Final = 4
"""Kicks of a run from which one foot does not keep up; shorter bursts are played with one."""


def with_double_kicks(notes: Sequence[Note], tempo: TempoMap) -> tuple[Note, ...]:
    """Mark every second kick of fast runs, so that the rest is playable with one pedal.

    Parameters
    ----------
    notes
        A part, in order.
    tempo
        Its tempo map.
    """
    kicks = [index for index, note in enumerate(notes) if note.lane == "kick"]
    times_s = tempo.seconds([notes[index].tick for index in kicks]).tolist()
    runs = [[0]] if kicks else []
    for position, (before_s, time_s) in enumerate(pairwise(times_s), start=1):
        if time_s - before_s < LEAST_GAP_S:
            runs[-1].append(position)
        else:
            runs.append([position])
    second = {kicks[position] for run in runs if len(run) >= _LEAST_RUN for position in run[1::2]}
    return tuple(replace(note, double_kick=True) if index in second else note for index, note in enumerate(notes))
