"""Frame metrics from activations and targets with masks, song after song.

Activations are probabilities, targets 1, 0 or -1 (masked: not counted). ROC-AUC and PR-AUC need all frames in order of
activation; here they come from histograms instead, which have a fixed size and can be added up. Bins are equal steps of
the logit, so they are finest near 0 and 1, where activations lie. Frames inside one bin count as ties, and the error
that this may cause is computed, not guessed (`Areas.roc_auc_error`): the areas of scikit-learn's `roc_auc_score` and
`average_precision_score` lie within it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.metrics.scores import ratio

NUM_BINS: Final = 4_096
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
    probability = np.clip(np.asarray(activations, dtype=np.float32), 1e-7, 1.0 - 1e-7)
    step = NUM_BINS / (2 * MAX_LOGIT)  # [bins / logit]
    logit = np.log(probability) - np.log1p(-probability)
    in_bin = np.clip((logit + MAX_LOGIT) * step, 0, NUM_BINS - 1).astype(np.int64)
    num_columns = targets.shape[1]
    row = 2 * np.arange(num_columns) + np.maximum(targets, 0)
    flat = (row * NUM_BINS + in_bin)[targets >= 0]
    return np.bincount(flat, minlength=2 * num_columns * NUM_BINS).reshape(num_columns, 2, NUM_BINS)


def areas(histogram: NDArray[np.int64]) -> Areas:
    """The areas under both curves of summed histograms [C, 2, `NUM_BINS`]."""
    # From the highest activation down.
    negative, positive = np.moveaxis(histogram[..., ::-1].astype(np.float64), -2, 0)
    fp, tp = np.cumsum(negative, axis=-1), np.cumsum(positive, axis=-1)
    num_negative, num_positive = fp[..., -1], tp[..., -1]
    all_pairs = num_positive * num_negative
    below = num_negative[..., None] - fp
    both = num_positive * np.where(num_negative > 0, 1.0, 0.0)
    precision = np.nan_to_num(ratio(tp, tp + fp))
    # Inside a bin the precision at any of its positives lies between these two, whatever their order.
    least = np.nan_to_num(ratio(tp - positive + 1, tp - positive + 1 + fp))
    most = np.nan_to_num(ratio(tp, tp + fp - negative))
    return Areas(
        num_positive=num_positive.astype(np.int64),
        num_negative=num_negative.astype(np.int64),
        roc_auc=ratio((positive * (below + negative / 2)).sum(axis=-1), all_pairs),
        roc_auc_error=ratio((positive * negative).sum(axis=-1) / 2, all_pairs),
        pr_auc=ratio((positive * precision).sum(axis=-1), both),
        pr_auc_error=ratio((positive * (most - least)).sum(axis=-1), both),
    )


def frame_counts(
    activations: NDArray[np.floating], targets: NDArray[np.integer], *, threshold: NDArray[np.floating] | float
) -> NDArray[np.int64]:
    """TP, FP, FN [C, `scores.COUNTS`] of frames [T, C] whose activation is at least the threshold [C] or []."""
    chosen = activations >= threshold
    right = [chosen & (targets == 1), chosen & (targets == 0), ~chosen & (targets == 1)]
    return np.stack([each.sum(axis=0) for each in right], axis=1)
