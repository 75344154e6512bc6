"""Sampling weights of training windows: a table that can be read, plotted and reused.

Within each domain the weights sum to 1; `dataset.sampling` divides batches among domains. Weights are found by raking
(Deming and Stephan, 1940): windows start equal and are scaled in turn until convergence, so that each range of tempo,
song group, range of inter-onset intervals and rarest label reaches its target share. Targets interpolate between
natural shares (strength 0, unconstrained) and equal shares (strength 1): ``share ** (1 - strength)``, normalised.
Windows with unknown values (no tempo, no hits) keep their natural share. If a small dataset cannot meet all targets,
the last margin takes precedence. Every weight is between 1 / ``max_ratio`` and ``max_ratio`` times the mean, which
overrides balance. Finally, windows in mined hard passages are multiplied.

The Parquet file holds `COLUMNS`, one row per window; its metadata holds the configuration and the dataset's
fingerprint.
"""

import json
from collections.abc import Sequence
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from drumline.core.artifacts import read_bytes, write_bytes
from drumline.core.config import Config, canonical_json
from drumline.core.errors import DrumlineError
from drumline.dataset.manifest import read_manifest
from drumline.dataset.tables import Column
from drumline.dataset.window_grid import LABEL_NAMES, Floats, Ints, Recordings, WindowGrid, recordings_of, window_grid

VERSION: Final = 1

_WORD = pa.dictionary(pa.int32(), pa.string())
COLUMNS: Final = (
    Column("song_id", _WORD, "as in songs.parquet"),
    Column("domain", _WORD, "as in songs.parquet"),
    Column("song_group", _WORD, "the song's group, or its id where it has none"),
    Column("shard", _WORD, "path of its shard in the dataset"),
    Column("row_group", pa.int32(), "of the recording in its shard"),
    Column(
        "mix_shard", _WORD, "path of the shard that holds the mix of a drum track; null where there is none", "", True
    ),
    Column("mix_row_group", pa.int32(), "of that mix in its shard; null where there is none", "", True),
    Column("num_samples", pa.int64(), "length of the recording", "samples"),
    Column("start_s", pa.float64(), "where the window starts", "s"),
    Column("num_hits", pa.int32(), "strokes in the window"),
    Column("rarest", _WORD, "the label in it that the fewest windows have; empty where nothing sounds"),
    Column("tempo_bpm", pa.float32(), "of the song; null where unknown", "beats/min", True),
    Column("ioi_s", pa.float32(), "shortest mean of three successive inter-onset intervals", "s", True),
    Column("difficulty", pa.float32(), "0 at slow_s or slower, 1 at fast_s or faster, by the logarithm of ioi_s"),
    Column("hard", pa.float32(), "the mined file's factor; 1 elsewhere"),
    Column("weight", pa.float64(), "probability within its domain"),
)
"""Schema of the weights table."""

SCHEMA: Final = pa.schema([pa.field(column.name, column.type, nullable=column.nullable) for column in COLUMNS])


