"""SpecAugment (Park et al., Interspeech 2019): stretches of time and of the spectrum are silenced in a feature batch.

B batch, T frames, F features. Silence is exactly 0 (`features.logmel`), so a mask is a multiplication. What it does to
labels: nothing under a mask of bands, since a stroke is still heard in the others; but no one can tell a stroke within
a time mask, so those frames are handed back for the losses to leave out. A target kept there would teach the model to
imagine strokes, one set to "silent" to deny them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from drumline.core.config import Config
from drumline.labels.targets import MASKED, UNKNOWN_VELOCITY


class SpecAugmentConfig(Config):
    """How much is silenced."""

    time_masks: int = Field(default=2, ge=0)
    """Stretches of time in each example."""
    time_frames: int = Field(default=12, ge=0)
    """The longest [frames]: 70 ms at hop 128. Widths are drawn from 0 up."""
    band_masks: int = Field(default=2, ge=0)
    """Groups of neighbouring bands in each example."""
    band_width: int = Field(default=16, ge=0)
    """The widest [bands]."""


@dataclass(frozen=True, eq=False)
class Masked:
    """Features with holes."""

    features_BTF: Tensor
    heard_BT: Tensor
    """bool; False in frames that were silenced: the losses leave them out."""


def spec_augment(features_BTF: Tensor, config: SpecAugmentConfig, *, bands: int, seed: int) -> Masked:
    """A batch with its own masks for each example, on the batch's device; the same for the same seed on any device.

    ``bands`` is the configuration's `LogMelConfig.bands`: the same bands are silenced in all channels. Raises
    ValueError where the features are not whole channels.
    """
    batch, frames, features = features_BTF.shape
    if features % bands:
        raise ValueError(f"{features} features are not channels of {bands} bands")
    random = np.random.default_rng(seed)
    hidden_BT = _stretches(random, batch, frames, count=config.time_masks, widest=config.time_frames)
    silent_BM = _stretches(random, batch, bands, count=config.band_masks, widest=config.band_width)
    heard_BT = torch.from_numpy(~hidden_BT).to(features_BTF.device)
    open_BF = torch.from_numpy(np.tile(~silent_BM, features // bands)).to(features_BTF.device)
    return Masked(features_BTF * (heard_BT[:, :, None] & open_BF[:, None, :]), heard_BT)


def heard_columns(columns: Mapping[str, Tensor], heard_BT: Tensor) -> dict[str, Tensor]:
    """Label columns [B, T] of `labels.targets.Targets.columns` that say nothing of frames that were silenced."""

    def nothing(name: str) -> float:
        return UNKNOWN_VELOCITY if name.endswith("_velocity") else float("nan") if name == "onset_offset" else MASKED

    return {name: column.masked_fill(~heard_BT, nothing(name)) for name, column in columns.items()}


def _stretches(random: np.random.Generator, batch: int, length: int, *, count: int, widest: int) -> NDArray[np.bool_]:
    """bool [batch, length], True in ``count`` stretches of 0 to ``widest`` places, each wherever it fits."""
    widths = random.integers(0, min(widest, length), (batch, count, 1), endpoint=True)
    starts = (random.random((batch, count, 1)) * (length - widths + 1)).astype(np.int64)
    places = np.arange(length)
    return np.asarray(((places >= starts) & (places < starts + widths)).any(axis=1))
