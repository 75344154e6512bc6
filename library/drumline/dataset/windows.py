"""Load windows of a few seconds from shards: samples and hits, without decoding whole songs.

Each recording is one row group, so its FLAC is read alone and decoded from the window's start. A `WindowReader` caches
recently used recordings in compressed form.
"""

import io
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from numpy.typing import NDArray

from drumline.audio.loudness import amplify
from drumline.core.artifacts import join
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.dataset.parquet import open_parquet
from drumline.dataset.shards import hit_of

_COLUMNS: Final = ("song_id", "domain", "num_samples", "gain_db", "headroom_db", "unannotated", "hits", "audio_flac")
_AROUND_S: Final = 0.25
"""Margin around a window within which hits are included [s]; wider than the reach of labels and masks."""


@dataclass(frozen=True, eq=False)
class Window:
    """Audio and hits of one window."""

    samples: NDArray[np.float32]
    """[num_samples] float32 at 22,050 Hz and -14 LUFS, unclipped; zeros after the recording's end."""
    hits: tuple[Hit, ...]
    """Hits in seconds from the window's first sample, in order, including a margin of 0.25 s on either side."""
    unannotated: tuple[str, ...]
    """Classes that the source does not annotate."""
    song_id: str
    domain: str
    start_s: float
    """Start of the window in its recording."""


@dataclass(frozen=True, eq=False)
class _Opened:
    """A cached recording, compressed."""

    row: dict[str, Any]
    hits: pa.StructArray
    times_s: NDArray[np.float64]
    flac: soundfile.SoundFile


class WindowReader:
    """Loads windows of a dataset. Pickles as its arguments, so that each worker opens recordings itself."""

    def __init__(self, dataset: str, *, capacity: int = 32) -> None:
        """``capacity`` is the number of cached recordings, about 5 MB each."""
        self.dataset, self.capacity = dataset, capacity
        self._opened: OrderedDict[tuple[str, int], _Opened] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reader, (self.dataset, self.capacity)

    def load(self, shard: str, row_group: int, *, start: int, num_samples: int) -> Window:
        """Load a window of the recording in a row group of a shard; ``start`` in samples.

        Raises DrumlineError if the shard holds features instead of audio.
        """
        recording = self._recording(shard, row_group)
        start_s = start / RATE_HZ
        bounds_s = (start_s - _AROUND_S, start_s + num_samples / RATE_HZ + _AROUND_S)
        first, last = np.searchsorted(recording.times_s, bounds_s)
        rows = recording.hits.slice(first, last - first).to_pylist()
        return Window(
            samples=_samples(recording, start, num_samples),
            hits=tuple(hit_of({**row, "time_s": row["time_s"] - start_s}) for row in rows),
            unannotated=tuple(recording.row["unannotated"]),
            song_id=recording.row["song_id"],
            domain=recording.row["domain"],
            start_s=start_s,
        )

    def backing(
        self, drums: tuple[str, int], mix: tuple[str, int], *, start: int, num_samples: int
    ) -> NDArray[np.float32]:
        """Backing of a drum track: the song's mix minus the drums, at the drum track's level [num_samples].

        Both recordings (shard and row group) were normalised to -14 LUFS by different gains, which are undone here. If
        the mix is not a plain sum, remaining drums are audible at their original times.
        """
        track, whole = self._recording(*drums), self._recording(*mix)
        level_db = track.row["gain_db"] - whole.row["gain_db"]
        return amplify(_samples(whole, start, num_samples), level_db) - _samples(track, start, num_samples)

    def _recording(self, shard: str, row_group: int) -> _Opened:
        key = (shard, row_group)
        if key in self._opened:
            self._opened.move_to_end(key)
        else:
            self._opened[key] = _open(join(self.dataset, shard), row_group)
            if len(self._opened) > self.capacity:
                self._opened.popitem(last=False)[1].flac.close()
        return self._opened[key]


def _reader(dataset: str, capacity: int) -> WindowReader:
    return WindowReader(dataset, capacity=capacity)


@lru_cache(maxsize=256)
def _metadata(uri: str) -> pq.FileMetaData:
    """Metadata of a shard, cached by its fingerprinted name; halves the time to open one."""
    with open_parquet(uri) as file:
        return file.metadata


def _open(uri: str, row_group: int) -> _Opened:
    with open_parquet(uri, _metadata(uri)) as file:
        if "audio_flac" not in file.schema.names:
            raise DrumlineError(f"{uri}: holds features, not audio (build the dataset with shards.payload=flac)")
        table = file.row_group(row_group, _COLUMNS)
    row = table.select([name for name in _COLUMNS if name not in ("hits", "audio_flac")]).to_pylist()[0]
    hits = table["hits"].combine_chunks().flatten()
    times_s = hits.field("time_s").to_numpy()
    data = table["audio_flac"][0].as_buffer()
    return _Opened(row, hits, times_s, soundfile.SoundFile(io.BytesIO(data)))


def _samples(recording: _Opened, start: int, num_samples: int) -> NDArray[np.float32]:
    recording.flac.seek(min(start, recording.flac.frames))
    samples = recording.flac.read(num_samples, dtype="float32")
    return np.pad(amplify(samples, recording.row["headroom_db"]), (0, num_samples - len(samples)))
