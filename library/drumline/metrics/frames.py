"""Frame metrics from activations and targets with masks, song after song.

Activations are probabilities, targets 1, 0 or -1 (masked: not counted). ROC-AUC and PR-AUC need all frames in order of
activation; here they come from histograms instead, which have a fixed size and can be added up. Bins are equal steps of the
logit, so they are finest near 0 and 1, where activations lie; pairs inside one bin count as ties, and the error that
this may cause is computed, not guessed (`Curve.roc_auc_error`). The exact twin is scikit-learn's `roc_auc_score` and
`average_precision_score`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

NUM_BINS: Final = 2_048
MAX_LOGIT: Final = 16.0
"""Activations beyond ±this share the outermost bins: 1.1e-7 and 1 - 1.1e-7."""


@dataclass(frozen=True)
class Areas:
    """Per column [C]; NaN where positives or negatives are missing."""

    num_positive: NDArray[np.int64]
    num_negative: NDArray[np.int64]
    roc_auc: NDArray[np.float64]
    roc_auc_error: NDArray[np.float64]
    """The exact area lies within ± this."""
    pr_auc: NDArray[np.float64]
    """Average precision, as scikit-learn defines it: a step function, no interpolation."""
    pr_auc_error: NDArray[np.float64]


def frame_histogram(activations: NDArray[np.floating], targets: NDArray[np.integer]) -> NDArray[np.int64]:
    """Frames of [T, C] by target and activation [C, 2, `NUM_BINS`], to be summed over songs; row 1 holds positives."""
    raise NotImplementedError


def areas(histogram: NDArray[np.int64]) -> Areas:
    """The areas under both curves of summed histograms [C, 2, `NUM_BINS`]."""
    raise NotImplementedError


def frame_counts(
    activations: NDArray[np.floating], targets: NDArray[np.integer], threshold: NDArray[np.floating] | float
) -> NDArray[np.int64]:
    """TP, FP, FN [C, `scores.COUNTS`] of frames [T, C] whose activation is at least the threshold (one, or one each)."""
    raise NotImplementedError
