"""Temporal context of frames: recurrence over the whole excerpt, or attention within reach.

Attention is a sliding window (each frame sees ``reach`` frames on either side, wherever the excerpt begins), computed
in chunks of ``reach``: a chunk's queries find all their keys in three chunks, so cost and memory grow with T and not
with its square.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from drumline.model.config import ModelConfig

# B batch, T frames, D features, H heads, E features a head, N chunks, R reach (frames a chunk)


def context(num_features: int, config: ModelConfig) -> tuple[nn.Module, int]:
    """The module ``[B, T, D]`` to ``[B, T, 2 * width]``, and that number; for ``none``, features as they are."""
    if config.context == "none":
        return nn.Identity(), num_features
    width = 2 * config.context_width
    if config.context == "conformer":
        blocks = [ConformerBlock(width, config) for _ in range(config.context_layers)]
        return nn.Sequential(nn.Linear(num_features, width), *blocks), width
    return Recurrent(num_features, config), width


class Recurrent(nn.Module):
    """A bidirectional LSTM or GRU."""

    def __init__(self, num_features: int, config: ModelConfig) -> None:
        super().__init__()
        kind = nn.LSTM if config.context == "lstm" else nn.GRU
        self.layers = kind(
            num_features,
            config.context_width,
            config.context_layers,
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout if config.context_layers > 1 else 0.0,
        )

    def forward(self, x_BTD: Tensor) -> Tensor:
        out_BTD: Tensor = self.layers(x_BTD)[0]
        return out_BTD


class ConformerBlock(nn.Module):
    """Half a feed-forward step, attention, a depthwise convolution, half a step (Gulati et al., Interspeech 2020)."""

    def __init__(self, width: int, config: ModelConfig, kernel: int = 15) -> None:
        super().__init__()
        self.before, self.after = (_feed_forward(width, config.dropout) for _ in range(2))
        self.attention = nn.Sequential(nn.LayerNorm(width), LocalAttention(width, config), nn.Dropout(config.dropout))
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 2 * width)
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.out = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, width), nn.Dropout(config.dropout))
        self.last = nn.LayerNorm(width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        x_BTD = x_BTD + self.before(x_BTD) / 2
        x_BTD = x_BTD + self.attention(x_BTD)
        gated_BTD = functional.glu(self.gate(self.norm(x_BTD)))
        x_BTD = x_BTD + self.out(self.conv(gated_BTD.transpose(1, 2)).transpose(1, 2))
        out_BTD: Tensor = self.last(x_BTD + self.after(x_BTD) / 2)
        return out_BTD


class LocalAttention(nn.Module):
    """Multi-head attention of each frame to those within reach, with a learned bias for each distance."""

    def __init__(self, width: int, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.reach = config.attention_heads, config.attention_reach_frames
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros(self.heads, 2 * self.reach + 1))
        # Key k of three chunks stands k - R frames after the chunk's start, query q stands q after it.
        distance = torch.arange(3 * self.reach) - self.reach - torch.arange(self.reach)[:, None]
        self.register_buffer("within", distance.abs() <= self.reach, persistent=False)
        self.register_buffer("row", (distance + self.reach).clamp(0, 2 * self.reach), persistent=False)
        self.within: Tensor
        self.row: Tensor

    def forward(self, x_BTD: Tensor) -> Tensor:
        frames, reach = x_BTD.shape[1], self.reach
        spare = (frames + reach - 1) // reach * reach - frames
        parts = self.project(x_BTD).unflatten(2, (3, self.heads, -1)).unbind(2)
        query, key, value = (_chunks(part, spare, reach) for part in parts)
        real_1NR = _chunks(torch.ones_like(x_BTD[:1, :, :1, None]), spare, reach)[..., 0, 0]
        real_NK = _with_neighbours(real_1NR)[0] > 0
        # A frame always sees itself, save those made up to fill the last chunk: they see all, and are cut off.
        seen_NRK = (self.within & real_NK[:, None]) | ~real_NK[:, reach : 2 * reach, None]
        bias_NHRK = self.bias[:, self.row].masked_fill(~seen_NRK[:, None], -torch.inf)
        # Written out: the fused kernel takes no such mask for chunks, and ONNX no five axes.
        keys, values = (_with_neighbours(part).transpose(2, 3) for part in (key, value))
        scores_BNHRK = query.transpose(2, 3) @ keys.transpose(3, 4) * keys.shape[4] ** -0.5 + bias_NHRK
        mixed_BNHRE = scores_BNHRK.softmax(dim=4) @ values
        out_BTD: Tensor = self.out(mixed_BNHRE.transpose(2, 3).flatten(3).flatten(1, 2)[:, :frames])
        return out_BTD


def _chunks(x_BTHE: Tensor, spare: int, reach: int) -> Tensor:
    """[B, T, H, E] cut into [B, N, R, H, E], with ``spare`` frames of zeros to fill the last."""
    padded_BTHE = functional.pad(x_BTHE, (0, 0, 0, 0, 0, spare))
    return padded_BTHE.reshape(x_BTHE.shape[0], -1, reach, *x_BTHE.shape[2:])


def _with_neighbours(chunks_BNR: Tensor) -> Tensor:
    """Chunks [B, N, R, ...] with the chunks before and after them: [B, N, 3 R, ...], zeros beyond the ends."""
    beyond = torch.zeros_like(chunks_BNR[:, :1])
    padded = torch.cat([beyond, chunks_BNR, beyond], dim=1)
    return torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=2)


def _feed_forward(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.SiLU(), nn.Dropout(dropout),
        nn.Linear(4 * width, width), nn.Dropout(dropout),
    )  # fmt: skip
