"""Training batches from the windows of a dataset.

The windows of a step are a pure function of sampling weights, seed, epoch and step. Worker r of W takes the r-th part
of each batch, so that W workers train on the same windows as one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from drumline.augmentation.augment import augment
from drumline.augmentation.example import Example, fitted
from drumline.core.config import canonical_json
from drumline.core.grid import Grid
from drumline.dataset.sampling import SamplingConfig, Weights, WindowSpecs, read_weights, windows
from drumline.dataset.windows import WindowReader
from drumline.labels.targets import targets
from drumline.training.config import TrainConfig
from drumline.training.loop import Batch
from drumline.training.progress import Progress


def epochs(progress: Progress, config: TrainConfig) -> Iterator[tuple[int, range]]:
    """Remaining epochs of a run, each with the range of its remaining steps."""
    first = progress.step
    for epoch in range(progress.epoch, config.max_epochs):
        yield epoch, range(first, config.sampling.batches)
        first = 0


@dataclass(frozen=True)
class Loader:
    """Loads one worker's part of a batch: ``samples`` [B, N] float32, and label columns [B, T] by name."""

    config: TrainConfig
    """Configuration of the run."""
    weights: str
    """URI of the table of sampling weights."""
    rank: int = 0
    """Rank of the worker."""

    def __call__(self, epoch: int, step: int) -> dict[str, NDArray[Any]]:
        config = self.config
        size, share = config.sampling.batch_size, config.sampling.batch_size // config.workers.num_workers
        first = step * size + self.rank * share
        specs = _epoch(self.weights, canonical_json(config.sampling), config.seed, epoch)[first : first + share]
        rows = [_window(specs, number, config) for number in range(len(specs))]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


@dataclass(frozen=True)
class RowLoader:
    """Loads batches for Ray Data: row n of a range is step ``first`` + n."""

    loader: Loader
    """Loader of the worker's batches."""
    epoch: int
    """Index of the epoch."""
    first: int
    """First step of the stream."""

    def __call__(self, rows: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
        return self.loader(self.epoch, self.first + int(rows["id"][0]))


def batches(loader: Loader, progress: Progress, device: torch.device) -> Iterator[Batch]:
    """Load the remaining batches of a run one by one in this process, without Ray."""
    for epoch, steps in epochs(progress, loader.config):
        for step in steps:
            yield as_batch(loader(epoch, step), device)


def as_batch(arrays: Mapping[str, NDArray[Any]], device: torch.device) -> Batch:
    """Copy the arrays of a `Loader` to a device (Ray's arrays are read-only).

    Parameters
    ----------
    arrays
        ``samples`` [B, N] and label columns [B, T].
    device
        Device of the learner.
    """
    tensors = {name: torch.tensor(array).to(device) for name, array in arrays.items()}
    samples = tensors.pop("samples")
    return samples, {name: _to_int64(column) for name, column in tensors.items()}


def _to_int64(column: torch.Tensor) -> torch.Tensor:
    """Widen integers, which are small in transit, for the losses."""
    return column if column.is_floating_point() else column.long()


def _window(specs: WindowSpecs, number: int, config: TrainConfig) -> dict[str, NDArray[Any]]:
    reader, shards = _reader(config.dataset), specs.shards
    track = (shards[specs.shard[number]], int(specs.row_group[number]))
    start, num_samples = int(specs.start[number]), config.sampling.num_samples
    length = config.augment.num_samples_for(num_samples)
    window = reader.load(*track, start=start, num_samples=length)
    backing = None
    if specs.mix_shard[number] >= 0 and config.augment.cross_fade.probability > 0:
        mix = (shards[specs.mix_shard[number]], int(specs.mix_row_group[number]))
        backing = reader.backing(track, mix, start=start, num_samples=length)
    example = Example(window.samples, window.hits, backing)
    augmented = fitted(augment(example, config.augment, seed=int(specs.seed[number])).example, num_samples)
    grid = Grid(config.features.hop)
    labels = targets(
        augmented.hits,
        grid=grid,
        num_frames=grid.num_frames(num_samples),
        unannotated=window.unannotated,
        config=config.labels,
    )
    return {"samples": augmented.samples, **labels.columns()}


@lru_cache(maxsize=1)
def _reader(dataset: str) -> WindowReader:
    return WindowReader(dataset)


@lru_cache(maxsize=1)
def _weights(uri: str) -> Weights:
    return read_weights(uri)


@lru_cache(maxsize=2)
def _epoch(uri: str, sampling: str, seed: int, epoch: int) -> WindowSpecs:
    config = SamplingConfig.model_validate_json(sampling)
    return windows(_weights(uri), config=config, seed=seed, epoch=epoch)
