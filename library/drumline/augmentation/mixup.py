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
    """Probability that a batch is mixed."""
    alpha: float = Field(default=0.2, gt=0)
    """Parameter of the Beta distribution of weights: small values give weights near 0 or 1."""


@dataclass(frozen=True, eq=False)
class Mixed:
    """A mixed batch."""

    features_BTF: Tensor
    partner_B: Tensor
    """int64: the row of the batch that was mixed into each."""
    weight: float
    """0.5 to 1: the share of an example itself, in its features and in the loss; 1 where nothing was mixed."""


def mixup(features_BTF: Tensor, config: MixupConfig, *, seed: int) -> Mixed:
    """A batch mixed within itself, on its device; the same for the same seed on any device.

    One weight for the whole batch, as in the paper's own code, so that the mixed loss is that of two sets of targets.
    """
    random = np.random.default_rng(seed)
    partner_B = torch.from_numpy(random.permutation(len(features_BTF))).to(features_BTF.device)
    share = random.beta(config.alpha, config.alpha)
    if random.random() >= config.probability:
        return Mixed(features_BTF, partner_B, 1.0)
    weight = max(share, 1 - share)  # an example is itself first: the larger share is its own
    return Mixed(torch.lerp(features_BTF[partner_B], features_BTF, weight), partner_B, weight)
