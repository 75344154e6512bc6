"""One training step: forward and backward pass, optimiser, running averages, on any device. No files, no Ray, no loop.

All random numbers of a step follow from its position in the run, so no generator state is saved. A batch is processed
in micro-batches, one after the other (``accumulate``) or on several workers; micro-batch k uses the same random numbers
either way.
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
    """Network, optimiser and everything else that a training step changes.

    Parameters
    ----------
    config
        Configuration of the run.
    device
        Device of the network.
    rank
        Rank of the worker.

    Raises
    ------
    ConfigError
        A stage freezes parameters that do not exist.
    """

    def __init__(self, config: TrainConfig, device: torch.device, *, rank: int = 0) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device, self.rank = config, device, rank
        self.features = LogMel(config.features).to(device)
        self.network = HierarchicalDrumCRNN(config.model).to(device)
        self.module: nn.Module = self.network
        """Module of the forward pass: the network, or its distributed wrapper."""
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
        """Join the workers of an initialised `torch.distributed` group, which share each step."""
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
        seed: Sequence[int],
    ) -> dict[str, float]:
        """Train on this worker's part of a batch.

        Parameters
        ----------
        samples_BN
            Audio of the windows, float32 [B, N], 22,050 Hz.
        columns
            Label columns [B, T] by name.
        rate
            Learning rate.
        stage
            Current stage, for frozen parameters and losses.
        seed
            Random seed of the step: seed of the run, epoch and step.

        Returns
        -------
        dict
            Mean losses by name, and ``gradient_norm``.

        Raises
        ------
        Diverged
            The loss or the gradient is NaN or infinite.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self._train(stage)
        loss, loss_parts = torch.zeros((), device=self.device), dict[str, Part]()
        parts = min(self.config.optimiser.accumulate, len(samples_BN))
        for part in range(parts):
            rows = slice(part * len(samples_BN) // parts, (part + 1) * len(samples_BN) // parts)
            share = (rows.stop - rows.start) / len(samples_BN)
            seeds = _seeds((*seed, self.rank * parts + part))
            with nullcontext() if part == parts - 1 else _without_sync(self.module):
                part_columns = {name: column[rows] for name, column in columns.items()}
                part_losses, total = self._losses(samples_BN[rows], part_columns, stage=stage, seeds=seeds)
                torch.autograd.backward(self.scaler.scale(total * share))
            loss += total.detach() * share
            loss_parts = {name: _joined(part, loss_parts.get(name)) for name, part in part_losses.parts.items()}
        self.scaler.unscale_(self.optimiser)
        self._drop_frozen(stage)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optimiser.clip_norm)
        tensors = {"loss": loss, **{name: part.mean for name, part in loss_parts.items()}, "gradient_norm": norm}
        # One transfer waits for a GPU only once.
        values = dict(zip(tensors, torch.stack(list(tensors.values())).tolist(), strict=True))
        # fp16's gradient scaler skips steps with a too large gradient; it cannot repair a NaN loss.
        watched = ("loss",) if self.scaler.is_enabled() else ("loss", "gradient_norm")
        if not np.isfinite([values[name] for name in watched]).all():
            raise Diverged(
                f"the gradient is {values['gradient_norm']} (loss {values['loss']}): a lower peak rate, or clipping?"
            )
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        self._average_buffers()
        self._update_average()
        return values

    def inference_network(self) -> HierarchicalDrumCRNN:
        """Copy of the network in evaluation mode, with the moving average of the weights if there is one."""
        network = deepcopy(self.network)
        if self.average is not None:
            network.load_state_dict(self.average)
        return network.eval()

    def state(self) -> dict[str, Any]:
        """State that a step changes, as stored in `checkpoints.Checkpoint`."""
        return {
            "model": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore a `state`."""
        self.network.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}

    def start_from(self, weights: Mapping[str, Tensor], *, strict: bool, uri: str) -> list[str]:
        """Load initial weights of another model.

        Parameters
        ----------
        weights
            Tensors by parameter name.
        strict
            Require all names and shapes to match.
        uri
            Source of the weights, for errors.

        Returns
        -------
        list of str
            Names of tensors that do not match.

        Raises
        ------
        ConfigError
            Tensors do not match in strict mode, or none matches.
        """
        current = self.network.state_dict()
        matching = {
            name: value for name, value in weights.items() if name in current and current[name].shape == value.shape
        }
        skipped = sorted((current.keys() | weights.keys()) - matching.keys())
        if not matching or (skipped and strict):
            hint = "; start.strict=false loads the others" if matching else ""
            raise ConfigError(f"{uri}: {len(skipped)} weights do not fit, {skipped[0]} first{hint}")
        self.network.load_state_dict({**current, **matching})
        if self.average is not None:
            self.average = self._copy()
        return skipped

    def _losses(
        self, samples_BN: Tensor, columns: Mapping[str, Tensor], *, stage: StageConfig, seeds: tuple[int, int, int]
    ) -> tuple[Losses, Tensor]:
        """Losses of a micro-batch, and the total to minimise, which mixup combines from two sets of labels."""
        torch.manual_seed(seeds[0])
        config = self.config
        weights = _onset_only(config.losses) if stage.onset_only else config.losses
        with torch.no_grad():
            spectra_BTF = self.features(samples_BN)
            masked = spec_augment(spectra_BTF, config.spec_augment, bands=config.features.bands, seed=seeds[1])
            mixed = mixup(masked.features_BTF, config.mixup, seed=seeds[2])
            columns = heard_columns(columns, masked.heard_BT)
        precision = _AMP.get(config.workers.precision)
        with torch.autocast(self.device.type, dtype=precision, enabled=precision is not None):
            output = self.module(mixed.features_BTF)
        main = losses(output, columns, weights)
        if mixed.weight == 1:
            return main, main.total
        partner = losses(output, {name: column[mixed.partner_B] for name, column in columns.items()}, weights)
        return main, mixed.weight * main.total + (1 - mixed.weight) * partner.total

    def _train(self, stage: StageConfig) -> None:
        self.network.train()
        for name, module in self.network.named_modules():
            if name.startswith(stage.freeze):  # frozen batch norm keeps its statistics too
                module.eval()

    def _drop_frozen(self, stage: StageConfig) -> None:
        """Remove the gradients of frozen parameters, so that AdamW neither updates nor decays them."""
        for name, parameter in self.network.named_parameters():
            if name.startswith(stage.freeze):
                parameter.grad = None

    def _average_buffers(self) -> None:
        """Average BatchNorm buffers across ranks."""
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

    def _update_average(self) -> None:
        """Update the exponential moving average of the weights."""
        if self.average is None:
            return
        decay = self.config.optimiser.average
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor, 1 - decay)
            else:
                self.average[name].copy_(tensor)


def _without_sync(module: nn.Module) -> AbstractContextManager[None]:
    """Accumulate gradients of a micro-batch without synchronising workers."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


def _joined(part: Part, before: Part | None) -> Part:
    """Sum one loss over two micro-batches."""
    if before is None:
        return replace(part, sum=part.sum.detach())
    return Part(before.sum + part.sum.detach(), before.known + part.known, part.weight)


def _seeds(seed: Sequence[int]) -> tuple[int, int, int]:
    """Random seeds of dropout, SpecAugment and mixup."""
    first, second, third = np.random.SeedSequence(list(seed)).generate_state(3).tolist()
    return first, second, third


def _onset_only(config: LossConfig) -> LossConfig:
    """Loss weights with only the losses of onset and onset time."""
    zero_weights = {
        "presence": PresenceWeights(kick=0, snare=0, tom=0, cymbal=0, crash=0),
        "variation": VariationWeights(snare=0, tom=0, cymbal=0),
        "velocity_weight": 0.0,
        "margin_weight": 0.0,
    }
    return config.model_copy(update=zero_weights)
