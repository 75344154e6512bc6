"""A network that learns: one step from a batch to better weights, on any device. No files, no Ray, no loop.

Everything random in a step follows from the seed and the step's number, so nothing of it needs to be saved.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.parallel import DistributedDataParallel

from drumline.core.errors import ConfigError, DrumlineError
from drumline.features.logmel_torch import LogMel
from drumline.model.losses import LossConfig, PresenceWeights, VariationWeights, losses
from drumline.model.network import HierarchicalDrumCRNN
from drumline.training.config import TrainConfig
from drumline.training.progress import StageConfig

# B batch, N samples, T frames

_AMP = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Learner:
    """Network, optimiser and all that changes with a step. ``wrap`` makes the network one of several (DDP)."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        self.features = LogMel(config.features).to(device)
        self.network = HierarchicalDrumCRNN(config.model).to(device)
        self.module: nn.Module = self.network
        if config.workers.compile:
            self.network.compile()
        self.optimiser = torch.optim.AdamW(self.network.parameters(), weight_decay=config.optimiser.weight_decay)
        self.scaler = GradScaler(device.type, enabled=config.workers.precision == "fp16")
        self.average = self._copy() if config.optimiser.average else None

    def step(
        self, samples_BN: Tensor, columns: Mapping[str, Tensor], *, rate: float, stage: StageConfig, seed: Sequence[int]
    ) -> dict[str, float]:
        """One step on this worker's part of a batch; gives the means of the losses by name, and ``gradient_norm``.

        ``columns`` are the label columns [B, T]. Raises DrumlineError where the loss is no longer a number.
        """
        torch.manual_seed(_mixed(seed))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self._train(stage)
        weights = _onset_alone(self.config.losses) if stage.onset_only else self.config.losses
        told: dict[str, float] = {}
        parts = min(self.config.optimiser.accumulate, len(samples_BN))
        for part in range(parts):
            some = slice(part * len(samples_BN) // parts, (part + 1) * len(samples_BN) // parts)
            last = part == parts - 1
            with nullcontext() if last else _unsynchronised(self.module):
                with torch.no_grad():
                    spectra_BTF = self.features(samples_BN[some])
                with torch.autocast(self.device.type, **self._precision()):
                    output = self.module(spectra_BTF)
                found = losses(output, {name: column[some] for name, column in columns.items()}, weights)
                share = (some.stop - some.start) / len(samples_BN)
                torch.autograd.backward(self.scaler.scale(found.total * share))
            told["loss"] = told.get("loss", 0.0) + float(found.total.detach()) * share
            for name, one in found.parts.items():
                told[name] = told.get(name, 0.0) + float(one.mean.detach()) * share
        self.scaler.unscale_(self.optimiser)
        self._drop_frozen(stage)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.optimiser.clip_norm)
        if not self.scaler.is_enabled() and not torch.isfinite(norm):
            raise DrumlineError(f"the gradient is {float(norm)} (loss {told['loss']}): a lower peak rate, or clipping?")
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        self._follow()
        return told | {"gradient_norm": float(norm)}

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

        Raises ConfigError where ``strict`` and a name or a shape differs.
        """
        own = self.network.state_dict()
        fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
        left = sorted((own.keys() | weights.keys()) - fitting.keys())
        if left and strict:
            raise ConfigError(
                f"{place}: {len(left)} weights do not fit, {left[0]} first; start.strict=false takes the rest"
            )
        self.network.load_state_dict({**own, **fitting})
        if self.average is not None:
            self.average = self._copy()
        return left

    def judged(self) -> Mapping[str, Tensor]:
        """The weights to judge and keep: the average where there is one."""
        return self.average if self.average is not None else self.network.state_dict()

    def _precision(self) -> dict[str, Any]:
        kind = _AMP.get(self.config.workers.precision)
        return {"enabled": False} if kind is None else {"dtype": kind}

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


def _mixed(seed: Sequence[int]) -> int:
    return int(np.random.SeedSequence(list(seed)).generate_state(1)[0])


def _onset_alone(config: LossConfig) -> LossConfig:
    """The loss for any onset and its place, and nothing else."""
    silent = {
        "presence": PresenceWeights(kick=0, snare=0, tom=0, cymbal=0, crash=0),
        "variation": VariationWeights(snare=0, tom=0, cymbal=0),
        "velocity_weight": 0.0,
        "margin_weight": 0.0,
    }
    return config.model_copy(update=silent)
