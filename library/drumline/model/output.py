"""Outputs of a network: logits per frame, and the activations that follow from them.

The probability of a class is that of its instrument times that of its kind, given the instrument.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from drumline.model.branches import INSTRUMENT_OF, INSTRUMENTS, PREDICTED, VARIATIONS

# B batch, T frames, I instruments (6), K kinds of an instrument, S states of the rhythm cymbal (3), C classes (11)


class Activations(NamedTuple):
    """Activations that decoding and evaluation read. A tuple, so that it can be exported and compiled."""

    classes_BTC: Tensor
    """Probability of each class of `branches.PREDICTED`."""
    velocity_BTC: Tensor
    """Loudness, 0 to 1, if the class is struck."""
    onset_BT: Tensor
    """Probability that any drum is struck."""
    offset_BT: Tensor
    """Frames from the frame's centre to the onset, if there is one."""


@dataclass(frozen=True)
class Output:
    """Logits of the hierarchical network."""

    presence_BTI: Tensor
    """Log-odds that an instrument is struck, in the order of `branches.INSTRUMENTS`."""
    variation: Mapping[str, Tensor]
    """Instrument of `branches.VARIATIONS` -> logits of its kinds, [B, T, K]."""
    velocity_BTI: Tensor
    """Logits of the loudness of each instrument."""
    onset_BT: Tensor
    offset_BT: Tensor
    """Frames; no logit."""
    cymbal_BTS: Tensor | None
    """Logits of none, hi-hat and ride where one softmax decides; their log-odds stand in ``presence_BTI`` as well."""

    def activations(self) -> Activations:
        """Probabilities, in float32 whatever the logits' precision."""
        struck_BTI = self.presence_BTI.float().sigmoid()
        kinds = {name: logits.float().softmax(dim=2) for name, logits in self.variation.items()}

        def probability(name: str) -> Tensor:
            instrument = INSTRUMENT_OF[name]
            struck_BT = struck_BTI[..., INSTRUMENTS.index(instrument)]
            if instrument not in kinds:
                return struck_BT
            return struck_BT * kinds[instrument][..., VARIATIONS[instrument].index(name)]

        classes_BTC = torch.stack([probability(name) for name in PREDICTED], dim=2)
        return _activations(classes_BTC, self.velocity_BTI, onset_BT=self.onset_BT, offset_BT=self.offset_BT)


@dataclass(frozen=True)
class FlatOutput:
    """Logits of the flat baseline: one for each class, all independent."""

    classes_BTC: Tensor
    velocity_BTI: Tensor
    onset_BT: Tensor
    offset_BT: Tensor

    def activations(self) -> Activations:
        """Probabilities, in float32 whatever the logits' precision."""
        classes_BTC = self.classes_BTC.float().sigmoid()
        return _activations(classes_BTC, self.velocity_BTI, onset_BT=self.onset_BT, offset_BT=self.offset_BT)


def _activations(classes_BTC: Tensor, velocity_BTI: Tensor, *, onset_BT: Tensor, offset_BT: Tensor) -> Activations:
    columns = [INSTRUMENTS.index(INSTRUMENT_OF[name]) for name in PREDICTED]
    velocity_BTC = velocity_BTI.float().sigmoid()[..., columns]
    return Activations(classes_BTC, velocity_BTC, onset_BT=onset_BT.float().sigmoid(), offset_BT=offset_BT.float())
