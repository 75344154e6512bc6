"""Losses that teach only what is known: every part honours the labels' masks.

All parts are sums over frames, divided by *all* frames of the batch: a batch that knows little teaches little, one
without any onset is nothing special, a lone tom does not outweigh the rest, and the mean of workers' gradients is the
gradient of their joint batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from drumline.core.config import Config
from drumline.model.branches import BRANCHES, INSTRUMENTS, PREDICTED, VARIATIONS
from drumline.model.output import FlatOutput, Output
from drumline.model.target_tensors import Truth, truth

# B batch, T frames, I instruments, K kinds of an instrument, S states of the rhythm cymbal, C classes

CONFUSED: Final = (("tom", "hihat"), ("tom", "ride"), ("tom", "crash"))
"""Instruments that share a lane of a game chart, and a band of the spectrum in a dense mix."""
_BRANCH_OF: Final = {instrument: branch for branch, instruments in BRANCHES.items() for instrument in instruments}


class PresenceWeights(Config):
    """Weight of each branch's presence loss."""

    kick: float = Field(default=1.5, ge=0)
    """Kick."""
    snare: float = Field(default=1.5, ge=0)
    """Snare, on head or rim."""
    tom: float = Field(default=1.0, ge=0)
    """Any tom."""
    cymbal: float = Field(default=1.2, ge=0)
    """Hi-hat and ride, each."""
    crash: float = Field(default=0.6, ge=0)
    """Crash."""


class VariationWeights(Config):
    """Weight of each branch's loss for the kind of a stroke."""

    snare: float = Field(default=1.5, ge=0)
    """Head or rim."""
    tom: float = Field(default=0.7, ge=0)
    """Floor, high or mid."""
    cymbal: float = Field(default=0.5, ge=0)
    """Closed or open hi-hat; body or bell of the ride."""


class LossConfig(Config):
    """Loss terms and their weights."""

    presence: PresenceWeights = PresenceWeights()
    """Whether an instrument is struck."""
    variation: VariationWeights = VariationWeights()
    """Weights of the articulations, trained where the instrument is hit and the source states the articulation."""
    onset_weight: float = Field(default=1.0, ge=0)
    """Weight of the loss for any onset."""
    offset_weight: float = Field(default=1.0, ge=0)
    """Weight of the loss for the sub-frame offset, learnt near onsets."""
    velocity_weight: float = Field(default=1.0, ge=0)
    """Weight of the loss for loudness, learnt where the source tells."""
    stroke_scale: float = Field(default=10.0, ge=0)
    """Factor of the losses of articulation, offset and velocity on top of their weights: hits fill one frame in 50 or
    so, and averaged over all frames these would be learnt long after presence."""
    binary: Literal["bce", "focal"] = "bce"
    """Loss of yes-or-no decisions: binary cross-entropy, or focal loss."""
    positive_weight: float = Field(default=4.0, ge=1, le=10)
    """How much more a stroke counts than its absence in binary cross-entropy. The true ratio of frames is 20 and more
    for every instrument: a cap is all there is to choose."""
    focal_alpha: float = Field(default=0.25, gt=0, lt=1)
    """Weight of a stroke in focal loss; its absence weighs the rest to 1."""
    focal_gamma: float = Field(default=2.0, ge=0)
    """How strongly focal loss looks away from what is already right."""
    neighbours: tuple[float, ...] = (0.5, 0.2)
    """Targets at 1, 2, ... frames from an onset; kind, loudness and offset are learnt there with this weight."""
    margin: float = Field(default=1.0, ge=0)
    """By how much the log-odds of a tom that is struck must exceed those of a cymbal that is not, and the reverse."""
    margin_weight: float = Field(default=0.1, ge=0)
    """Weight of the loss for that margin."""
    offset_knee_frames: float = Field(default=0.25, gt=0)
    """Where the offset's Huber loss turns from square to straight, in frames."""
    velocity_knee: float = Field(default=0.1, gt=0)
    """Where the loudness's Huber loss turns from square to straight, as a share of full velocity."""


