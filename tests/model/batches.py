"""Batches of label columns, made from random hits by the code that makes them for training."""

import numpy as np
import torch
from torch import Tensor

from drumline.core.grid import HIGH
from drumline.core.hits import Hit
from drumline.core.taxonomy import LABELS
from drumline.labels.targets import LabelConfig, targets

FRAMES = 40


def random_hits(rng: np.random.Generator, labels: list[str], frames: int = FRAMES) -> list[Hit]:
    return [
        Hit(
            float(HIGH.seconds(rng.uniform(0, frames - 1))),
            str(rng.choice(labels)),
            velocity=None if rng.random() < 0.3 else float(rng.random()),
        )
        for _ in range(rng.integers(0, frames // 3))
    ]


def song_columns(
    hits: list[Hit], *, frames: int = FRAMES, dilation_frames: int = 0, unannotated: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    config = LabelConfig(dilation_frames=dilation_frames)
    made = targets(hits, grid=HIGH, num_frames=frames, unannotated=unannotated, config=config)
    return made.columns()


def batched(songs: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.stack([song[name] for song in songs])) for name in songs[0]}


def random_columns(seed: int, *, songs: int = 3, labels: tuple[str, ...] = tuple(sorted(LABELS))) -> dict[str, Tensor]:
    """Songs of all labels, partial ones among them, the last from a source that leaves crashes out."""
    rng = np.random.default_rng(seed)
    return batched(
        [
            song_columns(random_hits(rng, list(labels)), unannotated=("crash",) if song == songs - 1 else ())
            for song in range(songs)
        ]
    )
