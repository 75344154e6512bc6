"""Where a branch's weakness lies, told without a threshold.

The area under the ROC curve asks whether the network ranks onsets above silence at all; F asks whether the decoded hits
are right. An area that is high with a low F means that the network knows and the decoding does not: look at
thresholds, peak picking, timing. A low area means that the network itself does not know: more data, better features.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from drumline.core.config import Config

Finding = Literal["good", "threshold problem", "model problem", "not enough data"]


class VerdictConfig(Config):
    """Where high begins and low ends."""

    min_roc_auc: float = Field(default=0.95, ge=0, le=1)
    """Below it the model does not separate onsets from silence. Frames are mostly easy silence, so 0.9 is poor."""
    min_f: float = Field(default=0.8, ge=0, le=1)
    """Event F of the branch at 50 ms from which decoding counts as good."""
    min_num_reference: int = Field(default=100, ge=1)
    """Reference hits below which nothing is said."""


@dataclass(frozen=True)
class Verdict:
    """Verdict on a branch with its reasons."""

    branch: str
    finding: Finding
    reason: str
    """One sentence with the numbers and limits."""


def verdict(branch: str, *, roc_auc: float, f: float, num_reference: int, config: VerdictConfig) -> Verdict:
    """The finding for one branch. NaN for either number is "not enough data"."""
    if np.isnan(roc_auc) or np.isnan(f) or num_reference < config.min_num_reference:
        return Verdict(
            branch, "not enough data", f"{num_reference} reference hits, at least {config.min_num_reference} are needed"
        )
    numbers = f"frame AUC {roc_auc:.3f} (limit {config.min_roc_auc:g}), F {f:.3f} (limit {config.min_f:g})"
    if roc_auc < config.min_roc_auc:
        return Verdict(branch, "model problem", f"{numbers}: the activations do not tell onsets from silence")
    if f < config.min_f:
        return Verdict(branch, "threshold problem", f"{numbers}: the activations know, the decoded hits do not show it")
    return Verdict(branch, "good", numbers)