@dataclass(frozen=True)
class Part:
    """One part of the loss."""

    sum: Tensor
    """Over all that is known."""
    known: Tensor
    """How much is known: frames, or the sum of their weights."""
    weight: float

    @property
    def mean(self) -> Tensor:
        """For reading: the loss over what is known, 0 where nothing is."""
        return self.sum / self.known.clamp_min(1e-6)


@dataclass(frozen=True)
class Losses:
    """The loss of a batch and its parts."""

    parts: Mapping[str, Part]
    """By name: ``kick``, ``snare_variation``, ``hihat``, ``onset``, ``offset``, ``velocity``, ``margin`` ..."""
    num_frames: int
    """Number of frames of the batch, labelled or not."""

    @property
    def total(self) -> Tensor:
        """Weighted sum of all terms, which training minimises."""
        sums = [part.weight * part.sum for part in self.parts.values()]
        return torch.stack(sums).sum() / self.num_frames


def losses(output: Output | FlatOutput, columns: Mapping[str, Tensor], config: LossConfig) -> Losses:
    """The losses of a batch against label columns [B, T] (`model.target_tensors` says which)."""
    known = truth(columns, config.neighbours)
    parts = _flat(output, known, config) if isinstance(output, FlatOutput) else _hierarchical(output, known, config)
    onset_BT = _binary(output.onset_BT.float(), known.onset_closeness_BT, config)
    offset_BT = _huber(output.offset_BT.float(), known.offset_BT, config.offset_knee_frames)
    velocity_BTI = _huber(output.velocity_BTI.float().sigmoid(), known.velocity_BTI, config.velocity_knee)
    loudness_BTI = known.closeness_BTI * known.velocity_known_BTI
    parts |= {
        "onset": _part(onset_BT, known.onset_known_BT, config.onset_weight),
        "offset": _part(offset_BT, known.onset_closeness_BT, config.stroke_scale * config.offset_weight),
        "velocity": _part(velocity_BTI, loudness_BTI, config.stroke_scale * config.velocity_weight),
    }
    return Losses(parts, num_frames=known.onset_known_BT.numel())


def _hierarchical(output: Output, known: Truth, config: LossConfig) -> dict[str, Part]:
    struck_BTI = _binary(output.presence_BTI.float(), known.closeness_BTI, config)
    exclusive = BRANCHES["cymbal"] if output.cymbal_BTS is not None else ()
    parts = {
        name: _part(struck_BTI[..., column], known.known_BTI[..., column], getattr(config.presence, _BRANCH_OF[name]))
        for column, name in enumerate(INSTRUMENTS)
        if name not in exclusive
    }
    if output.cymbal_BTS is not None:
        columns = [INSTRUMENTS.index(name) for name in exclusive]
        parts["cymbal"] = _cymbal(
            output.cymbal_BTS.float(), struck_BTI[..., columns], known.closeness_BTI[..., columns],
            known_BT2=known.known_BTI[..., columns], config=config,
        )  # fmt: skip
    for name, logits_BTK in output.variation.items():
        kind_BT = known.variation[name]
        loss_BT = functional.cross_entropy(
            logits_BTK.float().transpose(1, 2), kind_BT, ignore_index=-1, reduction="none"
        )
        weight_BT = known.closeness_BTI[..., INSTRUMENTS.index(name)] * (kind_BT >= 0)
        weight = config.stroke_scale * getattr(config.variation, _BRANCH_OF[name])
        parts[f"{name}_variation"] = _part(loss_BT, weight_BT, weight)
    parts["margin"] = _margin(output.presence_BTI.float(), known, config)
    return parts


