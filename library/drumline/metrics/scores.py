"""Precision, recall and F from counts of true positives, false positives and false negatives.

Each is defined for every count, and NaN says "no answer", not 0:

=========  ========  ==========  ==========  ===============
reference  estimate  precision   recall      F
=========  ========  ==========  ==========  ===============
hits       hits      TP/(TP+FP)  TP/(TP+FN)  2TP/(2TP+FP+FN)
hits       none      NaN         0           0
none       hits      0           NaN         0
none       none      NaN         NaN         NaN
=========  ========  ==========  ==========  ===============

(mir_eval gives 0 in each of the last three rows.) *Micro* scores come from counts summed over classes. *Macro* scores
are means over the classes that occur in the reference; there a class that was never estimated has precision 0, so
that silence raises no mean.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

COUNTS: Final = ("tp", "fp", "fn")
"""The last axis of all counts."""


@dataclass(frozen=True)
class Scores:
    """Arrays of one shape, float64."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f: NDArray[np.float64]


def scores(counts: ArrayLike) -> Scores:
    """Scores of counts [..., 3] in the order of `COUNTS`: shape [...]."""
    tp, fp, fn = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    return Scores(ratio(tp, tp + fp), ratio(tp, tp + fn), ratio(2 * tp, 2 * tp + fp + fn))


def micro(counts: ArrayLike) -> Scores:
    """Scores over the classes of one vocabulary [..., C, 3] taken together: shape [...]."""
    return scores(np.asarray(counts).sum(axis=-2))


def macro(counts: ArrayLike) -> Scores:
    """Mean scores over the classes [..., C, 3] that occur in the reference: shape [...], NaN where none occurs."""
    array = np.asarray(counts, dtype=np.float64)
    occurs = array[..., 0] + array[..., 2] > 0
    each = scores(array)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return ratio(np.where(occurs, np.nan_to_num(values), 0.0).sum(axis=-1), occurs.sum(axis=-1))

    return Scores(mean(each.precision), mean(each.recall), mean(each.f))


def false_positives_per_minute(counts: ArrayLike, duration_s: ArrayLike) -> NDArray[np.float64]:
    """False alarms a minute of counts [..., 3]; ``duration_s`` broadcasts against [...]. NaN for no duration."""
    return ratio(np.asarray(counts, dtype=np.float64)[..., 1] * 60.0, duration_s)


def table(indices: tuple[NDArray[np.integer], ...], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """How often each cell occurs [*shape]: one array [K] of indices for each axis."""
    return np.bincount(np.ravel_multi_index(indices, shape), minlength=math.prod(shape)).reshape(shape)


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """Their quotient, NaN where the denominator is 0. Shapes broadcast."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    quotient = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom != 0)
    return quotient
