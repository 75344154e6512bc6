"""Read finished datasets from Python: examples for torch, tables for Arrow."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from drumline.api.hits import Hits
from drumline.core.artifacts import join
from drumline.core.grid import RATE_HZ, Grid
from drumline.core.hits import Hit
from drumline.dataset.manifest import Manifest, read_manifest
from drumline.dataset.parquet import open_parquet
from drumline.dataset.windows import WindowReader
from drumline.labels.targets import LabelConfig, targets

if TYPE_CHECKING:
    from torch.utils.data import IterableDataset

_HEAVY = ("audio_flac", "logmel")


@dataclass(frozen=True, eq=False)
class Example:
    """A recording of a dataset, or a window of one.

    Attributes
    ----------
    samples : float32 [N]
        Mono audio at 22,050 Hz and -14 LUFS; zero behind the recording's end.
    notes
        Hits of the library, in seconds from the first sample, up to 0.25 s outside the window.
    unannotated
        Classes that the source does not annotate even where they sound.
    song_id
        Song in ``songs.parquet``.
    domain
        ``stem``, ``stems``, ``mix``, ``separated`` or ``rendered``.
    start_s
        Start of the window in its recording, in seconds.
    """

    samples: NDArray[np.float32]
    notes: tuple[Hit, ...]
    unannotated: tuple[str, ...]
    song_id: str
    domain: str
    start_s: float

    @cached_property
    def hits(self) -> Hits:
        """Hits inside the window, as arrays."""
        end_s = len(self.samples) / RATE_HZ
        return Hits.of(hit for hit in self.notes if 0.0 <= hit.time_s < end_s)

    def targets(self, *, hop: int = 128) -> dict[str, NDArray[Any]]:
        """Compute frame targets, as training does.

        Parameters
        ----------
        hop
            Samples per frame at 22,050 Hz.

        Returns
        -------
        Columns by name, each an array [T] with one value per frame (docs/formats.md, label grids).
        """
        grid = Grid(hop)
        truth = targets(
            self.notes,
            grid=grid,
            num_frames=grid.num_frames(len(self.samples)),
            unannotated=self.unannotated,
            config=LabelConfig(),
        )
        return dict(truth.columns())


class Dataset:
    """Recordings or windows of a finished dataset: a map-style dataset for `torch.utils.data.DataLoader`.

    It pickles as its arguments and index; each worker process opens its own files.

    Examples
    --------
    docs/python.md has a runnable example.
    """

    def __init__(self, uri: str, *, split: str = "", domain: str = "", window_s: float | None = None) -> None:
        """Open a dataset and index its recordings; no audio is read.

        Parameters
        ----------
        uri
            Output of ``drumline build-dataset``: a local folder, ``s3://`` or any fsspec path.
        split
            ``train``, ``validation`` or ``test``; all by default.
        domain
            ``stem``, ``stems``, ``mix``, ``separated`` or ``rendered``; all by default.
        window_s
            Length of windows in seconds, one after the other through each recording; whole recordings by default.

        Raises
        ------
        DrumlineError
            There is no finished dataset, or one of another schema version.
        ValueError
            A window without length.
        """
        if window_s is not None and not window_s > 0:
            raise ValueError(f"window_s {window_s}: must be greater than 0")
        self.uri = str(uri)
        self.manifest: Manifest = read_manifest(self.uri)
        self._shards = self.manifest.shards(split or None)
        self._window = 0 if window_s is None else max(1, round(window_s * RATE_HZ))
        self._domain = domain
        self._recordings = [row for number, shard in enumerate(self._shards) for row in self._index(number, shard)]
        lengths = [length for _, _, length in self._recordings]
        counts = [math.ceil(length / self._window) if self._window else 1 for length in lengths]
        self._ends = np.cumsum(counts, dtype=np.int64)
        self._reader = WindowReader(self.uri)

    def _index(self, number: int, shard: str) -> Iterator[tuple[int, int, int]]:
        """Shard number, row group and length [samples] of the recordings of a shard."""
        with open_parquet(join(self.uri, shard)) as file:
            rows = file.read(["domain", "num_samples"]).to_pylist()
        for row_group, row in enumerate(rows):
            if self._domain in ("", row["domain"]):
                yield number, row_group, row["num_samples"]

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Example:
        """Load an example; negative indices count from the end. Raises IndexError outside the dataset."""
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"index {index} of a dataset of {len(self)}")
        recording = int(np.searchsorted(self._ends, number, side="right"))
        shard, row_group, length = self._recordings[recording]
        first = int(self._ends[recording - 1]) if recording else 0
        start, size = (number - first) * self._window, self._window or length
        found = self._reader.load(self._shards[shard], row_group, start=start, num_samples=size)
        return Example(found.samples, found.hits, found.unannotated, found.song_id, found.domain, found.start_s)

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))

    def iterable(self) -> "IterableDataset[Example]":
        """View the dataset as a torch `IterableDataset`.

        Returns
        -------
        A dataset that yields the examples in order; each worker of a ``DataLoader`` yields a stretch of its own.
        """
        from drumline.api.iterable import IterableExamples

        return IterableExamples(self)

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the recordings' rows as one table.

        Parameters
        ----------
        columns
            Columns of the shards (docs/formats.md); by default all but the audio and the label grids.

        Returns
        -------
        A table with a row per recording, its hits as a list column.
        """
        parts: list[pa.Table] = []
        for number, rows in groupby(self._recordings, key=lambda row: row[0]):
            with open_parquet(join(self.uri, self._shards[number])) as file:
                wanted = columns or [name for name in file.schema.names if not _is_heavy(name)]
                parts.append(file.read(wanted).take([row_group for _, row_group, _ in rows]))
        if parts:
            return pa.concat_tables(parts)
        with open_parquet(join(self.uri, self.manifest.shards()[0])) as file:
            names = columns or [name for name in file.schema.names if not _is_heavy(name)]
            return pa.schema([file.schema.field(name) for name in names]).empty_table()


def _is_heavy(name: str) -> bool:
    """Whether a column holds audio, features or a label grid (whose names end in their hop)."""
    return name in _HEAVY or name.rpartition("_")[2].isdigit()
