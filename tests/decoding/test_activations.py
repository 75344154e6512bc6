"""The file of activations."""

import numpy as np
import pytest

from drumline.core.errors import DrumlineError
from drumline.core.grid import HIGH
from drumline.decoding.activations import Activations


def test_reads_back_what_was_written() -> None:
    random = np.random.default_rng(0)
    shapes = ((50, 2), (50,), (50,), (50, 2))
    values = [random.uniform(0, 1, shape).astype(np.float16).astype(np.float32) for shape in shapes]
    written = Activations(HIGH, ("kick", "crash"), *values)
    read = Activations.from_bytes(written.to_bytes(), "song.npz")
    assert (read.grid, read.classes) == (HIGH, ("kick", "crash"))
    for name, value in zip(("probability", "onset", "offset", "velocity"), values, strict=True):
        np.testing.assert_array_equal(getattr(read, name), value)


@pytest.mark.parametrize("data", [b"", b"text", b"PK\x03\x04"])
def test_anything_else_is_told(data: bytes) -> None:
    with pytest.raises(DrumlineError, match=r"song\.npz: not an activations file"):
        Activations.from_bytes(data, "song.npz")
