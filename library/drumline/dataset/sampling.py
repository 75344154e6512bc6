"""Window sampling for training: a pure function of weights, configuration, seed and epoch.

No state is kept between epochs or steps. A run that resumes at step k uses ``specs[k * batch_size:]``; of W workers,
worker r uses ``specs[r::W]``.

*Domains* share every batch in a fixed ratio; rounding is compensated in the following batches. *Weights*
(`dataset.sampling_weights`) select windows within a domain by systematic sampling: a window of weight w is sampled
``n w`` times, rounded up or down. The *curriculum* admits hard windows gradually: `admitted`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.core.errors import DrumlineError
from drumline.core.grid import RATE_HZ
from drumline.dataset.parquet import open_parquet
from drumline.dataset.sampling_weights import VERSION, WeightsConfig
from drumline.dataset.window_grid import Floats, Ints, coded

Random = np.random.Generator

ALIGNED: Final = 128
"""Alignment of window starts [samples]: frames of the training grid, and so of the micro grid."""


class CurriculumConfig(Config):
    """Curriculum that starts with easy windows."""

    epochs: float = Field(default=0.0, ge=0)
    """Number of epochs after which all windows are admitted; 0 for no curriculum."""
    start: float = Field(default=0.3, ge=0, le=1)
    """Difficulty that is fully admitted from the start, 0 to 1; 0.3 is an inter-onset interval of 0.23 s by default."""
    softness: float = Field(default=0.2, gt=0)
    """Difficulty range above it over which the sampling weight falls to the floor."""
    floor: float = Field(default=0.02, gt=0, le=1)
    """Minimum sampling weight of the hardest windows at the start, relative to easy ones."""


class SamplingConfig(Config):
    """Size of batches and epochs, and the share of domains."""

    batch_size: int = Field(default=32, ge=1)
    """Batch size over all workers [windows]."""
    batches: int = Field(default=1000, ge=1)
    """Number of batches in an epoch."""
    num_samples: int = Field(default=6 * RATE_HZ, ge=1)
    """Window length [samples at 22,050 Hz]."""
    domains: dict[str, float] = Field(default={})
    """Relative share of each domain in a batch; empty for the dataset's proportions."""
    curriculum: CurriculumConfig = CurriculumConfig()

    @model_validator(mode="after")
    def _shares(self) -> "SamplingConfig":
        if self.domains and (min(self.domains.values()) < 0 or sum(self.domains.values()) <= 0):
            raise ValueError(f"domains: shares must not be negative, nor all 0, not {self.domains}")
        return self


@dataclass(frozen=True, eq=False)
class Weights:
    """Columns of a weights table that sampling needs: arrays [W], one value per window."""

    shards: tuple[str, ...]
    """Shard paths in the dataset."""
    domains: tuple[str, ...]
    shard: Ints
    """[W]: index into ``shards``."""
    row_group: Ints
    mix_shard: Ints
    """[W]: index into ``shards`` of the mix of a drum track (`windows.WindowReader.backing`); -1 without one."""
    mix_row_group: Ints
    domain: Ints
    """[W]: index into ``domains``."""
    num_samples: Ints
    """[W]: length of the whole recording [samples]."""
    start_s: Floats
    stride_s: float
    difficulty: Floats
    weight: Floats
    """[W]: sampling weights, sum 1 in each domain."""


