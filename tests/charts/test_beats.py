"""Tempo maps from beats: the beats stay where they were, on whole beats of the map."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.charts.beats import RESOLUTION, parse_metre, tempo_from_beats, tempo_from_marks, tempo_through
from drumline.core.tempo import TempoMap


@given(st.just(0.0) | st.floats(0.05, 5), st.lists(st.floats(0.2, 2.0), min_size=1, max_size=40))
def test_beats_stay_in_time_and_on_the_beat(first_s: float, gaps_s: list[float]) -> None:
    beats_s = list(itertools.accumulate(gaps_s, initial=first_s))
    tempo = tempo_from_beats(beats_s, [1 + i % 3 for i in range(len(beats_s))])
    assert tempo is not None
    ticks = tempo.ticks(beats_s)
    np.testing.assert_allclose(ticks / RESOLUTION, np.round(ticks / RESOLUTION), atol=1e-5)
    np.testing.assert_allclose(np.diff(ticks), RESOLUTION, atol=1e-3)
    np.testing.assert_allclose(tempo.seconds(np.round(ticks)), beats_s, atol=1e-6)


def test_a_first_beat_close_to_the_start_is_put_there() -> None:
    tempo = tempo_from_beats([0.01, 0.5, 1.0], [1, 2, 3])
    assert tempo is not None
    assert tempo.seconds([0, 480, 960]).tolist() == [0.0, 0.5, 1.0]


def test_a_bar_of_another_length_is_a_time_signature() -> None:
    tempo = tempo_from_beats([0.5 * i for i in range(12)], [1, 2, 3, 4, 1, 2, 3, 1, 2, 3, 4, 1])
    assert tempo is not None
    assert tempo.time_signatures == ((0, 4, 4), (4 * RESOLUTION, 3, 4), (7 * RESOLUTION, 4, 4))


@given(st.just(0.0) | st.floats(0.05, 5), st.integers(0, 3), st.integers(2, 5))
def test_bars_begin_where_they_are_annotated(first_s: float, pickup: int, length: int) -> None:
    beats_s = first_s + 0.5 * np.arange(24)
    positions = (np.arange(24) - pickup) % length + 1
    tempo = tempo_from_beats(beats_s.tolist(), positions.tolist())
    assert tempo is not None
    ticks, numbers = tempo.beats(float(tempo.ticks(beats_s[-1])) + 1)
    times_s = tempo.seconds(ticks)
    first_bar = int(np.argmax(positions == 1))  # before it is a part of a bar
    np.testing.assert_array_equal(numbers[times_s > beats_s[first_bar] - 0.01], positions[first_bar:])


@given(st.lists(st.tuples(st.floats(-10, 1e5), st.floats(-10, 1e300)), max_size=8))
def test_any_marks_give_a_map_or_none(marks: list[tuple[float, float]]) -> None:
    tempo_from_marks(marks)


@pytest.mark.parametrize(
    ("text", "metre"), [("4/4", (4, 4)), ("6-8", (6, 8)), ("", None), ("4/3", None), ("0/4", None), ("a/b", None)]
)
def test_metres(text: str, metre: tuple[int, int] | None) -> None:
    assert parse_metre(text) == metre


@given(
    st.lists(st.tuples(st.integers(2, 12), st.floats(60, 240)), min_size=1, max_size=6),
    st.floats(-0.5, 2),
    st.floats(0.98, 1.02),
)
def test_a_tempo_map_comes_back_from_beats(parts: list[tuple[int, float]], offset_s: float, drift: float) -> None:
    marks = [0, *np.cumsum([beats for beats, _ in parts])[:-1].tolist()]
    tempo = TempoMap(480, tuple((480 * beat, bpm) for beat, (_, bpm) in zip(marks, parts, strict=True)))
    beat = np.arange(0, sum(beats for beats, _ in parts) + 0.1, 0.25)
    audio_s = tempo.seconds(beat * 480) * drift + offset_s
    found, found_offset_s = tempo_through(beat.tolist(), audio_s.tolist())
    assert found is not None
    assert found.seconds(beat * found.resolution) + found_offset_s == pytest.approx(audio_s, abs=1e-6)


def test_without_beats_there_is_no_tempo() -> None:
    for beat in ([], [1.0], [math.nan, math.nan], [1.0, 1.5]):
        assert tempo_through(beat, [float(n) for n in range(len(beat))])[0] is None
