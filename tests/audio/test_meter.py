"""The streaming meter against pyloudnorm, which hears a recording whole."""

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.encoding import hits, tune

from drumline.audio.meter import Meter
from drumline.core.grid import RATE_HZ

NOISE = np.random.default_rng(0).standard_normal(5 * RATE_HZ).astype(np.float32)
SIGNALS = {
    "strokes": hits(6.0, RATE_HZ, [0.5, 0.9, 3.0, 5.9]),
    "a tune": tune(1, 7.3),
    "noise that fades under the gates": NOISE * np.logspace(0, -5, len(NOISE), dtype=np.float32),
    "a loud part and a soft one": np.concatenate([NOISE, np.zeros(3 * RATE_HZ, "f4"), 0.01 * NOISE]),
    "rumble": np.sin(2 * np.pi * 25 * np.arange(4 * RATE_HZ) / RATE_HZ).astype(np.float32),
}


@pytest.mark.parametrize("name", SIGNALS)
@settings(max_examples=10, deadline=None)
@given(length_s=st.floats(0.4, 5.0), pieces=st.integers(1, 9))
def test_it_reads_what_pyloudnorm_reads_however_it_is_cut(name: str, length_s: float, pieces: int) -> None:
    samples = SIGNALS[name][: math.ceil(length_s * RATE_HZ)]
    meter = Meter()
    for piece in np.array_split(samples, pieces):
        meter.add(piece)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = pyloudnorm.Meter(RATE_HZ).integrated_loudness(samples.astype(np.float64))
    assert meter.lufs() == pytest.approx(expected if math.isfinite(expected) else -math.inf, abs=1e-3)
    assert meter.lufs() == meter.lufs()


def test_it_keeps_nothing_of_what_it_heard() -> None:
    meter, piece = Meter(), NOISE[:RATE_HZ]
    for _ in range(600):
        meter.add(piece)
    assert sum(getattr(part, "nbytes", 0) for part in vars(meter).values()) < 200_000