class WeightsConfig(Config):
    """Balancing of training windows."""

    split: str = "train"
    """Split whose recordings are used."""
    stride_s: float = Field(default=2.0, gt=0)
    """Distance between the starts of successive windows [s]."""
    window_s: float = Field(default=6.0, gt=0)
    """Window length [s]; about that of the training windows."""
    group_weights: str = ""
    """File of `derive weights`, by song group: windows of a group are drawn in proportion to its weight, instead of by
    ``group_strength``. Groups that it lacks have its mean weight."""
    group_strength: float = Field(default=0.5, ge=0, le=1)
    """Balancing exponent over song groups: 0 keeps natural frequencies, 1 weights groups equally."""
    label_strength: float = Field(default=0.5, ge=0, le=1)
    """Balancing exponent over the rarest label of windows: 0 natural, 1 equal."""
    tempo_strength: float = Field(default=0.25, ge=0, le=1)
    """Balancing exponent over tempo ranges: 0 natural, 1 equal."""
    ioi_strength: float = Field(default=0.5, ge=0, le=1)
    """Balancing exponent over ranges of the shortest inter-onset interval: 0 natural, 1 equal."""
    tempo_edges_bpm: tuple[float, ...] = (80.0, 100.0, 120.0, 140.0, 160.0, 180.0, 200.0)
    """Boundaries of the tempo ranges [beats/min]."""
    ioi_edges_s: tuple[float, ...] = (0.045, 0.065, 0.09, 0.13, 0.18, 0.26, 0.36)
    """Boundaries of the inter-onset interval ranges [s]."""
    max_ratio: float = Field(default=20.0, ge=1)
    """Largest ratio of a weight to the mean weight, and of the mean to the smallest."""
    slow_s: float = Field(default=0.5, gt=0)
    """Inter-onset interval of difficulty 0 [s]: eighths at 60 beats/min."""
    fast_s: float = Field(default=0.04, gt=0)
    """Inter-onset interval of difficulty 1 [s]: 32nds at 188 beats/min, 64ths at 94."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fast_s >= self.slow_s:
            raise ValueError(f"fast_s {self.fast_s} must be below slow_s {self.slow_s}")
        for name in ("tempo_edges_bpm", "ioi_edges_s"):
            edges = getattr(self, name)
            if list(edges) != sorted(set(edges)):
                raise ValueError(f"{name}: {edges} must rise")
        return self


class HardWindow(Config):
    """Passage whose windows are sampled more often: one line of a mined file."""

    song_id: str
    start_s: float
    """Start and end in the audio [s]."""
    end_s: float
    weight: float = Field(gt=0)
    """Factor on the weights of overlapping windows; of several passages the largest applies."""


def read_hard_windows(uri: str) -> tuple[HardWindow, ...]:
    """Read a mined file (JSON lines). Raises DrumlineError with the line of the first fault."""
    windows = []
    for number, line in enumerate(read_bytes(uri).splitlines(), start=1):
        if line.strip():
            try:
                windows.append(HardWindow.model_validate_json(line))
            except ValidationError as error:
                fault = error.errors()[0]
                location = ".".join(str(part) for part in fault["loc"])
                raise DrumlineError(f"{uri}:{number}: {location}: {fault['msg']}") from error
    return tuple(windows)


def read_group_weights(uri: str) -> dict[str, float]:
    """Weights by group of a file of `derive weights`. Raises DrumlineError for a file that is none."""
    try:
        groups = json.loads(read_bytes(uri))["weights"]
        weights = {str(group): float(entry["weight"]) for group, entry in groups.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DrumlineError(f"group_weights: {uri}: not a file of `drumline derive weights`") from error
    if not weights or not all(0 < weight < float("inf") for weight in weights.values()):
        raise DrumlineError(f"group_weights: {uri}: no weights, or some that are not positive")
    return weights


def sampling_weights(dataset: str, config: WeightsConfig, *, hard: Sequence[HardWindow] = ()) -> pa.Table:
    """Compute the weights table of a dataset. Raises DrumlineError without a dataset or recordings in the split."""
    manifest = read_manifest(dataset)
    recordings = recordings_of(dataset, config.split)
    if not recordings.table.num_rows:
        raise DrumlineError(f"{dataset}: no recordings in split {config.split!r}")
    grid = window_grid(dataset, recordings, stride_s=config.stride_s, window_s=config.window_s)
    metadata = {
        "drumline.sampling_weights": str(VERSION),
        "drumline.dataset": manifest.fingerprint,
        "drumline.config": canonical_json(config),
    }
    return _weighed(recordings, grid, config, hard).replace_schema_metadata(metadata)


def write_weights(table: pa.Table, uri: str) -> None:
    """Publish a weights table; equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_bytes(uri, sink.getvalue().to_pybytes())


def raked(margins: Sequence[tuple[Ints, float]], *, max_ratio: float, rounds: int = 100) -> Floats:
    """Weights [W] of sum 1 under which every margin has its target shares.

    A margin is the bin of each window (-1: unknown) and a strength; see the module docstring.
    """
    num_windows = len(margins[0][0])
    weights = np.full(num_windows, 1.0 / num_windows)
    wanted = [(bins + 1, _shares(np.bincount(bins + 1), strength)) for bins, strength in margins if strength > 0]
    for _ in range(rounds):
        before = weights
        for bins, shares in wanted:
            has = np.bincount(bins, weights, minlength=len(shares))
            weights = weights * np.divide(shares, has, out=np.ones_like(shares), where=has > 0)[bins]
        weights = _bounded(weights, 1 / (max_ratio * num_windows), max_ratio / num_windows)
        if np.abs(weights - before).max() * num_windows < 1e-6:
            break
    return np.asarray(weights / weights.sum())


def _bounded(weights: Floats, low: float, high: float) -> Floats:
    """Weights of sum 1 clipped to bounds, keeping proportions in between."""
    for _ in range(50):
        weights = np.clip(weights / weights.sum(), low, high)
        if abs(weights.sum() - 1) < 1e-6:
            break
    return weights


