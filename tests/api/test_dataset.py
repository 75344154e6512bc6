"""Datasets by the Python API: every window once, whatever reads it."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from tests.dataset.small_dataset import hits_of, samples_of, write_dataset
from torch.utils.data import DataLoader

import drumline
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_dataset(tmp_path_factory.mktemp("small") / "dataset", num_songs=3)


def test_windows_make_up_the_recordings(small: str) -> None:
    whole, windows = drumline.Dataset(small), drumline.Dataset(small, window_s=2.0)
    assert len(whole) == 5
    assert [example.song_id for example in whole] == ["song0", "song0", "song1", "song2", "song2"]
    recording = whole[1]
    np.testing.assert_allclose(recording.samples, samples_of(0, "stem") * 10 ** (4.0 / 20), atol=2**-15)
    assert len(recording.hits) == len(hits_of(0))
    parts = [each for each in windows if (each.song_id, each.domain) == ("song0", "stem")]
    joined = np.concatenate([part.samples for part in parts])[: len(recording.samples)]
    np.testing.assert_array_equal(joined, recording.samples)
    times_s = np.concatenate([part.hits.time_s + part.start_s for part in parts])
    np.testing.assert_allclose(times_s, recording.hits.time_s)
    assert windows[-1].start_s == windows[len(windows) - 1].start_s
    with pytest.raises(IndexError, match="of a dataset of 5"):
        whole[5]
    assert parts[0].targets()["kick_presence"].shape == (2 * RATE_HZ // 128 + 1,)


def test_workers_divide_the_examples_among_them(small: str) -> None:
    dataset = drumline.Dataset(small, domain="stem", window_s=3.0)
    expected = [(each.song_id, each.start_s) for each in dataset]
    loader = DataLoader(dataset.iterable(), batch_size=None, num_workers=2, collate_fn=lambda each: each)
    found = [(each.song_id, each.start_s) for each in loader]
    assert sorted(found) == sorted(expected)
    assert len(pickle.loads(pickle.dumps(dataset))) == len(dataset)


def test_a_table_holds_the_recordings_that_were_asked_for(small: str) -> None:
    table = drumline.Dataset(small, domain="mix").to_arrow()
    assert table["song_id"].to_pylist() == ["song0", "song2"]
    assert [len(hits) for hits in table["hits"].to_pylist()] == [len(hits_of(0)), len(hits_of(2))]
    assert "audio_flac" not in table.column_names
    assert drumline.Dataset(small, split="test").to_arrow(["song_id"]).num_rows == 0


def test_what_is_no_dataset_is_refused(tmp_path: Path, small: str) -> None:
    with pytest.raises(DrumlineError, match="not a dataset"):
        drumline.Dataset(str(tmp_path))
    with pytest.raises(ValueError, match="must be greater than 0"):
        drumline.Dataset(small, window_s=0.0)
