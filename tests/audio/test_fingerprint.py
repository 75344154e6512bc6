"""Copies of a recording are found and told from everything else."""

from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audio.encoding import encode, tune

from drumline.audio.decode import AudioConfig, decode
from drumline.audio.fingerprint import (
    MAX_BIT_ERROR_RATE,
    MIN_SHARED,
    SKETCH_SIZE,
    WORD_RATE_HZ,
    bit_error_rate,
    fingerprint,
    sketch,
)
from drumline.core.grid import RATE_HZ


def shared(a: np.ndarray, b: np.ndarray) -> int:
    return len(np.intersect1d(sketch(a), sketch(b)))


def copy(samples: np.ndarray, codec: str, *, gain_db: float, delay_s: float) -> np.ndarray:
    """Encoded again after a delay (silence, or a cut where negative) and a gain."""
    delay = round(abs(delay_s) * RATE_HZ)
    moved = np.r_[np.zeros(delay), samples] if delay_s >= 0 else samples[delay:]
    at_48k = soxr.resample(moved * 10 ** (gain_db / 20), RATE_HZ, 48_000).astype(np.float32)
    return decode(encode(at_48k, codec, 48_000), name=codec, config=AudioConfig()).samples


@pytest.mark.parametrize("codec", ["ogg", "mp3", "opus"])
@pytest.mark.parametrize("delay_s", [0.5, 0.5 + 0.5 / WORD_RATE_HZ, -1.0])  # whole words and the worst half
def test_a_copy_is_found(codec: str, delay_s: float) -> None:
    song = tune(0)
    original, again = fingerprint(song), fingerprint(copy(song, codec, gain_db=-6, delay_s=delay_s))
    assert shared(original, again) >= MIN_SHARED
    match = bit_error_rate(original, again)
    assert match.bit_error_rate < MAX_BIT_ERROR_RATE
    assert match.lag_words == pytest.approx(-delay_s * WORD_RATE_HZ, abs=1)


def test_strangers_are_not_alike() -> None:
    words = [fingerprint(tune(seed)) for seed in range(6)]
    for index, one in enumerate(words):
        for other in words[:index]:
            assert shared(one, other) < MIN_SHARED
            assert bit_error_rate(one, other).bit_error_rate > 0.35


def test_silence_is_not_alike() -> None:
    """Two drum stems that rest most of the time have only their strokes to be compared by."""
    one, other = tune(1), tune(2)
    for song in (one, other):
        song[2 * RATE_HZ : 13 * RATE_HZ] *= 1e-4
    assert not fingerprint(one)[5 * 21 : 10 * 21].any()
    assert bit_error_rate(fingerprint(one), fingerprint(other)).bit_error_rate > 0.35
    silence = fingerprint(np.zeros(10 * RATE_HZ, dtype=np.float32))
    assert len(silence) > 0
    assert not silence.any()
    assert len(sketch(silence)) == 0
    assert bit_error_rate(silence, silence).bit_error_rate == 1.0  # nothing to compare


@settings(max_examples=10, deadline=None)
@given(gain_db=st.floats(-40, 40), seed=st.integers(0, 3))
def test_gain_changes_nothing(gain_db: float, seed: int) -> None:
    song = tune(seed, 8.0)
    words, louder = fingerprint(song), fingerprint((song * 10 ** (gain_db / 20)).astype(np.float32))
    assert bit_error_rate(words, louder).bit_error_rate < 0.001  # rounding decides a near tie
    assert bit_error_rate(words, words) == (0.0, 0)


def test_sketches_are_small_sorted_sets() -> None:
    hashes = sketch(fingerprint(tune(0)))
    assert hashes.dtype == np.uint64
    assert len(hashes) == SKETCH_SIZE
    assert (np.diff(hashes) > 0).all()


@pytest.mark.parametrize("num_samples", [0, 1, 5_000, 17_000])
def test_scraps_have_no_words(num_samples: int) -> None:
    words = fingerprint(np.ones(num_samples, dtype=np.float32))
    assert (words.dtype, words.shape) == (np.uint32, (0,))


def test_real_recordings(corpus: Path) -> None:
    """Each MDB drum stem against its own MP3, and against all the others."""
    originals = {
        file.name: decode(file.read_bytes(), name=file.name, config=AudioConfig()).samples
        for file in sorted((corpus / "mdb").glob("*.drums.flac"))
    }
    words = {name: fingerprint(samples) for name, samples in originals.items()}
    for name, samples in originals.items():
        again = fingerprint(copy(samples, "mp3", gain_db=-6, delay_s=0.523))
        assert shared(words[name], again) >= 2 * MIN_SHARED
        assert bit_error_rate(words[name], again).bit_error_rate < 0.12
        for other in originals:
            if other < name:
                assert bit_error_rate(words[name], words[other]).bit_error_rate > 0.28
