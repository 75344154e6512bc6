"""Candidate training windows, and the hits in them.

A window of ``window_s`` starts every ``stride_s`` of every recording. Arrays have length W, one value per window,
recordings in the order of songs.parquet.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from drumline.core.artifacts import join
from drumline.core.grid import RATE_HZ
from drumline.core.taxonomy import LABELS
from drumline.dataset.parquet import open_parquet

_CHORD_S: Final = 0.01
"""Hits closer than this are one onset [s]."""
_INTERVALS: Final = 3
"""Number of successive intervals in the shortest counted passage; a single flam makes no window hard."""
_APART_S: Final = 1e5
"""Spacing of recordings on the common time axis of the window lookup [s]; longer than any recording."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings of a split."""

    table: pa.Table
    """Rows of songs.parquet."""
    row_group: Ints
    """[R]: row group of each recording in its shard."""
    mix: Ints
    """[R]: row of the mix of the same song; -1 if there is none or the recording is the mix."""

    def column(self, name: str) -> list[Any]:
        """Values of a column of songs.parquet."""
        values: list[Any] = self.table[name].to_pylist()
        return values


@dataclass(frozen=True, eq=False)
class WindowGrid:
    """Windows and properties of the hits in them."""

    recording: Ints
    """[W]: row of `Recordings`."""
    start_s: Floats
    num_hits: Ints
    rarest: Ints
    """[W]: index into `LABEL_NAMES` of the label that occurs in the fewest windows overall; -1 without hits."""
    ioi_s: Floats
    """[W]: shortest mean of three successive inter-onset intervals [s]; NaN with fewer than four onsets."""


LABEL_NAMES: Final = tuple(LABELS)


def recordings_of(dataset: str, split: str) -> Recordings:
    """Recordings of a split. Raises FileNotFoundError if there is no dataset."""
    with open_parquet(join(dataset, "songs.parquet")) as file:
        songs = file.read()
    songs = songs.filter(pc.equal(songs["split"], split))
    places: dict[tuple[str, str], int] = {}
    for shard in sorted(set(songs["shard"].to_pylist())):
        with open_parquet(join(dataset, shard)) as file:
            rows = file.read(["song_id", "domain"]).to_pylist()
            if file.num_row_groups != len(rows):
                raise ValueError(f"{shard}: {len(rows)} recordings in {file.num_row_groups} row groups")
        places |= {(row["song_id"], row["domain"]): index for index, row in enumerate(rows)}
    keys = list(zip(songs["song_id"].to_pylist(), songs["domain"].to_pylist(), strict=True))
    mixes = {song_id: row for row, (song_id, domain) in enumerate(keys) if domain == "mix"}
    return Recordings(
        table=songs,
        row_group=np.array([places[key] for key in keys], dtype=np.int64),
        mix=np.array([-1 if domain == "mix" else mixes.get(song_id, -1) for song_id, domain in keys], dtype=np.int64),
    )


def window_grid(dataset: str, recordings: Recordings, *, stride_s: float, window_s: float) -> WindowGrid:
    """Enumerate fixed-length windows over recordings, with statistics of the hits per window."""
    durations_s = np.asarray(recordings.column("num_samples"), dtype=np.float64) / RATE_HZ
    counts = np.floor(np.maximum(durations_s - window_s, 0.0) / stride_s).astype(np.int64) + 1
    recording = np.repeat(np.arange(len(counts)), counts)
    start_s = (np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)) * stride_s
    owner, time_s, label = _hits(dataset, recordings)
    keys = owner * _APART_S + time_s
    order = np.argsort(keys, kind="stable")
    keys, label = keys[order], label[order]
    low = np.searchsorted(keys, recording * _APART_S + start_s, side="left")
    high = np.searchsorted(keys, recording * _APART_S + start_s + window_s, side="left")
    return WindowGrid(
        recording=recording,
        start_s=start_s,
        num_hits=high - low,
        rarest=_rarest(label, low, high),
        ioi_s=_shortest_ioi_s(keys, recording * _APART_S + start_s, window_s),
    )


def _hits(dataset: str, recordings: Recordings) -> tuple[Ints, Floats, Ints]:
    """Recording index, time [s] and label index of every hit of these recordings."""
    names = zip(recordings.column("song_id"), recordings.column("domain"), strict=True)
    row_of = {name: row for row, name in enumerate(names)}
    number_of = {name: number for number, name in enumerate(LABEL_NAMES)}
    owners, times_s, labels = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.int64)]
    with open_parquet(join(dataset, "events.parquet")) as file:
        for group in range(file.num_row_groups):
            hits = file.row_group(group, ["song_id", "domain", "time_s", "label"])
            songs, song = coded(hits["song_id"])
            domains, domain = coded(hits["domain"])
            words, word = coded(hits["label"])
            rows = np.array([[row_of.get((a, b), -1) for b in domains] for a in songs], dtype=np.int64)
            owner = rows[song, domain]
            wanted = owner >= 0
            owners.append(owner[wanted])
            times_s.append(hits["time_s"].to_numpy()[wanted])
            labels.append(np.array([number_of[name] for name in words], dtype=np.int64)[word][wanted])
    return np.concatenate(owners), np.concatenate(times_s), np.concatenate(labels)


def coded(column: pa.ChunkedArray) -> tuple[tuple[str, ...], Ints]:
    """Distinct values of a column, and the index of each row's value; -1 for null."""
    words = column.cast(pa.string()).combine_chunks().dictionary_encode()
    return tuple(words.dictionary.to_pylist()), words.indices.fill_null(-1).to_numpy().astype(np.int64)


def _rarest(label: Ints, low: Ints, high: Ints) -> Ints:
    """Label of each window that occurs in the fewest windows."""
    present = {}
    for index in np.unique(label):
        counts = np.concatenate([[0], np.cumsum(label == index)])
        present[int(index)] = counts[high] > counts[low]
    rarest = np.full(len(low), -1, dtype=np.int64)
    for index in sorted(present, key=lambda each: int(present[each].sum()), reverse=True):
        rarest[present[index]] = index
    return rarest


def _shortest_ioi_s(keys: Floats, start: Floats, window_s: float) -> Floats:
    """Mean interval of the densest passage of each window; ``keys`` are hits in order on the common axis."""
    onsets = keys[np.concatenate([[True], np.diff(keys) > _CHORD_S])] if keys.size else keys
    if len(onsets) <= _INTERVALS:
        return np.full(len(start), np.nan)
    means_s = (onsets[_INTERVALS:] - onsets[:-_INTERVALS]) / _INTERVALS  # of the passage that begins at each onset
    first = np.searchsorted(onsets, start, side="left")
    last = np.searchsorted(onsets, start + window_s, side="left") - _INTERVALS  # passages end inside, too
    some = last > first
    # Every other result is what reduceat makes between one window's end and the next one's start.
    bounds = np.stack([first[some], last[some]], axis=1).reshape(-1)
    shortest = np.full(len(start), np.nan)
    shortest[some] = np.minimum.reduceat(np.append(means_s, np.inf), bounds)[::2]
    return shortest
