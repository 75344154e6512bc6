"""Notes of charts on the grid: chords on one tick, divisions by fit, and a limit that holds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.transcription.chart_grid import LIMIT_S, snap
from drumline.transcription.formats import chart
from drumline.transcription.result import SourceAudio, Transcriber, Transcription

TEMPO = TempoMap(480, ((0, 120.0), (1920, 90.0)))


def test_chords_are_one_tick_and_each_quarter_takes_its_division() -> None:
    written = np.array([0, 0, 120, 240, 360, 480, 640, 800, 960, 1020, 1080, 1140, 1200])
    played = TEMPO.seconds(written) + np.random.default_rng(0).normal(0, 0.004, len(written))
    np.testing.assert_array_equal(snap(played, TEMPO).ticks, written)


@given(st.lists(st.floats(0, 20), max_size=40))
def test_no_note_moves_further_than_the_limit(times_s: list[float]) -> None:
    found = snap(times_s, TEMPO)
    assert np.abs(found.moved_s).max(initial=0) <= LIMIT_S + 0.019  # and half a chord's width
    np.testing.assert_allclose(found.moved_s, TEMPO.seconds(found.ticks) - times_s, atol=1e-9)


def test_charts_are_on_the_grid_unless_timing_is_free() -> None:
    events = Events.of([0.509, 0.503, 0.998, 1.263], ["kick", "crash", "snare_head", "hihat_closed"])
    made = Transcription.of(events, SourceAudio("a.ogg", 3.0), Transcriber("t")).with_tempo(TEMPO, "given")
    ticks = [note.tick for note in chart.chart(made).difficulties["expert"]]
    assert ticks == [480, 480, 960, 1200]