def _cymbal(
    states_BTS: Tensor, struck_BT2: Tensor, closeness_BT2: Tensor, *, known_BT2: Tensor, config: LossConfig
) -> Part:
    """One softmax over none, hi-hat and ride. Where both sound the target is split between them, for want of better;
    where only one of the two is known, its own probability is what is taught."""
    both_BT = known_BT2.all(dim=2)
    share_BT2 = closeness_BT2 / closeness_BT2.sum(dim=2, keepdim=True).clamp_min(1e-6)
    target_BT2 = closeness_BT2.amax(dim=2, keepdim=True) * share_BT2
    log_BTS = states_BTS.log_softmax(dim=2)
    silent_BT = (1 - target_BT2.sum(dim=2)) * log_BTS[..., 0]
    entropy_BT = -silent_BT - config.positive_weight * (target_BT2 * log_BTS[..., 1:]).sum(dim=2)
    alone_BT = torch.where(known_BT2, struck_BT2, 0.0).sum(dim=2)
    return _part(torch.where(both_BT, entropy_BT, alone_BT), known_BT2.any(dim=2), config.presence.cymbal)


def _flat(output: FlatOutput, known: Truth, config: LossConfig) -> dict[str, Part]:
    """A class is known where its instrument is silent, or struck in a kind that the source tells."""
    parts = {}
    for column, instrument in enumerate(INSTRUMENTS):
        classes = VARIATIONS.get(instrument, (instrument,))
        logits_BTK = output.classes_BTC[..., [PREDICTED.index(name) for name in classes]].float()
        closeness_BT1, known_BT1 = known.closeness_BTI[..., column, None], known.known_BTI[..., column, None]
        kind_BT1 = torch.zeros_like(closeness_BT1)
        if instrument in VARIATIONS:
            kind_BT1 = known.variation[instrument][..., None]
            known_BT1 = known_BT1 & ((closeness_BT1 == 0) | (kind_BT1 >= 0))
        target_BTK = closeness_BT1 * (kind_BT1 == torch.arange(len(classes), device=kind_BT1.device))
        loss_BTK = _binary(logits_BTK, target_BTK, config)
        parts[instrument] = _part(
            loss_BTK, known_BT1.expand_as(loss_BTK), getattr(config.presence, _BRANCH_OF[instrument])
        )
    return parts


def _margin(presence_BTI: Tensor, known: Truth, config: LossConfig) -> Part:
    one = [INSTRUMENTS.index(name) for pair in CONFUSED for name in pair]
    other = [INSTRUMENTS.index(name) for pair in CONFUSED for name in reversed(pair)]
    silent_BTI = known.known_BTI & (known.closeness_BTI == 0)
    applies = (known.closeness_BTI[..., one] == 1) & silent_BTI[..., other]
    short = functional.relu(config.margin - (presence_BTI[..., one] - presence_BTI[..., other]))
    return _part(short, applies, config.margin_weight)


def _binary(logits: Tensor, targets: Tensor, config: LossConfig) -> Tensor:
    """The loss of each yes-or-no decision; targets may lie between 0 and 1."""
    if config.binary == "bce":
        weight = torch.tensor(config.positive_weight, device=logits.device)
        return functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight, reduction="none")
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    alpha = config.focal_alpha * targets + (1 - config.focal_alpha) * (1 - targets)
    # |target - p| is 1 - p for a stroke and p for none (Lin et al., ICCV 2017), and goes between for what is between.
    return alpha * (targets - logits.sigmoid()).abs() ** config.focal_gamma * entropy


def _huber(estimate: Tensor, target: Tensor, knee: float) -> Tensor:
    return functional.smooth_l1_loss(estimate, target, beta=knee, reduction="none")


def _part(loss: Tensor, known: Tensor, weight: float) -> Part:
    """The sum of a loss over what is known, by weights 0 to 1 or yes and no. Elsewhere its gradient is exactly 0."""
    weights = known.to(loss.dtype)
    return Part(torch.where(weights > 0, weights * loss, 0.0).sum(), weights.sum(), weight)
