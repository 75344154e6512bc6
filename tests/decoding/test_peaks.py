"""Peak picking against a slow, obvious twin."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.decoding.slow import slow_peaks, slow_spaced

from drumline.decoding.peaks import maxima, strongest

LEVELS = arrays(np.float32, st.integers(0, 60), elements=st.sampled_from([0.0, 0.1, 0.4, 0.5, 0.7, 0.9]))


@given(LEVELS, st.sampled_from([0.05, 0.45]), st.sampled_from([0.0, 1.0, 3.0, 4.5]), st.integers(1, 3))
def test_peaks_equal_their_definition(values: np.ndarray, threshold: float, spacing: float, reach: int) -> None:
    found = maxima(values, threshold=threshold, reach=reach)
    assert found.tolist() == slow_peaks(values.tolist(), threshold, reach)
    kept = found[strongest(found, values[found], spacing=spacing)]
    hits = [(n, "kick", float(values[n])) for n in found.tolist()]
    assert kept.tolist() == [n for n, _, _ in slow_spaced(hits, spacing)]