def _shares(counts: Ints, strength: float) -> Floats:
    """Target share of each bin; the first bin holds unknown values."""
    natural = counts / counts.sum()
    shares = np.zeros(len(counts))
    known = np.flatnonzero(counts[1:]) + 1
    shares[known] = natural[known] ** (1 - strength)
    shares[known] *= natural[known].sum() / max(shares.sum(), 1e-300)
    shares[0] = natural[0]
    return shares


def difficulty(ioi_s: Floats, config: WeightsConfig) -> Floats:
    """Difficulty, 0 to 1, by the logarithm of the inter-onset interval; 0 for NaN."""
    steps = np.log(config.slow_s / np.where(np.isfinite(ioi_s), ioi_s, config.slow_s))
    return np.asarray(np.clip(steps / np.log(config.slow_s / config.fast_s), 0.0, 1.0))


def _weighed(recordings: Recordings, grid: WindowGrid, config: WeightsConfig, hard: Sequence[HardWindow]) -> pa.Table:
    song_ids, domains = np.array(recordings.column("song_id")), np.array(recordings.column("domain"))
    groups = np.array([group or song for group, song in zip(recordings.column("group"), song_ids, strict=True)])
    tempo_bpm = np.array([np.nan if value is None else value for value in recordings.column("tempo_bpm")], np.float64)
    margins = (
        (_binned(tempo_bpm, config.tempo_edges_bpm)[grid.recording], config.tempo_strength),
        (
            np.unique(groups, return_inverse=True)[1][grid.recording],
            0.0 if config.group_weights else config.group_strength,
        ),
        (_binned(grid.ioi_s, config.ioi_edges_s), config.ioi_strength),
        (grid.rarest, config.label_strength),
    )
    hardness = _hardness(hard, song_ids, grid, config.window_s)
    factor = hardness * _group_factors(groups, config)[grid.recording]
    weight = np.zeros(len(grid.start_s))
    for domain in np.unique(domains):
        own = domains[grid.recording] == domain
        weights = raked([(bins[own], strength) for bins, strength in margins], max_ratio=config.max_ratio) * factor[own]
        weight[own] = weights / weights.sum()
    names = np.array([*LABEL_NAMES, ""])
    shards, mix = np.array(recordings.column("shard")), recordings.mix[grid.recording]
    columns = {
        "song_id": song_ids[grid.recording],
        "domain": domains[grid.recording],
        "song_group": groups[grid.recording],
        "shard": shards[grid.recording],
        "row_group": recordings.row_group[grid.recording],
        "mix_shard": pa.array(shards[mix], mask=mix < 0),
        "mix_row_group": pa.array(recordings.row_group[mix], mask=mix < 0),
        "num_samples": np.array(recordings.column("num_samples"))[grid.recording],
        "start_s": grid.start_s,
        "num_hits": grid.num_hits,
        "rarest": names[grid.rarest],
        "tempo_bpm": _or_null(tempo_bpm[grid.recording]),
        "ioi_s": _or_null(grid.ioi_s),
        "difficulty": difficulty(grid.ioi_s, config),
        "hard": hardness,
        "weight": weight,
    }
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in SCHEMA], schema=SCHEMA)


def _group_factors(groups: NDArray[np.str_], config: WeightsConfig) -> Floats:
    """Factor of each recording [R] by its group; 1 without ``group_weights``."""
    if not config.group_weights:
        return np.ones(len(groups))
    weights = read_group_weights(config.group_weights)
    default = sum(weights.values()) / len(weights)
    return np.array([weights.get(group, default) for group in groups])


def _or_null(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True)  # NaN becomes null


def _binned(values: Floats, edges: Sequence[float]) -> Ints:
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), -1)


def _hardness(hard: Sequence[HardWindow], song_ids: NDArray[np.str_], grid: WindowGrid, window_s: float) -> Floats:
    factor = np.zeros(len(grid.start_s))  # 0: untouched
    for window in hard:
        for recording in np.flatnonzero(song_ids == window.song_id):
            first, last = np.searchsorted(grid.recording, (recording, recording + 1))
            start_s = grid.start_s[first:last]
            overlaps = (start_s < window.end_s) & (start_s + window_s > window.start_s)
            factor[first:last] = np.where(overlaps, np.maximum(factor[first:last], window.weight), factor[first:last])
    return np.where(factor > 0, factor, 1.0)
