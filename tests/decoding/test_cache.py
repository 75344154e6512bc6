"""What was heard once is found again, within its bound, whoever else uses the folder."""

import os
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pytest

from drumline.core.artifacts import sha256
from drumline.core.grid import HIGH
from drumline.decoding.activations import Activations
from drumline.decoding.cache import ActivationsCache, Hearing, key
from drumline.features.logmel import LogMelConfig


def hearing(seed: int, frames: int = 200) -> Hearing:
    random = np.random.default_rng(seed)
    columns = random.random((2, frames, 2), dtype=np.float32)
    rows = random.random((2, frames), dtype=np.float32)
    return Hearing(Activations(HIGH, ("kick", "crash"), columns[0], *rows, columns[1]).rounded(), frames * 128, 44_100)


def name(number: int) -> str:
    return key(sha256(bytes([number])), model="tiny", features=LogMelConfig())


SIZE = len(hearing(0).to_bytes())


@pytest.mark.parametrize("place", ["folder", "memory://cache"])
def test_what_was_put_is_got_and_nothing_else(place: str, tmp_path: Path) -> None:
    cache = ActivationsCache(place if "://" in place else str(tmp_path), 10 * SIZE)
    assert cache.get(name(1)) is None
    cache.put(name(1), hearing(1))
    found = cache.get(name(1))
    assert found is not None
    assert found.to_bytes() == hearing(1).to_bytes()
    assert found.duration_s == 200 * 128 / 22_050
    assert cache.get(name(2)) is None


def test_a_key_tells_audio_model_and_features_apart() -> None:
    audio = [sha256(b"one"), sha256(b"two")]
    keys = {
        key(sha, model=model, features=features)
        for sha in audio
        for model in ("tiny 1.0 int8", "tiny 1.0 float32")
        for features in (LogMelConfig(), LogMelConfig(hop=64))
    }
    assert len(keys) == 8


def test_an_entry_is_an_activations_file() -> None:
    read = Activations.from_bytes(hearing(3).to_bytes(), "entry")
    np.testing.assert_array_equal(read.probability, hearing(3).activations.probability)


def test_a_damaged_entry_is_a_miss_and_goes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache, random = ActivationsCache(str(tmp_path), 10 * SIZE), np.random.default_rng(0)
    whole = hearing(1).to_bytes()
    damages = [b"", b"text", whole[:-30], hearing(1).activations.to_bytes()]
    for place in random.integers(0, len(whole), 40):
        damages.append(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
    misses = 0
    for damage in damages:
        cache.put(name(1), hearing(1))
        (entry,) = tmp_path.rglob("*.npz")
        entry.write_bytes(damage)
        found = cache.get(name(1))
        if found is None:
            misses += 1
            assert not entry.exists()
        else:  # the flipped byte says nothing (a date in the archive's directory)
            np.testing.assert_array_equal(found.activations.probability, hearing(1).activations.probability)
    assert misses > 35
    assert "removed" in caplog.text


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"x" * 3 * SIZE)  # somebody else's: not counted, not touched
    cache = ActivationsCache(str(tmp_path), 3 * SIZE + 100)
    for number in (1, 2, 3):
        cache.put(name(number), hearing(number))
        (entry,) = tmp_path.rglob(f"{name(number)}.npz")
        os.utime(entry, (number, number))
    assert cache.get(name(1)) is not None
    cache.put(name(4), hearing(4))
    assert [number for number in (1, 2, 3, 4) if cache.get(name(number)) is not None] == [1, 4]
    assert (tmp_path / "notes.txt").exists()
    cache.put(name(5), hearing(5, frames=2000))  # larger than all there may be
    assert cache.get(name(5)) is None


def test_an_object_store_learns_of_use_once_an_hour() -> None:
    cache = ActivationsCache("memory://lru", 10 * SIZE)
    cache.put(name(1), hearing(1))
    fs = fsspec.filesystem("memory")
    (path,) = fs.find("/lru")
    written = fs.store[path].modified
    assert cache.get(name(1)) is not None
    assert fs.store[path].modified == written
    fs.store[path].created = written.replace(year=2000)
    assert cache.get(name(1)) is not None
    assert fs.store[path].modified > written


WRITE = """
import sys
from tests.decoding.test_cache import hearing, name, SIZE
from drumline.decoding.cache import ActivationsCache
cache = ActivationsCache(sys.argv[1], 20 * SIZE)
for number in range(int(sys.argv[2]), 120, 2):
    cache.put(name(number % 60), hearing(number % 60))
    found = cache.get(name((number * 7) % 60))
    assert found is None or found.to_bytes() == hearing((number * 7) % 60).to_bytes()
"""


def test_processes_share_a_cache_within_its_bound(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), str(first)]) for first in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert 15 * SIZE < sum(path.stat().st_size for path in files) <= 20 * SIZE
    assert {path.suffix for path in files} == {".npz"}
