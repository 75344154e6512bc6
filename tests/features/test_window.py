"""Our window against scipy's, which is slow to import."""

import numpy as np
import pytest
from scipy import signal

from drumline.features.window import hann


@pytest.mark.parametrize("num_samples", [16, 100, 256, 1024, 2048])
def test_it_is_scipys_to_the_last_bit(num_samples: int) -> None:
    np.testing.assert_array_equal(hann(num_samples), signal.get_window("hann", num_samples))
