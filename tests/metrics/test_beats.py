"""Beat scores against mir_eval."""

import mir_eval.beat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumline.metrics.beats import beat_f, continuity, score_beats


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.5, 1.0, 1.5, 2.0]), st.sampled_from([0.0, 0.25, 0.5]))
def test_the_same_as_mir_eval(seed: int, level: float, phase: float) -> None:
    random = np.random.default_rng(seed)
    reference = np.cumsum(random.normal(0.5, 0.01, 40)) + 1
    estimate = (
        np.arange(1, 40 / level) * 0.5 * level + 1 + phase + random.normal(0, 0.02, len(np.arange(1, 40 / level)))
    )
    estimate = np.sort(estimate[random.random(len(estimate)) > 0.1])
    _, cmlt, _, amlt = mir_eval.beat.continuity(reference, estimate)
    assert continuity(reference, estimate) == pytest.approx((cmlt, amlt))
    assert beat_f(reference, estimate) == pytest.approx(mir_eval.beat.f_measure(reference, estimate))


def test_bars_that_begin_on_the_wrong_beat_score_nothing() -> None:
    beats = np.arange(32) * 0.5
    found = score_beats(beats, beats, beats[::4], beats[2::4])
    assert (found.f, found.cmlt, found.downbeat_f) == (1.0, 1.0, 0.0)
