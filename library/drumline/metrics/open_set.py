"""How well a score tells known sounds from unknown ones: areas and the false alarms that a high recall costs.

Known samples are the positives and should score high. Ties stand or fall together. All three are scikit-learn's
(``roc_auc_score``, ``average_precision_score``, ``roc_curve``), computed for many weightings of the samples at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.metrics.scores import ratio

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Separation:
    """Arrays of the weights' leading shape; NaN where a side is empty."""

    auroc: Floats
    """The chance that a known sample scores above an unknown one, ties counting half."""
    auprc: Floats
    """Average precision for the known."""
    fpr_at_tpr: Floats
    """The share of unknown samples taken for known at the highest threshold that keeps enough of the known."""


@dataclass(frozen=True)
class Curve:
    """Shares accepted as known, from the highest threshold to the lowest [..., 1 + different scores]."""

    known: Floats
    """True-positive rate: share of the known samples that are accepted."""
    unknown: Floats
    """False-positive rate: share of the unknown samples that are accepted."""
    precision: Floats
    """The share of the known among what is accepted; NaN where nothing is."""


def curve(score: ArrayLike, known: ArrayLike, *, weight: ArrayLike | None = None) -> Curve:
    """The curve of N samples; ``weight`` [..., N] counts a sample so many times."""
    values, positive = np.asarray(score, np.float64), np.asarray(known, bool)
    counts = np.ones(len(values)) if weight is None else np.asarray(weight, np.float64)
    order = np.argsort(-values, kind="stable")
    last = np.flatnonzero(np.append(np.diff(values[order]) != 0, True)) if len(values) else np.zeros(0, np.int64)

    def accepted(side: NDArray[np.bool_]) -> Floats:
        total: Floats = np.cumsum(counts[..., order] * side[order], axis=-1)[..., last]
        return np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1)

    right, wrong = accepted(positive), accepted(~positive)
    return Curve(
        known=ratio(right, right[..., -1:]),
        unknown=ratio(wrong, wrong[..., -1:]),
        precision=ratio(right, right + wrong),
    )


def separation(score: ArrayLike, known: ArrayLike, *, weight: ArrayLike | None = None, tpr: float = 0.95) -> Separation:
    """Summary of the `curve`: AUROC and false-positive rate at a true-positive rate."""
    at = curve(score, known, weight=weight)
    steps = np.diff(at.known, axis=-1)
    empty = np.isnan(at.known[..., -1]) | np.isnan(at.unknown[..., -1])
    first = np.argmax(at.known >= tpr, axis=-1)[..., None]
    auroc = np.trapezoid(at.known, at.unknown, axis=-1)
    auprc = np.sum(np.where(steps > 0, steps * at.precision[..., 1:], 0.0), axis=-1)
    fpr = np.take_along_axis(at.unknown, first, axis=-1)[..., 0]
    return Separation(*(np.where(empty, np.nan, values) for values in (auroc, auprc, fpr)))
