"""Which windows an epoch trains on: a pure function of weights, configuration, seed and epoch.

Nothing is remembered between epochs or steps. A run that resumes at step k asks again and goes on at
``specs[k * batch_size:]``; W workers take ``specs[r::W]`` each, and together draw what one would.

Three things shape an epoch. *Domains* share every batch in a fixed ratio, as near as whole numbers come, and what is
left over is made up for in the batches after. *Weights* (`dataset.sampling_weights`) decide within a domain, by
systematic sampling: a window of weight w is drawn ``n w`` times, rounded up or down, and not by luck. The *curriculum*
lets hard windows in by and by: `admitted`.
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
"""Windows start at multiples of this many samples: on frames of the training grid, and so of the micro grid."""


class CurriculumConfig(Config):
    """Easy windows first."""

    epochs: float = Field(default=0.0, ge=0)
    """After so many epochs everything is admitted; 0 is no curriculum."""
    start: float = Field(default=0.3, ge=0, le=1)
    """The difficulty that is fully admitted at first: 0.3 is an interval of 0.23 s by default."""
    softness: float = Field(default=0.2, gt=0)
    """How far above it nothing but the floor is admitted."""
    floor: float = Field(default=0.02, gt=0, le=1)
    """By what the hardest windows' weights are multiplied at first: nothing is ever quite unseen."""


class SamplingConfig(Config):
    """An epoch."""

    batch_size: int = Field(default=32, ge=1)
    """Windows in a batch of all workers together."""
    batches: int = Field(default=1000, ge=1)
    """In an epoch."""
    num_samples: int = Field(default=6 * RATE_HZ, ge=1)
    """Length of a window [samples]: how far before a recording's end it must start."""
    domains: dict[str, float] = Field(default={})
    """Domain -> its share of each batch, in any unit; empty for the shares that windows have in the dataset."""
    curriculum: CurriculumConfig = CurriculumConfig()

    @model_validator(mode="after")
    def _shares(self) -> "SamplingConfig":
        if self.domains and (min(self.domains.values()) < 0 or sum(self.domains.values()) <= 0):
            raise ValueError(f"domains: shares must not be negative, nor all 0, not {self.domains}")
        return self


@dataclass(frozen=True, eq=False)
class Weights:
    """What the sampler needs of a table of weights: arrays [W], one value a window."""

    shards: tuple[str, ...]
    """Paths in the dataset."""
    domains: tuple[str, ...]
    shard: Ints
    """Index into ``shards``."""
    row_group: Ints
    mix_shard: Ints
    """Index into ``shards``, of the mix of a drum track (`windows.WindowReader.backing`); -1 where there is none."""
    mix_row_group: Ints
    domain: Ints
    """Index into ``domains``."""
    num_samples: Ints
    """Of the whole recording."""
    start_s: Floats
    stride_s: float
    difficulty: Floats
    weight: Floats
    """Sum 1 in each domain."""


@dataclass(frozen=True, eq=False)
class WindowSpecs:
    """Windows to load, in the order in which they are trained on: arrays [S]."""

    shards: tuple[str, ...]
    window: Ints
    """Row of the table of weights."""
    shard: Ints
    """Index into ``shards``."""
    row_group: Ints
    mix_shard: Ints
    """Index into ``shards``, of the mix of a drum track (`windows.WindowReader.backing`); -1 where there is none."""
    mix_row_group: Ints
    start: Ints
    """First sample: a multiple of `ALIGNED`."""
    seed: Ints
    """For this window's augmentation."""

    def __len__(self) -> int:
        return len(self.window)

    def __getitem__(self, places: slice) -> "WindowSpecs":
        """Some of them: ``specs[step * batch_size:]``, ``specs[rank::num_workers]``."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "shards"}
        return WindowSpecs(self.shards, **{name: array[places] for name, array in arrays.items()})


def read_weights(uri: str) -> Weights:
    """The weights of a file. Raises FileNotFoundError, or DrumlineError where it is no table of weights."""
    with open_parquet(uri) as file:
        metadata = {key.decode(): value.decode() for key, value in (file.schema.metadata or {}).items()}
        if (version := metadata.get("drumline.sampling_weights")) != str(VERSION):
            raise DrumlineError(f"{uri}: not sampling weights of version {VERSION} (got {version})")
        return weights_of(file.read().replace_schema_metadata(metadata))


def weights_of(table: pa.Table) -> Weights:
    """The weights of a table of `sampling_weights`."""
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
    """The windows of an epoch. Raises DrumlineError where a domain has a share but no windows."""
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
    """The factor of each window's weight in an epoch: it falls with difficulty and rises with epochs, up to 1."""
    progress = min(1.0, epoch / config.epochs) if config.epochs else 1.0
    ceiling = config.start + (1 - config.start) * progress
    return np.asarray(np.clip(1 - (difficulty - ceiling) / config.softness, config.floor, 1.0))


def _ratio(weights: Weights, shares: Mapping[str, float]) -> Floats:
    """The share of each of ``weights.domains``, sum 1."""
    counts = np.bincount(weights.domain, minlength=len(weights.domains)).astype(np.float64)
    if shares:
        if missing := sorted(name for name, share in shares.items() if share > 0 and name not in weights.domains):
            raise DrumlineError(f"sampling: no windows of domain {missing[0]!r}, only of {', '.join(weights.domains)}")
        counts = np.array([shares.get(name, 0.0) for name in weights.domains])
    return np.asarray(counts / counts.sum())


def _order(ratio: Floats, batches: int, batch_size: int, random: Random) -> Ints:
    """The domain of each place: every domain evenly spread over the epoch, and shuffled within each batch."""
    total = batches * batch_size
    # A domain's n-th window is due at (n + 1/2) / ratio; whoever is due first comes first.
    counts = np.ceil(ratio * total).astype(np.int64) + 1
    domain = np.repeat(np.arange(len(ratio)), np.where(ratio > 0, counts, 0))
    number = np.concatenate([np.arange(count) for count, share in zip(counts, ratio, strict=True) if share > 0])
    due = np.argsort((number + 0.5) / ratio[domain], kind="stable")[:total]
    return np.asarray(random.permuted(domain[due].reshape(batches, batch_size), axis=1).reshape(-1))


def _systematic(weight: Floats, count: int, random: Random) -> Ints:
    """``count`` rows drawn by weight, each ``count * weight / sum`` times, rounded up or down; in order."""
    ends = np.cumsum(weight)
    marks = (np.arange(count) + random.random()) * (ends[-1] / count)
    return np.asarray(np.minimum(np.searchsorted(ends, marks, side="right"), len(weight) - 1))
