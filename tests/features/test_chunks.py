"""A piece of the features is that piece of all the features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.features.test_logmel_torch import CONFIGS

from drumline.features.chunks import log_mel_chunk
from drumline.features.logmel import LogMelConfig, log_mel

SAMPLES = np.random.default_rng(0).standard_normal(40_011).astype(np.float32)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_it_is_the_same_wherever_it_is_cut(config: LogMelConfig, data: st.DataObject) -> None:
    whole = log_mel(SAMPLES, config)
    first = data.draw(st.integers(0, len(whole) - 1))
    last = data.draw(st.integers(first + 1, len(whole)))
    piece = log_mel_chunk(lambda start, stop: SAMPLES[start:stop], first, last, config)
    np.testing.assert_allclose(piece, whole[first:last], atol=1e-5, rtol=0)
