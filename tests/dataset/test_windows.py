"""A window out of a shard is a piece of its recording, with the hits that sound in it."""

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.dataset.small_dataset import hits_of, samples_of, write_dataset

from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.dataset.sampling import SamplingConfig, weights_of, windows
from drumline.dataset.sampling_weights import WeightsConfig, sampling_weights
from drumline.dataset.windows import WindowReader

SHARD = "shards/train-00000-abc.parquet"
STEP = 2**-15


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_dataset(tmp_path_factory.mktemp("small") / "dataset")


@pytest.mark.parametrize("start", [0, 1, 5 * RATE_HZ, 9 * RATE_HZ, 50 * RATE_HZ])
def test_it_is_a_piece_of_the_recording(small: str, start: int) -> None:
    window = WindowReader(small).load(SHARD, 1, start=start, num_samples=3 * RATE_HZ)
    whole = samples_of(0, "stem") * 10 ** (4.0 / 20)
    piece = whole[start : start + 3 * RATE_HZ]
    assert window.samples.dtype == np.float32
    assert window.samples.shape == (3 * RATE_HZ,)
    np.testing.assert_allclose(window.samples[: len(piece)], piece, atol=STEP)
    assert not window.samples[len(piece) :].any()
    start_s = start / RATE_HZ
    expected_s = [hit["time_s"] - start_s for hit in hits_of(0) if start_s - 0.25 <= hit["time_s"] < start_s + 3.25]
    np.testing.assert_allclose([hit.time_s for hit in window.hits], expected_s)
    assert (window.song_id, window.domain, window.start_s) == ("song0", "stem", start_s)
    assert window.unannotated == ("hihat_pedal",)


def test_a_reader_pickles_and_keeps_no_more_than_it_may(small: str) -> None:
    reader = WindowReader(small, capacity=2)
    before = [reader.load(SHARD, row, start=0, num_samples=1000).samples for row in (0, 1, 2, 0, 3)]
    assert len(reader._opened) == 2
    again = pickle.loads(pickle.dumps(reader))
    assert (again.dataset, again.capacity, len(again._opened)) == (small, 2, 0)
    for row, samples in zip((0, 1, 2, 0, 3), before, strict=True):
        np.testing.assert_array_equal(again.load(SHARD, row, start=0, num_samples=1000).samples, samples)


def test_the_backing_is_the_mix_less_the_drums(small: str) -> None:
    config = SamplingConfig(batch_size=4, batches=2, num_samples=RATE_HZ, domains={"stem": 1.0})
    weights = weights_of(sampling_weights(small, WeightsConfig(stride_s=1.0, window_s=3.0)))
    specs = windows(weights, config=config, seed=0, epoch=0)
    assert {int(shard) for shard in specs.mix_shard} >= {0}
    reader, seen = WindowReader(small), 0
    for row in np.flatnonzero(specs.mix_shard >= 0):
        drums = (specs.shards[specs.shard[row]], int(specs.row_group[row]))
        mix = (specs.shards[specs.mix_shard[row]], int(specs.mix_row_group[row]))
        start = int(specs.start[row])
        backing = reader.backing(drums, mix, start=start, num_samples=RATE_HZ)
        number = int(reader.load(*drums, start=start, num_samples=10).song_id.removeprefix("song"))
        truth = (samples_of(number, "mix") - samples_of(number, "stem")) * 10 ** (4.0 / 20)
        np.testing.assert_allclose(backing, truth[start : start + RATE_HZ], atol=4 * STEP)
        seen += 1
    assert seen


def test_a_flipped_bit_is_told_and_not_heard(tmp_path: Path) -> None:
    shard = Path(write_dataset(tmp_path / "dataset", num_songs=1)) / SHARD
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    reader = WindowReader(str(tmp_path / "dataset"))
    with pytest.raises(DrumlineError, match=rf"^{shard}: damaged \(.*CRC"):
        _ = [reader.load(SHARD, row, start=0, num_samples=1000) for row in (0, 1)]


def test_a_shard_of_features_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"logmel": [b""]}), tmp_path / "shard.parquet")
    with pytest.raises(DrumlineError, match="holds features, not audio"):
        WindowReader(str(tmp_path)).load("shard.parquet", 0, start=0, num_samples=1)
