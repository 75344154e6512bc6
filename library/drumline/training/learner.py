"""A network that learns: one step from a batch to better weights, on any device. No files, no Ray, no loop.

Everything random in a step follows from its place in the run, so nothing of it needs to be saved. A batch goes through
the network in parts, one after the other (``accumulate``) or on several workers; part k draws the same numbers either
way.
"""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.parallel import DistributedDataParallel

from drumline.augmentation.mixup import mixup
from drumline.augmentation.spec_augment import heard_columns, spec_augment
from drumline.core.errors import ConfigError
from drumline.features.logmel_torch import LogMel
from drumline.model.losses import LossConfig, Losses, Part, PresenceWeights, VariationWeights, losses
from drumline.model.network import HierarchicalDrumCRNN
from drumline.training.config import TrainConfig
from drumline.training.failures import Diverged
from drumline.training.progress import StageConfig

# B batch, N samples, T frames, F bands

_AMP = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Learner:
    """Network, optimiser and all that changes with a step."""

    def __init__(self, config: TrainConfig, device: torch.device, *, rank: int = 0) -> None:
        """Of worker ``rank``. Raises ConfigError where a stage freezes what is not there."""
        torch.manual_seed(config.seed)
        self.config, self.device, self.rank = config, device, rank
        self.features = LogMel(config.features).to(device)
        self.network = HierarchicalDrumCRNN(config.model).to(device)
        self.module: nn.Module = self.network
        """What a batch goes through: the network, or the network as one of several."""
        if config.workers.compile:
            self.network.compile()
        self.optimiser = torch.optim.AdamW(self.network.parameters(), weight_decay=config.optimiser.weight_decay)
        self.scaler = GradScaler(device.type, enabled=config.workers.precision == "fp16")
        self.average = self._copy() if config.optimiser.average else None
        names = [name for name, _ in self.network.named_parameters()]
        for part in (part for stage in config.stages for part in stage.freeze):
            if not any(name.startswith(part) for name in names):
                raise ConfigError(f"stages: freeze: no parameter's name begins with {part!r}; {names[0]} is one")

    def join(self) -> None:
        """Become one of several workers, which have met in `torch.distributed`: each step is then one of all."""
        devices = [self.device] if self.device.type == "cuda" else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch 2.13 has another name for it, older ones have not
            self.module = DistributedDataParallel(self.network, device_ids=devices, broadcast_buffers=False)

    def step(
        self,
        samples_BN: Tensor,
        columns: Mapping[str, Tensor],
        *,
        rate: float,
        stage: StageConfig,
        place: Sequence[int],
    ) -> dict[str, float]:
        """One step on this worker's part of a batch; gives the means of the losses by name, and ``gradient_norm``.

        ``columns`` are the label columns [B, T]; ``place`` says which step it is (seed, epoch, step). Raises
        Diverged where the loss or the gradient is no longer a number.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self._train(stage)
        loss, heard = torch.zeros((), device=self.device), dict[str, Part]()
        parts = min(self.config.optimiser.accumulate, len(samples_BN))
        for part in range(parts):
            some = slice(part * len(samples_BN) // parts, (part + 1) * len(samples_BN) // parts)
            share = (some.stop - some.start) / len(samples_BN)
            seeds = _seeds((*place, self.rank * parts + part))
            with nullcontext() if part == parts - 1 else _unsynchronised(self.module):
                own = {name: column[some] for name, column in columns.items()}
                found, total = self._losses(samples_BN[some], own, stage=stage, seeds=seeds)
                torch.autograd.backward(self.scaler.scale(total * share))
            loss += total.detach() * share
            heard = {name: _joined(part, heard.get(name)) for name, part in found.parts.items()}
        self.scaler.unscale_(self.optimiser)
        self._drop_frozen(stage)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optimiser.clip_norm)
        told = {"loss": loss, **{name: part.mean for name, part in heard.items()}, "gradient_norm": norm}
        values = dict(zip(told, torch.stack(list(told.values())).tolist(), strict=True))  # a GPU is waited for once
        # fp16's gradient scaler leaves out steps whose gradient is too large; no scale mends a loss.
        watched = ("loss",) if self.scaler.is_enabled() else ("loss", "gradient_norm")
        if not np.isfinite([values[name] for name in watched]).all():
            raise Diverged(
                f"the gradient is {values['gradient_norm']} (loss {values['loss']}): a lower peak rate, or clipping?"
            )
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        self._agree()
        self._follow()
        return values

    def judged(self) -> HierarchicalDrumCRNN:
        """The network to judge, in evaluation mode: with the average of the weights where one is kept."""
        network = deepcopy(self.network)
        if self.average is not None:
            network.load_state_dict(self.average)
        return network.eval()

    def state(self) -> dict[str, Any]:
        """Everything a step changes, as `checkpoints.Checkpoint` keeps it."""
        return {
            "model": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.network.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}

    def start_from(self, weights: Mapping[str, Tensor], *, strict: bool, place: str) -> list[str]:
        """Begin with another model's weights; gives the names of what was left as it is.

        Raises ConfigError where ``strict`` and a name or a shape differs, or nothing fits.
        """
        own = self.network.state_dict()
        fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
        left = sorted((own.keys() | weights.keys()) - fitting.keys())
        if not fitting or (left and strict):
            hint = "; start.strict=false takes the rest" if fitting else ""
            raise ConfigError(f"{place}: {len(left)} weights do not fit, {left[0]} first{hint}")
        self.network.load_state_dict({**own, **fitting})
        if self.average is not None:
            self.average = self._copy()
        return left

    def _losses(
        self, samples_BN: Tensor, columns: Mapping[str, Tensor], *, stage: StageConfig, seeds: tuple[int, int, int]
    ) -> tuple[Losses, Tensor]:
        """The losses of a part of a batch, and what is to be lowered: those, or with mixup two of them mixed."""
        torch.manual_seed(seeds[0])
        config = self.config
        weights = _onset_alone(config.losses) if stage.onset_only else config.losses
        with torch.no_grad():
            spectra_BTF = self.features(samples_BN)
            masked = spec_augment(spectra_BTF, config.spec_augment, bands=config.features.bands, seed=seeds[1])
            mixed = mixup(masked.features_BTF, config.mixup, seed=seeds[2])
            columns = heard_columns(columns, masked.heard_BT)
        precision = _AMP.get(config.workers.precision)
        with torch.autocast(self.device.type, dtype=precision, enabled=precision is not None):
            output = self.module(mixed.features_BTF)
        own = losses(output, columns, weights)
        if mixed.weight == 1:
            return own, own.total
        other = losses(output, {name: column[mixed.partner_B] for name, column in columns.items()}, weights)
        return own, mixed.weight * own.total + (1 - mixed.weight) * other.total

    def _train(self, stage: StageConfig) -> None:
        self.network.train()
        for name, module in self.network.named_modules():
            if name.startswith(stage.freeze):  # its batch norm keeps its statistics too
                module.eval()

    def _drop_frozen(self, stage: StageConfig) -> None:
        """Take the gradients of frozen parameters away: without one AdamW neither moves nor decays them."""
        for name, parameter in self.network.named_parameters():
            if name.startswith(stage.freeze):
                parameter.grad = None

    def _agree(self) -> None:
        """Give all workers the mean of their running statistics, so that they stay one model."""
        if not isinstance(self.module, DistributedDataParallel):
            return
        buffers = [buffer for buffer in self.network.buffers() if buffer.is_floating_point()]
        if not buffers:
            return
        joined = torch.cat([buffer.flatten() for buffer in buffers]) / dist.get_world_size()
        dist.all_reduce(joined)
        for buffer, mean in zip(buffers, torch.split(joined, [buffer.numel() for buffer in buffers]), strict=True):
            buffer.copy_(mean.view_as(buffer))

    def _copy(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def _follow(self) -> None:
        if self.average is None:
            return
        decay = self.config.optimiser.average
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor, 1 - decay)
            else:
                self.average[name].copy_(tensor)


def _unsynchronised(module: nn.Module) -> AbstractContextManager[None]:
    """Let gradients of a part of the batch add up without telling the other workers yet."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


def _joined(part: Part, before: Part | None) -> Part:
    """A part of the losses of two parts of a batch."""
    if before is None:
        return replace(part, sum=part.sum.detach())
    return Part(before.sum + part.sum.detach(), before.known + part.known, part.weight)


def _seeds(place: Sequence[int]) -> tuple[int, int, int]:
    """Of dropout, masks and mixtures."""
    first, second, third = np.random.SeedSequence(list(place)).generate_state(3).tolist()
    return first, second, third


def _onset_alone(config: LossConfig) -> LossConfig:
    """The loss for any onset and its place, and nothing else."""
    silent = {
        "presence": PresenceWeights(kick=0, snare=0, tom=0, cymbal=0, crash=0),
        "variation": VariationWeights(snare=0, tom=0, cymbal=0),
        "velocity_weight": 0.0,
        "margin_weight": 0.0,
    }
    return config.model_copy(update=silent)
