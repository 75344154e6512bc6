"""What was heard once is found again, within its bound, whoever else uses the folder."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import fsspec
import numpy as np
import pytest

from drumline.core.artifacts import sha256
from drumline.core.errors import DrumlineError
from drumline.core.grid import HIGH
from drumline.decoding.activations import Activations
from drumline.decoding.cache import ActivationsCache, RecordingActivations, key
from drumline.features.logmel import LogMelConfig


def inferred(seed: int, frames: int = 200) -> RecordingActivations:
    random = np.random.default_rng(seed)
    columns = random.random((2, frames, 2), dtype=np.float32)
    rows = random.random((2, frames), dtype=np.float32)
    return RecordingActivations(
        Activations(HIGH, ("kick", "crash"), columns[0], *rows, columns[1]).rounded(), frames * 128, 44_100
    )


def name(number: int) -> str:
    return key(sha256(bytes([number])), model="tiny", features=LogMelConfig())


SIZE = len(inferred(0).to_bytes())


@pytest.mark.parametrize("location", ["folder", "memory://cache"])
def test_what_was_put_is_got_and_nothing_else(location: str, tmp_path: Path) -> None:
    cache = ActivationsCache(location if "://" in location else str(tmp_path), 10 * SIZE)
    assert cache.get(name(1)) is None
    cache.put(name(1), inferred(1))
    found = cache.get(name(1))
    assert found is not None
    assert found.to_bytes() == inferred(1).to_bytes()
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


def test_an_entry_holds_raw_numbers_that_need_no_parser_but_json() -> None:
    data = inferred(3).to_bytes()
    length = int.from_bytes(data[12:16], "little")
    header = json.loads(data[16 : 16 + length])
    assert header["classes"] == ["kick", "crash"]
    values = np.frombuffer(zlib.decompress(data[16 + length :]), "<f2")
    np.testing.assert_array_equal(values[:400].reshape(200, 2), inferred(3).activations.probability)


def test_an_entry_that_promises_more_than_it_holds_is_none() -> None:
    data = inferred(1).to_bytes()
    length = int.from_bytes(data[12:16], "little")
    for num_frames in (-1, 0, 199, 201, 10**12, 10**30):
        header = json.dumps({**json.loads(data[16 : 16 + length]), "num_frames": num_frames}).encode()
        rest = len(header).to_bytes(4, "little") + header + data[16 + length :]
        with pytest.raises(DrumlineError, match="not an entry of a cache"):
            RecordingActivations.from_bytes(data[:8] + zlib.crc32(rest).to_bytes(4, "little") + rest, "entry")


def test_an_entry_that_cannot_be_read_is_a_miss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = ActivationsCache(str(tmp_path), 10 * SIZE)
    (tmp_path / name(1)[:2] / f"{name(1)}.act").mkdir(parents=True)  # even root cannot read that
    assert cache.get(name(1)) is None
    assert "cannot be read" in caplog.text


def test_entries_of_earlier_versions_are_never_found_and_make_room(tmp_path: Path) -> None:
    cache = ActivationsCache(str(tmp_path), 3 * SIZE)
    old = tmp_path / name(1)[:2] / f"{name(1)}.npz"
    old.parent.mkdir()
    old.write_bytes(bytes(3 * SIZE))
    os.utime(old, (0, 0))
    assert cache.get(name(1)) is None
    cache.put(name(2), inferred(2))
    assert not old.exists()
    assert cache.get(name(2)) is not None


def test_what_a_killed_process_left_goes_and_what_is_being_written_stays(tmp_path: Path) -> None:
    cache = ActivationsCache(str(tmp_path), 3 * SIZE)
    written, left = (tmp_path / name(number)[:2] / f"{name(number)}.act.0a1b.part" for number in (1, 2))
    for part in (written, left):
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(bytes(3 * SIZE))
    os.utime(left, (0, 0))
    cache.put(name(3), inferred(3))
    assert written.exists()
    assert not left.exists()
    assert cache.get(name(3)) is not None


def test_a_damaged_entry_is_a_miss_and_goes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache, random = ActivationsCache(str(tmp_path), 10 * SIZE), np.random.default_rng(0)
    whole = inferred(1).to_bytes()
    damages = [b"", b"text", whole[:-30], inferred(1).activations.to_bytes()]
    for location in random.integers(0, len(whole), 40):
        damages.append(whole[:location] + bytes([whole[location] ^ 0xFF]) + whole[location + 1 :])
    for damage in damages:
        cache.put(name(1), inferred(1))
        (entry,) = tmp_path.rglob("*.act")
        entry.write_bytes(damage)
        assert cache.get(name(1)) is None
        assert not entry.exists()
    assert "removed" in caplog.text


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"x" * 3 * SIZE)  # somebody else's: not counted, not touched
    cache = ActivationsCache(str(tmp_path), 3 * SIZE + 100)
    for number in (1, 2, 3):
        cache.put(name(number), inferred(number))
        (entry,) = tmp_path.rglob(f"{name(number)}.act")
        os.utime(entry, (number, number))
    assert cache.get(name(1)) is not None
    cache.put(name(4), inferred(4))
    assert [number for number in (1, 2, 3, 4) if cache.get(name(number)) is not None] == [1, 4]
    assert (tmp_path / "notes.txt").exists()
    cache.put(name(5), inferred(5, frames=2000))  # larger than all there may be
    assert cache.get(name(5)) is None


def test_an_object_store_learns_of_use_once_an_hour() -> None:
    cache = ActivationsCache("memory://lru", 10 * SIZE)
    cache.put(name(1), inferred(1))
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
from tests.decoding.test_cache import inferred, name, SIZE
from drumline.decoding.cache import ActivationsCache
cache = ActivationsCache(sys.argv[1], 20 * SIZE)
for number in range(int(sys.argv[2]), 120, 2):
    cache.put(name(number % 60), inferred(number % 60))
    found = cache.get(name((number * 7) % 60))
    assert found is None or found.to_bytes() == inferred((number * 7) % 60).to_bytes()
"""


def test_processes_share_a_cache_within_its_bound(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), str(first)]) for first in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert 15 * SIZE < sum(path.stat().st_size for path in files) <= 20 * SIZE
    assert {path.suffix for path in files} == {".act"}
