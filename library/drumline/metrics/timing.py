"""Onset offsets of matched hits: ``offset_s = estimate - reference``, so positive means that the estimate is late.

Medians need all offsets of all songs together: `offsets` gives one song's, `timing` takes any number of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumline.core.hit_arrays import Events
from drumline.metrics.judgement import Judgement


@dataclass(frozen=True)
class Offsets:
    """Offsets of K true positives."""

    drum: NDArray[np.int64]
    """The class [K] in the vocabulary of the judgement."""
    offset_s: NDArray[np.float64]
    """Estimate minus reference [K]."""


@dataclass(frozen=True)
class Timing:
    """Per class [C]; NaN where a class has no pair."""

    num_pairs: NDArray[np.int64]
    median_s: NDArray[np.float64]
    mean_s: NDArray[np.float64]
    deviation_s: NDArray[np.float64]
    """Standard deviation."""
    spread_s: NDArray[np.float64]
    """Median absolute deviation from the median: what outliers at the window's edge cannot move."""


def offsets(reference: Events, estimate: Events, *, judgement: Judgement) -> Offsets:
    """The offsets of one song's true positives."""
    reference_rows, given = judgement.pairs.T
    return Offsets(judgement.reference_class[reference_rows], estimate.time_s[given] - reference.time_s[reference_rows])


def timing(drum: NDArray[np.int64], offset_s: NDArray[np.float64], *, num_classes: int) -> Timing:
    """Statistics per class of offsets [K] with their classes [K], of one song or of many together."""
    median, mean, deviation, spread = (np.full(num_classes, np.nan) for _ in range(4))
    for each in np.unique(drum):
        values = offset_s[drum == each]
        median[each], mean[each], deviation[each] = np.median(values), values.mean(), values.std()
        spread[each] = np.median(np.abs(values - median[each]))
    return Timing(np.bincount(drum, minlength=num_classes), median, mean, deviation, spread)
