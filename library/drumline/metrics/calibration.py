"""Do confidences mean what they say, and what to change if not: temperatures, thresholds, constant offsets.

``confidence`` [N] is a probability, ``correct`` [N] whether the event (or frame) was right. All of this is fitted on a
dev set and applied elsewhere.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

NUM_BINS: Final = 15
"""Equal bins of [0, 1], as Guo et al. 2017 use."""


@dataclass(frozen=True)
class Reliability:
    """Per bin of confidence, and in sum."""

    count: NDArray[np.int64]
    mean_confidence: NDArray[np.float64]
    """NaN for an empty bin."""
    accuracy: NDArray[np.float64]
    """NaN for an empty bin."""
    expected_error: float
    """ECE: the mean of |accuracy - mean_confidence| over bins, weighted by count; NaN without events."""
    brier: float
    """The mean squared difference of confidence and outcome; NaN without events."""


@dataclass(frozen=True)
class Threshold:
    """Keep what has at least this confidence."""

    confidence: float
    """NaN where nothing can be said (no right estimate at all)."""
    f: float
    """The F that it reaches on the data it was chosen from."""


def reliability(confidence: ArrayLike, correct: ArrayLike, *, num_bins: int = NUM_BINS) -> Reliability:
    """The reliability curve with its two summary errors."""
    raise NotImplementedError


def temperature(probability: ArrayLike, correct: ArrayLike) -> float:
    """The T > 0 that makes ``sigmoid(logit(p) / T)`` most likely: above 1 where the system is overconfident.

    NaN where the outcomes are all alike, as no finite T is best then.
    """
    raise NotImplementedError


def cooled(probability: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities after a temperature: ``sigmoid(logit(p) / temperature)``."""
    raise NotImplementedError


def best_threshold(confidence: ArrayLike, correct: ArrayLike, *, num_reference: int) -> Threshold:
    """The threshold of greatest F on a dev set: from estimates [N] matched once, without any threshold.

    Of equally good thresholds it takes the highest. It lies half-way to the next lower confidence, so that
    it does not hang on the last digit of one hit. (That the matching would differ a little under another threshold is
    neglected: an estimate that goes may free its partner for another.)
    """
    raise NotImplementedError


def offset_correction_s(offset_s: ArrayLike, *, min_count: int = 30) -> float:
    """Seconds to add to a class's estimates: minus the median of its offsets; 0 with fewer than ``min_count``."""
    raise NotImplementedError
