"""Tempo maps: seconds of known ticks, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.core.tempo import TempoMap

tempo_maps = st.builds(
    lambda resolution, first, later: TempoMap(resolution, ((0, first), *sorted(later.items()))),
    st.integers(1, 1920),
    st.floats(20, 400),
    st.dictionaries(st.integers(1, 100_000), st.floats(20, 400), max_size=6),
)


def test_seconds_follow_each_tempo_in_turn() -> None:
    tempo = TempoMap(480, ((0, 120.0), (960, 60.0)))
    assert tempo.seconds([0, 480, 960, 1440, -480]).tolist() == [0.0, 0.5, 1.0, 2.0, -0.5]
    assert tempo.ticks([0.0, 0.5, 1.0, 2.0, -0.5]).tolist() == [0.0, 480.0, 960.0, 1440.0, -480.0]
    assert [tempo.tempo_bpm_at(tick) for tick in (-1, 959, 960)] == [120.0, 120.0, 60.0]
    assert (tempo.mean_tempo_bpm(1440), tempo.mean_tempo_bpm(0)) == (90.0, 120.0)


@given(tempo_maps, st.lists(st.integers(-1000, 200_000), min_size=1))
def test_ticks_come_back_from_seconds_and_keep_their_order(tempo: TempoMap, ticks: list[int]) -> None:
    seconds = tempo.seconds(sorted(ticks))
    np.testing.assert_allclose(tempo.ticks(seconds), sorted(ticks), atol=1e-4)
    assert (np.diff(seconds) >= 0).all()


@pytest.mark.parametrize(
    ("resolution", "tempos", "message"),
    [
        (0, ((0, 120.0),), "resolution 0 must be positive"),
        (480, (), "first tempo must stand at tick 0"),
        (480, ((5, 120.0),), "first tempo must stand at tick 0"),
        (480, ((0, float("inf")),), "must be positive"),
        (480, ((0, 0.0),), "must be positive"),
        (480, ((0, 120.0), (10, 90.0), (10, 80.0)), "one a tick"),
    ],
)
def test_impossible_maps_are_refused(resolution: int, tempos: tuple[tuple[int, float], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TempoMap(resolution, tempos)
