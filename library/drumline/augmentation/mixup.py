"""Mixup: each example of a batch with a little of another (Zhang et al., "mixup", ICLR 2018).

B batch, T frames, F features. Features are mixed linearly; the *losses* are mixed, not the targets::

    loss = weight * loss(output, targets) + (1 - weight) * loss(output, targets[partner])

For cross-entropies, which are linear in the target, that is mixup's own soft target. And it is sound where a mixed
target is none: -1 stays masked in its own term (a mean of "unknown" and "struck" means nothing), states stay whole
numbers, an offset is only asked for where its own example has an onset, a velocity unknown in one is still learnt from
the other. The union of both targets with full weight would be right for a sum of audio at equal levels, but not for
features of which a partner is a twentieth.
"""

from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from drumline.core.config import Config


class MixupConfig(Config):
    """How much of another example."""

    probability: float = Field(default=0.5, ge=0, le=1)
    """Of an example's being mixed."""
    alpha: float = Field(default=0.2, gt=0)
    """Of the Beta distribution of weights: the smaller, the nearer to 0 or 1."""


@dataclass(frozen=True, eq=False)
class Mixed:
    """A mixed batch."""

    features_BTF: Tensor
    partner_B: Tensor
    """int64: the row of the batch that was mixed into each; its own where none was."""
    weight_B: Tensor
    """float32, 0.5 to 1: the share of an example itself, in its features and in the loss."""


def mixup(features_BTF: Tensor, config: MixupConfig, *, seed: int) -> Mixed:
    """A batch mixed within itself, on its device; the same for the same seed on any device."""
    batch, random = len(features_BTF), np.random.default_rng(seed)
    partner = random.permutation(batch)
    share = random.beta(config.alpha, config.alpha, batch)
    # An example is itself first: the larger share is its own.
    weight = np.where(random.random(batch) < config.probability, np.maximum(share, 1 - share), 1.0)
    partner = np.where(weight < 1.0, partner, np.arange(batch))
    partner_B = torch.from_numpy(partner).to(features_BTF.device)
    weight_B = torch.from_numpy(weight.astype(np.float32)).to(features_BTF.device)
    own_B11 = weight_B[:, None, None].to(features_BTF.dtype)
    return Mixed(torch.lerp(features_BTF[partner_B], features_BTF, own_B11), partner_B, weight_B)
