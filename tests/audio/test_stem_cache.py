"""A stem is separated once, whoever asks again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.audio.encoding import tune

from drumline.audio.decode import SEPARATION_RATE_HZ, StereoAudio
from drumline.audio.separation.cache import has_stem, load_stem, separate_stems, stem_key
from drumline.audio.separation.protocol import SOURCES, Source
from drumline.core.artifacts import join, write_bytes
from drumline.core.grid import RATE_HZ


class Quieter:
    """A separator that takes a fixed part of the mix for its drums."""

    fingerprint = "quieter"

    def __init__(self, share: float) -> None:
        self.share = np.float32(share)
        self.calls = 0

    def separate(self, stereo: np.ndarray, sources: Sequence[Source] = ("drums",)) -> np.ndarray:
        self.calls += 1
        return np.stack([self.share * stereo / (1 + number) for number in range(len(sources))])


MIX = np.stack([tune(0, 3.0, SEPARATION_RATE_HZ)] * 2)


@pytest.mark.parametrize("share", [0.25, 4.0])  # the second overshoots full scale
def test_first_and_second_run_see_the_same_samples(tmp_path: Path, share: float) -> None:
    key = stem_key([b"song"], "quieter")
    assert not has_stem(str(tmp_path), key)
    (first,) = separate_stems(StereoAudio(MIX), Quieter(share), cache=str(tmp_path), key=key)
    assert has_stem(str(tmp_path), key)
    second = load_stem(str(tmp_path), key)
    np.testing.assert_array_equal(first.samples, second.samples)
    assert (second.ratio_db, second.separator) == (first.ratio_db, "quieter")
    assert second.ratio_db == pytest.approx(20 * np.log10(share), abs=1e-3)
    expected = soxr.resample(share * MIX[0], SEPARATION_RATE_HZ, RATE_HZ, quality="HQ")
    np.testing.assert_allclose(second.samples, expected, atol=max(1.0, share) * 2**-15)


def test_on_an_object_store_and_byte_for_byte(tmp_path: Path) -> None:
    key = stem_key([b"song"], "quieter")
    store = "memory://stems"
    (in_store,) = separate_stems(StereoAudio(MIX), Quieter(0.5), cache=store, key=key)
    (on_disk,) = separate_stems(StereoAudio(MIX), Quieter(0.5), cache=str(tmp_path), key=key)
    np.testing.assert_array_equal(load_stem(store, key).samples, in_store.samples)
    np.testing.assert_array_equal(on_disk.samples, in_store.samples)
    written = {file.name: file.read_bytes() for file in (tmp_path / key[:2] / key).iterdir()}
    separate_stems(StereoAudio(MIX), Quieter(0.5), cache=str(tmp_path), key=key)
    assert {file.name: file.read_bytes() for file in (tmp_path / key[:2] / key).iterdir()} == written


def test_a_stem_without_its_flac_was_never_finished(tmp_path: Path) -> None:
    key = stem_key([b"song"], "quieter")
    write_bytes(join(str(tmp_path), key[:2], key, "stem.json"), b"{}")
    assert not has_stem(str(tmp_path), key)
    with pytest.raises(FileNotFoundError):
        load_stem(str(tmp_path), key)


def test_keys_tell_files_order_and_separator_apart() -> None:
    keys = [stem_key([b"a"], "x"), stem_key([b"b"], "x"), stem_key([b"a"], "y"), stem_key([b"a", b"b"], "x"),
            stem_key([b"b", b"a"], "x"), stem_key([b"ab"], "x")]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert stem_key([b"a"], "x") == keys[0]


def test_every_source_is_kept_under_its_own_name(tmp_path: Path) -> None:
    key = stem_key([b"song"], "quieter")
    made = separate_stems(StereoAudio(MIX), Quieter(0.5), SOURCES, cache=str(tmp_path), key=key)
    for source, stem, ratio_db in zip(SOURCES, made, (-6.0, -12.0, -15.6, -18.1), strict=True):
        np.testing.assert_array_equal(load_stem(str(tmp_path), key, source).samples, stem.samples)
        assert load_stem(str(tmp_path), key, source).ratio_db == pytest.approx(ratio_db, abs=0.1)
