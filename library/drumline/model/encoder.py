"""The shared convolutional encoder: frames of bands to frames of features, time untouched.

Everything is in channels-last memory, which halves the time of small convolutions on a CPU and is what tensor
cores want.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from drumline.model.config import ModelConfig

# B batch, T frames, F bands, C channels, D features, S spectra

_SILENT: Final = 0.05
"""Frames below this share of their window's mean level are silent."""


class Encoder(nn.Module):
    """Spectra ``[B, T, S * F]`` to features ``[B, T, D]``.

    A batch norm per band comes first: bands differ in level by far more than songs do. `window_normalised` then removes
    part of the difference between songs.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.spectra, self.checkpointing, self.window_norm = config.spectra, config.checkpointing, config.window_norm
        self.norm = nn.BatchNorm1d(config.spectra * config.bands)
        widths = (config.spectra, *config.channels)
        self.blocks = nn.ModuleList(
            ConvBlock(
                widths[index],
                widths[index + 1],
                stride=config.stem_stride if index == 0 else 1,
                separable_from=1 if index == 0 else 0,
                pool=pool,
                config=config,
            )
            for index, pool in enumerate(config.pooling)
        )
        self.num_features = config.channels[-1] * config.bands_left
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave it out

    def forward(self, spectra_BTF: Tensor) -> Tensor:
        normed_BTF = self.norm(spectra_BTF.transpose(1, 2)).transpose(1, 2)
        if self.window_norm:
            share_B11 = spectra_BTF.new_full((1, 1, 1), self.window_norm)
            if self.training:
                share_B11 = 2 * self.window_norm * torch.rand_like(spectra_BTF[:, :1, :1])
            silent_BT1 = spectra_BTF.mean(2, keepdim=True) <= _SILENT * spectra_BTF.mean((1, 2), keepdim=True)
            normed_BTF = window_normalised(normed_BTF, silent_BT1, self.norm, share_B11)
        x_BCTF = normed_BTF.unflatten(2, (self.spectra, -1)).transpose(1, 2)
        x_BCTF = x_BCTF.contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            if self.checkpointing and self.training and torch.is_grad_enabled():
                x_BCTF = checkpoint(block, x_BCTF, use_reentrant=False, context_fn=partial(_contexts, block))
            else:
                x_BCTF = block(x_BCTF)
        x_BTD: Tensor = x_BCTF.permute(0, 2, 3, 1).flatten(2)
        return x_BTD


def window_normalised(normed_BTF: Tensor, silent_BT1: Tensor, norm: nn.BatchNorm1d, share_B11: Tensor) -> Tensor:
    """Move each window's mean and deviation per band by a share towards those of the norm's outputs.

    Silent frames do not count, and a deviation changes by a factor of 2 at most. Recordings differ in equalisation,
    compression and noise more than rendered songs do; speech recognition has cepstral mean and variance normalisation
    for the same reason.
    """
    audible_BT1 = (~silent_BT1).to(normed_BTF.dtype)
    count_B11 = audible_BT1.sum(1, keepdim=True)
    share_B11, count_B11 = share_B11 * count_B11.clamp(max=1.0), count_B11.clamp(min=1.0)  # silence stays as it is
    mean_B1F = (normed_BTF * audible_BT1).sum(1, keepdim=True) / count_B11
    variance_B1F = ((normed_BTF - mean_B1F).square() * audible_BT1).sum(1, keepdim=True) / count_B11
    scale_B1F = (norm.weight.abs() / (variance_B1F + norm.eps).sqrt()).clamp(0.5, 2.0)
    mean_after_B1F = mean_B1F + share_B11 * (norm.bias - mean_B1F)
    return (normed_BTF - mean_B1F) * scale_B1F**share_B11 + mean_after_B1F


class ConvBlock(nn.Module):
    """Convolutions with batch norm, the last pooled over bands; then squeeze-excitation, if any."""

    def __init__(
        self, width_in: int, width: int, *, stride: int, separable_from: int, pool: int, config: ModelConfig
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(config.convs_per_block):
            separable = config.convolution == "separable" and index >= separable_from
            layers.append(_conv(width_in, width, stride=stride if index == 0 else 1, separable=separable))
            if index == config.convs_per_block - 1:
                layers.append(
                    nn.MaxPool2d((1, pool))
                )  # before the norm, where it saves that half of its memory traffic
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            width_in = width
        if config.squeeze_excitation:
            layers.append(SqueezeExcitation(width))
        self.layers = nn.Sequential(*layers)

    def forward(self, x_BCTF: Tensor) -> Tensor:
        out_BCTF: Tensor = self.layers(x_BCTF)
        return out_BCTF


class SqueezeExcitation(nn.Module):
    """Channels weighed by what sounds in their own frame (Hu et al., CVPR 2018, with the mean over bands only).

    The mean over the whole excerpt, as for pictures, would make a frame's answer depend on how audio was cut.
    """

    def __init__(self, width: int, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(4, width // reduction)
        self.gate = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width), nn.Sigmoid())

    def forward(self, x_BCTF: Tensor) -> Tensor:
        gate_BTC = self.gate(x_BCTF.mean(dim=3).transpose(1, 2))
        weighed_BCTF: Tensor = x_BCTF * gate_BTC.transpose(1, 2).unsqueeze(3)
        return weighed_BCTF


def _conv(width_in: int, width: int, *, stride: int, separable: bool) -> nn.Module:
    bands = max(3, 2 * stride - 1)
    spatial = partial(
        nn.Conv2d, width_in, kernel_size=(3, bands), stride=(1, stride), padding=(1, bands // 2), bias=False
    )
    if not separable:
        return spatial(width)
    return nn.Sequential(spatial(width_in, groups=width_in), nn.Conv2d(width_in, width, 1, bias=False))


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _untracked(block)


@contextmanager
def _untracked(block: nn.Module) -> Iterator[None]:
    """The second run of a checkpointed block must not count its batch a second time in the running statistics."""
    norms = [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked -= 1
