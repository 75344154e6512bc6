"""Separation scores against mir_eval, and what defines them."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.metrics.separation import LIMIT_DB, sdr_db, si_sdr_db

RANDOM = np.random.default_rng(0)
REFERENCE, NOISE = RANDOM.standard_normal((2, 8_000))


@given(st.floats(-20, 30), st.floats(0.1, 10))
def test_noise_at_a_level_gives_that_level(level_db: float, gain: float) -> None:
    noise = NOISE - REFERENCE * (NOISE @ REFERENCE) / (REFERENCE @ REFERENCE)
    noise *= np.linalg.norm(REFERENCE) / np.linalg.norm(noise) * 10 ** (-level_db / 20)
    assert sdr_db(REFERENCE, REFERENCE + noise) == pytest.approx(level_db, abs=1e-6)
    assert si_sdr_db(REFERENCE, gain * (REFERENCE + noise)) == pytest.approx(level_db, abs=1e-6)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_mir_eval_which_allows_a_filter_is_never_below_and_close_on_noise(share: float) -> None:
    estimate = 0.7 * REFERENCE + share * NOISE
    theirs = mir_eval.separation.bss_eval_sources(REFERENCE[None], estimate[None])[0][0]
    ours = si_sdr_db(REFERENCE, estimate)
    assert ours <= theirs + 1e-6
    assert theirs - ours < 10 * np.log10(1 / (1 - 512 / 8_000)) + 1.5  # its 512 taps fit some of the noise


def test_silence_and_equality_are_bounded() -> None:
    assert sdr_db(REFERENCE, REFERENCE) == si_sdr_db(REFERENCE, 2 * REFERENCE) == LIMIT_DB
    assert si_sdr_db(np.zeros(10), np.ones(10)) == -LIMIT_DB
    assert sdr_db(np.zeros(10), np.zeros(10)) == LIMIT_DB
