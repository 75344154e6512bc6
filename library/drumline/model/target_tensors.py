"""Label columns as the losses want them: what is known at each frame, and how near its onset is.

Columns are those of `labels.targets.Targets.columns`, batched to [B, T], with ``dilation_frames: 0``: sharp, one
frame an onset. Dilation happens here, on the training device, with a weight that falls with the distance, so one
stored dataset serves every choice of it. Of two onsets equally near a frame takes the earlier, as the labels do.

A frame that the source masks stays masked, whatever stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from drumline.labels.targets import MASKED, UNKNOWN_VELOCITY
from drumline.model.branches import INSTRUMENTS, VARIATIONS

# B batch, T frames, I instruments, U instruments and any onset (7)


@dataclass(frozen=True)
class Truth:
    """Targets of a batch. Where something is not known its value is finite and means nothing."""

    known_BTI: Tensor
    """Whether the source tells if the instrument is struck."""
    closeness_BTI: Tensor
    """1 at an onset's frame, the neighbours' weights around it, else 0; 0 where not known."""
    variation: Mapping[str, Tensor]
    """Instrument of `VARIATIONS` -> index of its kind, [B, T], or -1 where not struck or not told."""
    velocity_BTI: Tensor
    """0 to 1."""
    velocity_known_BTI: Tensor
    onset_known_BT: Tensor
    onset_closeness_BT: Tensor
    offset_BT: Tensor
    """Frames from the frame's centre to the onset near it."""


def truth(columns: Mapping[str, Tensor], neighbours: tuple[float, ...]) -> Truth:
    """The truth of label columns [B, T]; ``neighbours`` are the weights at 1, 2, ... frames from an onset."""
    presence_BTI = [columns[f"{name}_presence"] for name in INSTRUMENTS]
    state_BTU = torch.stack([*presence_BTI, columns["onset_any"]], dim=2)
    struck_BTU, known_BTU, shift_BTU = _near_onsets(state_BTU, reach=len(neighbours))
    weights = torch.tensor([1.0, *neighbours], device=state_BTU.device)
    closeness_BTU = weights[shift_BTU.abs()] * struck_BTU
    source_BTU = torch.arange(state_BTU.shape[1], device=state_BTU.device)[:, None] + shift_BTU

    velocity_BTI = torch.stack([columns[f"{name}_velocity"] for name in INSTRUMENTS], dim=2)
    velocity_BTI = velocity_BTI.gather(1, source_BTU[..., :-1])
    offset_BT = columns["onset_offset"].gather(1, source_BTU[..., -1]) + shift_BTU[..., -1]
    return Truth(
        known_BTI=known_BTU[..., :-1],
        closeness_BTI=closeness_BTU[..., :-1],
        variation={
            name: _kind(
                columns[f"{name}_variation"].gather(1, source_BTU[..., column]), struck_BTU[..., column], len(kinds)
            )
            for name, kinds in VARIATIONS.items()
            for column in [INSTRUMENTS.index(name)]
        },
        velocity_BTI=velocity_BTI.float() / 127,
        velocity_known_BTI=struck_BTU[..., :-1] & (velocity_BTI != UNKNOWN_VELOCITY),
        onset_known_BT=known_BTU[..., -1],
        onset_closeness_BT=closeness_BTU[..., -1],
        offset_BT=offset_BT.nan_to_num(),
    )


def _near_onsets(state_BTU: Tensor, reach: int) -> tuple[Tensor, Tensor, Tensor]:
    """Whether an onset is within reach, whether that is known, and frames from here to the nearest onset (or 0)."""
    frames = state_BTU.shape[1]
    masked = state_BTU == MASKED
    struck, doubtful, shift = state_BTU == 1, masked, torch.zeros_like(state_BTU, dtype=torch.int64)
    padded_BTU = functional.pad(state_BTU, (0, 0, reach, reach))
    for step in (sign * distance for distance in range(1, reach + 1) for sign in (-1, 1)):
        there_BTU = padded_BTU[:, reach + step : reach + step + frames]
        nearer = (there_BTU == 1) & ~struck & ~masked
        struck, doubtful = struck | nearer, doubtful | (there_BTU == MASKED)
        shift = torch.where(nearer, step, shift)
    return struck, struck | ~doubtful, shift


def _kind(state_BT: Tensor, struck_BT: Tensor, num_kinds: int) -> Tensor:
    """States 1, 2, ... as indices 0, 1, ...; an unpredicted state (a pedal stroke) is not told."""
    told_BT = struck_BT & (state_BT >= 1) & (state_BT <= num_kinds)
    return torch.where(told_BT, state_BT.long() - 1, MASKED)
