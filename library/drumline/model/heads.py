"""From shared features to logits: five branches and the onset heads, or one flat layer to compare them with."""

import math
from typing import Final

import torch
from torch import Tensor, nn

from drumline.model.branches import BRANCHES, INSTRUMENTS, PREDICTED, VARIATIONS
from drumline.model.config import ModelConfig
from drumline.model.output import FlatOutput, Output

# B batch, T frames, D features, I instruments, K kinds, S states of the rhythm cymbal, C classes

PRIOR: Final = 0.02
"""Probability of a stroke at a frame that an untrained network states: a few strokes a second, 172 frames. Starting
from one half, the first steps would do nothing but learn that strokes are rare (Lin et al., ICCV 2017)."""


class Branch(nn.Module):
    """A hidden layer, then presence, kinds and loudness of the branch's instruments, in one layer's columns."""

    def __init__(self, num_features: int, name: str, config: ModelConfig) -> None:
        super().__init__()
        self.instruments = BRANCHES[name]
        self.exclusive = len(self.instruments) > 1 and config.cymbal == "softmax"
        self.sizes = [len(self.instruments) + self.exclusive, len(self.instruments)]
        self.sizes += [len(VARIATIONS[each]) for each in self.instruments if each in VARIATIONS]
        self.hidden = _hidden(num_features, config.branch_width, config.dropout)
        self.out = nn.Linear(config.branch_width, sum(self.sizes))
        with torch.no_grad():
            struck = slice(int(self.exclusive), self.sizes[0])  # "none" keeps 0: the others' log-odds are against it
            self.out.bias[: self.sizes[0]] = 0.0
            self.out.bias[struck] = _log_odds(PRIOR)

    def forward(self, x_BTD: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Presence logits (states where they exclude each other), velocity logits, kinds by instrument."""
        presence, velocity, *kinds = self.out(self.hidden(x_BTD)).split(self.sizes, dim=2)
        varied = [each for each in self.instruments if each in VARIATIONS]
        return presence, velocity, dict(zip(varied, kinds, strict=True))


class HierarchicalHeads(nn.Module):
    """Features ``[B, T, D]`` to an `Output`."""

    def __init__(self, num_features: int, config: ModelConfig) -> None:
        super().__init__()
        self.branches = nn.ModuleDict({name: Branch(num_features, name, config) for name in BRANCHES})
        self.onset = _onset_head(num_features)

    def forward(self, x_BTD: Tensor) -> Output:
        presence, velocity = [], []
        variation: dict[str, Tensor] = {}
        cymbal_BTS = None
        for branch in self.branches.values():
            logits, loudness, kinds = branch(x_BTD)
            if branch.exclusive:
                cymbal_BTS = logits
                logits = _against_the_rest(logits)
            presence.append(logits)
            velocity.append(loudness)
            variation |= kinds
        onset_BT, offset_BT = self.onset(x_BTD).unbind(2)
        return Output(
            presence_BTI=torch.cat(presence, dim=2),
            variation=variation,
            velocity_BTI=torch.cat(velocity, dim=2),
            onset_BT=onset_BT,
            offset_BT=offset_BT,
            cymbal_BTS=cymbal_BTS,
        )


class FlatHeads(nn.Module):
    """Features ``[B, T, D]`` to a `FlatOutput`: the baseline without a hierarchy."""

    def __init__(self, num_features: int, config: ModelConfig) -> None:
        super().__init__()
        width = len(BRANCHES) * config.branch_width
        self.hidden = _hidden(num_features, width, config.dropout)
        self.classes = nn.Linear(width, len(PREDICTED))
        self.velocity = nn.Linear(width, len(INSTRUMENTS))
        self.onset = _onset_head(num_features)
        nn.init.constant_(self.classes.bias, _log_odds(PRIOR))

    def forward(self, x_BTD: Tensor) -> FlatOutput:
        hidden_BTD = self.hidden(x_BTD)
        onset_BT, offset_BT = self.onset(x_BTD).unbind(2)
        return FlatOutput(
            classes_BTC=self.classes(hidden_BTD),
            velocity_BTI=self.velocity(hidden_BTD),
            onset_BT=onset_BT,
            offset_BT=offset_BT,
        )


def _hidden(num_features: int, width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(num_features, width), nn.ReLU(), nn.Dropout(dropout))


def _onset_head(num_features: int) -> nn.Linear:
    """Two columns: log-odds of any onset, and the sub-frame offset."""
    head = nn.Linear(num_features, 2)
    with torch.no_grad():
        head.bias.copy_(torch.tensor([_log_odds(PRIOR), 0.0]))
    return head


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _against_the_rest(states_BTS: Tensor) -> Tensor:
    """Log-odds of each state but the first against all others together, so that its sigmoid is the softmax."""
    others = [
        torch.cat([states_BTS[..., :state], states_BTS[..., state + 1 :]], dim=2).logsumexp(dim=2)
        for state in range(1, states_BTS.shape[2])
    ]
    return states_BTS[..., 1:] - torch.stack(others, dim=2)
