"""The parts of the search against slow, obvious twins."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.alignment.candidates import Candidate, lead
from drumline.alignment.onset_rows import Onsets, onsets_of, windows_of
from drumline.alignment.search import correlate, track
from drumline.alignment.warp import Mapping
from drumline.core.grid import HIGH
from drumline.core.hits import Hit


@given(seed=st.integers(0, 1000))
def test_the_track_is_the_best_of_all_paths(seed: int) -> None:
    curves = np.random.default_rng(seed).uniform(0, 4, (4, 5))

    def score(path: tuple[int, ...]) -> float:
        return sum(curves[window, lag] for window, lag in enumerate(path)) - float(np.abs(np.diff(path)).sum())

    best = max(product(range(5), repeat=4), key=score)
    np.testing.assert_array_equal(track(curves), np.array(best) - 2)


def test_correlation_is_a_sum_over_onsets() -> None:
    random = np.random.default_rng(1)
    salience = random.standard_normal((4, 500)).astype(np.float32)
    onsets = Onsets(np.sort(random.uniform(0.1, 2.5, 40)), random.integers(0, 3, 40))
    windows = windows_of(onsets, 0.7)
    curves = correlate(salience, onsets, windows, onsets.times_s, reach=30)
    slow = np.zeros_like(curves)
    for time_s, row, window in zip(onsets.times_s, onsets.rows, windows, strict=True):
        for lag in range(-30, 31):
            frame = int(HIGH.frame(time_s)) + lag
            if 0 <= frame < 500:
                weight = np.sqrt(len(onsets.rows) / np.count_nonzero(onsets.rows == row))
                slow[window, lag + 30] += weight * salience[row, frame]
    np.testing.assert_allclose(curves, slow, rtol=1e-4, atol=1e-4)


def test_the_lead_is_over_other_places_only() -> None:
    def candidate(worth: float, shift_s: float) -> Candidate:
        return Candidate(Mapping(shift_s, 0.0), np.zeros(0), worth, worth, shift_s)

    assert lead(
        [candidate(0.6, 0.0), candidate(0.59, 0.07), candidate(0.4, -0.5), candidate(0.3, 1.0)]
    ) == pytest.approx(1.5)
    assert lead([candidate(0.6, 0.0), candidate(0.59, 0.07)]) == np.inf


def test_rolls_do_not_count_where_there_is_more() -> None:
    exact = [Hit(0.5 * number, "snare_head") for number in range(10)]
    rolled = [Hit(6 + 0.1 * number, "snare_head", flags=("roll",)) for number in range(8)]
    assert len(onsets_of(exact + rolled).times_s) == 10
    assert len(onsets_of(rolled).times_s) == 8
    assert len(onsets_of([Hit(1.0, "tom"), Hit(1.0, "snare"), Hit(1.0, "cymbal")]).times_s) == 2


def test_a_mapping_goes_through_its_knots_and_on() -> None:
    mapping = Mapping(0.1, 0.0, ((10.0, 10.2), (20.0, 20.1), (30.0, 30.4)))
    np.testing.assert_allclose(mapping.to_audio(np.array([10.0, 15.0, 30.0])), [10.2, 15.15, 30.4])
    np.testing.assert_allclose(mapping.to_audio(np.array([0.0, 40.0])), [10.2 - 9.9, 30.4 + 10.3])
    np.testing.assert_allclose(Mapping(0.1, 0.01).to_audio(np.array([0.0, 100.0])), [0.1, 101.1])
