"""Windows out of shards: the samples and hits of a few seconds, without reading the rest of the song twice.

A shard holds a recording a row group, so its FLAC is read alone; FLAC can be sought in, so a window is decoded alone. A
`WindowReader` keeps the recordings it opened last, compressed.
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
from drumline.core.events import Hit
from drumline.core.grid import RATE_HZ
from drumline.dataset.parquet import open_parquet
from drumline.dataset.shards import hit_of

_COLUMNS: Final = ("song_id", "domain", "num_samples", "gain_db", "headroom_db", "unannotated", "hits", "audio_flac")
_AROUND_S: Final = 0.25
"""How far outside a window hits still come along: further than a label or a mask reaches."""


@dataclass(frozen=True, eq=False)
class Window:
    """Some seconds of a recording."""

    samples: NDArray[np.float32]
    """[num_samples] at 22,050 Hz and -14 LUFS, unclipped; silence behind the recording's end."""
    hits: tuple[Hit, ...]
    """In seconds from the window's first sample, in order; a quarter of a second on either side comes along."""
    unannotated: tuple[str, ...]
    """Classes that the source leaves out even where they sound."""
    song_id: str
    domain: str
    start_s: float
    """Of the window in its recording."""


@dataclass(frozen=True, eq=False)
class _Opened:
    """A recording, still compressed."""

    row: dict[str, Any]
    hits: pa.StructArray
    times_s: NDArray[np.float64]
    flac: soundfile.SoundFile


class WindowReader:
    """Loads windows of a dataset. It pickles as its arguments: each worker opens recordings of its own."""

    def __init__(self, dataset: str, *, capacity: int = 32) -> None:
        """``capacity`` is how many opened recordings are kept, of some 5 MB each."""
        self.dataset, self.capacity = dataset, capacity
        self._opened: OrderedDict[tuple[str, int], _Opened] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reader, (self.dataset, self.capacity)

    def load(self, shard: str, row_group: int, *, start: int, num_samples: int) -> Window:
        """A window of the recording in a row group of a shard; ``start`` in samples.

        Raises DrumlineError where the shard holds features instead of audio.
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
        """What plays beside a drum track, at its level there: the song's mix less the drums, [num_samples].

        Both recordings (shard and row group) were brought to -14 LUFS, each by its own gain; that is taken back.
        Where a mix is no plain sum, some drums are left in it: they are then heard where they were.
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
    """Of a shard, whose name vouches for its contents: half the time of opening one."""
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
