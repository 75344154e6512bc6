"""Configuration of a network, and named presets.

``preset`` fills in every key that is left out, so ``{preset: small, dropout: 0.2}`` is a whole configuration, and
resolved it names every value.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from drumline.core.config import Config

_SMALL: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "channels": (16, 32, 48, 64),
        "convs_per_block": 1,
        "stem_stride": 2,
        "pooling": (2, 2, 2, 2),
        "context_width": 96,
        "branch_width": 48,
    }
)
PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "full": MappingProxyType({}),
        "full_flat": MappingProxyType({"heads": "flat"}),
        "small": _SMALL,
        "small_flat": MappingProxyType({**_SMALL, "heads": "flat"}),
    }
)
"""Name -> what differs from the defaults. A flat preset is the baseline of the same size as its hierarchical twin."""


class ModelConfig(Config):
    """The network, from log-mel frames to logits."""

    preset: Literal["full", "full_flat", "small", "small_flat"] = "full"
    """Where the keys that are left out come from. ``small`` trains on a CPU."""
    bands: int = Field(default=128, ge=1)
    """Mel bands of a spectrum: `features.logmel.LogMelConfig.bands`."""
    spectra: int = Field(default=1, ge=1)
    """Spectra laid side by side in a frame (a second hop, say); each becomes a channel of the first convolution."""
    window_norm: float = Field(default=0.0, ge=0.0, le=0.5)
    """Share of a window's own mean and deviation in the input's normalisation, against those of the training songs;
    0 is batch norm alone. In training each window's share is sampled uniformly from 0 to twice as much."""
    channels: tuple[int, ...] = Field(default=(32, 64, 128, 256), min_length=1)
    """Channels of each convolution block."""
    convs_per_block: int = Field(default=2, ge=1)
    """Convolutions of 3 frames by 3 bands in each block."""
    convolution: Literal["plain", "separable"] = "plain"
    """``separable``: each after the very first is a depthwise one, then a pointwise one."""
    squeeze_excitation: bool = False
    """Weigh the channels of each block's output, frame by frame."""
    stem_stride: int = Field(default=1, ge=1)
    """Bands from one output of the first convolution to the next; above 1 its kernel grows to cover them."""
    pooling: tuple[int, ...] = Field(default=(4, 2, 2, 2), min_length=1)
    """Bands that become one after each block. Time is never pooled."""
    context: Literal["lstm", "gru", "conformer", "none"] = "lstm"
    """Temporal context: a bidirectional recurrent network, or attention to near frames."""
    context_width: int = Field(default=256, ge=1)
    """Units a direction of a recurrent network; half the width of a conformer."""
    context_layers: int = Field(default=2, ge=1)
    """Layers of the context."""
    attention_heads: int = Field(default=4, ge=1)
    """Heads of a conformer's attention."""
    attention_reach_frames: int = Field(default=64, ge=1)
    """Frames on either side that a layer of a conformer attends to."""
    branch_width: int = Field(default=64, ge=1)
    """Units of each branch's hidden layer."""
    heads: Literal["hierarchical", "flat"] = "hierarchical"
    """``flat``: one output layer over all classes, with as many hidden units as the branches have together."""
    cymbal: Literal["independent", "softmax"] = "independent"
    """Whether hi-hat and ride may sound at once; a softmax over none, hi-hat and ride says no."""
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of values dropped before and after the context, between its layers, and in the branches."""
    checkpointing: bool = False
    """Compute the convolution blocks again in the backward pass instead of keeping their values: less memory."""

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        # Lists are tuples here: what a validator hands on is no longer taken for JSON, and strictness minds.
        settings = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        return {**PRESETS.get(str(settings.get("preset", "full")), {}), **settings}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.pooling) != len(self.channels):
            raise ValueError(f"pooling has {len(self.pooling)} values for {len(self.channels)} blocks of channels")
        if self.bands_left < 1:
            raise ValueError(
                f"{self.bands} bands, stem_stride {self.stem_stride}, pooling {self.pooling}: none is left"
            )
        if self.context == "conformer" and 2 * self.context_width % self.attention_heads:
            raise ValueError(f"twice context_width {self.context_width} must divide by {self.attention_heads} heads")
        return self

    @property
    def bands_left(self) -> int:
        """Bands after the last block."""
        bands = -(-self.bands // self.stem_stride)
        for factor in self.pooling:
            bands //= factor
        return bands

    @property
    def encoder_reach_frames(self) -> int:
        """Frames on either side that the convolutions see."""
        return len(self.channels) * self.convs_per_block