@dataclass(frozen=True, eq=False)
class WindowSpecs:
    """Windows to load in training order: arrays [S]."""

    shards: tuple[str, ...]
    window: Ints
    """[S]: row in the weights table."""
    shard: Ints
    """[S]: index into ``shards``."""
    row_group: Ints
    mix_shard: Ints
    """[S]: index into ``shards`` of the mix of a drum track (`windows.WindowReader.backing`); -1 without one."""
    mix_row_group: Ints
    start: Ints
    """[S]: first sample, a multiple of `ALIGNED`."""
    seed: Ints
    """[S]: seed of the window's augmentation."""

    def __len__(self) -> int:
        return len(self.window)

    def __getitem__(self, places: slice) -> "WindowSpecs":
        """Slice of the windows: ``specs[step * batch_size:]``, ``specs[rank::num_workers]``."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "shards"}
        return WindowSpecs(self.shards, **{name: array[places] for name, array in arrays.items()})


def read_weights(uri: str) -> Weights:
    """Read a weights file. Raises FileNotFoundError, or DrumlineError if it is not a weights table."""
    with open_parquet(uri) as file:
        metadata = {key.decode(): value.decode() for key, value in (file.schema.metadata or {}).items()}
        if (version := metadata.get("drumline.sampling_weights")) != str(VERSION):
            raise DrumlineError(f"{uri}: not sampling weights of version {VERSION} (got {version})")
        return weights_of(file.read().replace_schema_metadata(metadata))


def weights_of(table: pa.Table) -> Weights:
    """Weights from a table of `sampling_weights`."""
    shards, shard = coded(table["shard"])
    mixes, mix = coded(table["mix_shard"])
    domains, domain = coded(table["domain"])
    return Weights(
        shards=shards,
        domains=domains,
        shard=shard,
        row_group=table["row_group"].to_numpy().astype(np.int64),
        mix_shard=np.array([*(shards.index(name) for name in mixes), -1], dtype=np.int64)[mix],
        mix_row_group=table["mix_row_group"].fill_null(-1).to_numpy().astype(np.int64),
        domain=domain,
        num_samples=table["num_samples"].to_numpy(),
        start_s=table["start_s"].to_numpy(),
        stride_s=WeightsConfig.model_validate_json(table.schema.metadata[b"drumline.config"]).stride_s,
        difficulty=table["difficulty"].to_numpy().astype(np.float64),
        weight=table["weight"].to_numpy(),
    )


def windows(weights: Weights, *, config: SamplingConfig, seed: int, epoch: int) -> WindowSpecs:
    """Sample the windows of an epoch. Raises DrumlineError if a domain has a share but no windows."""
    random = np.random.default_rng((seed, epoch))
    weight = weights.weight * admitted(weights.difficulty, epoch, config.curriculum)
    domains = _order(_ratio(weights, config.domains), config.batches, config.batch_size, random)
    window = np.empty(len(domains), dtype=np.int64)
    for domain in np.unique(domains):
        places = np.flatnonzero(domains == domain)
        own = np.flatnonzero(weights.domain == domain)
        window[places] = random.permutation(own[_systematic(weight[own], len(places), random)])
    # Anywhere in the stride behind the window's own start, so that in time all frames come first, middle and last.
    start = np.floor((weights.start_s[window] + weights.stride_s * random.random(len(window))) * RATE_HZ)
    latest = np.maximum(weights.num_samples[window] - config.num_samples, 0)
    return WindowSpecs(
        shards=weights.shards,
        window=window,
        shard=weights.shard[window],
        row_group=weights.row_group[window],
        mix_shard=weights.mix_shard[window],
        mix_row_group=weights.mix_row_group[window],
        start=np.minimum(start.astype(np.int64), latest) // ALIGNED * ALIGNED,
        seed=random.integers(0, 1 << 62, len(window)),
    )


def admitted(difficulty: Floats, epoch: float, config: CurriculumConfig) -> Floats:
    """Curriculum factor of each window in an epoch: falls with difficulty and rises with epochs, up to 1."""
    progress = min(1.0, epoch / config.epochs) if config.epochs else 1.0
    ceiling = config.start + (1 - config.start) * progress
    return np.asarray(np.clip(1 - (difficulty - ceiling) / config.softness, config.floor, 1.0))


def _ratio(weights: Weights, shares: Mapping[str, float]) -> Floats:
    """Share of each of ``weights.domains``, sum 1."""
    counts = np.bincount(weights.domain, minlength=len(weights.domains)).astype(np.float64)
    if shares:
        if missing := sorted(name for name, share in shares.items() if share > 0 and name not in weights.domains):
            raise DrumlineError(f"sampling: no windows of domain {missing[0]!r}, only of {', '.join(weights.domains)}")
        counts = np.array([shares.get(name, 0.0) for name in weights.domains])
    return np.asarray(counts / counts.sum())


def _order(ratio: Floats, batches: int, batch_size: int, random: Random) -> Ints:
    """Domain of each batch slot: domains evenly spread over the epoch and shuffled within batches."""
    total = batches * batch_size
    # A domain's n-th window is due at (n + 1/2) / ratio; whoever is due first comes first.
    counts = np.ceil(ratio * total).astype(np.int64) + 1
    domain = np.repeat(np.arange(len(ratio)), np.where(ratio > 0, counts, 0))
    number = np.concatenate([np.arange(count) for count, share in zip(counts, ratio, strict=True) if share > 0])
    due = np.argsort((number + 0.5) / ratio[domain], kind="stable")[:total]
    return np.asarray(random.permuted(domain[due].reshape(batches, batch_size), axis=1).reshape(-1))


def _systematic(weight: Floats, count: int, random: Random) -> Ints:
    """Systematic sampling of ``count`` rows: each ``count * weight / sum`` times, rounded up or down, in order."""
    ends = np.cumsum(weight)
    marks = (np.arange(count) + random.random()) * (ends[-1] / count)
    return np.asarray(np.minimum(np.searchsorted(ends, marks, side="right"), len(weight) - 1))
