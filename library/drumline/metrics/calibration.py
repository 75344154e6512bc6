"""Do confidences mean what they say, and what to change if not: temperatures, thresholds, constant offsets.

``confidence`` [N] is a probability (never NaN), ``correct`` [N] whether the event (or frame) was right; excused
estimates (`metrics.judgement`) are left out before. All of this is fitted on a dev set and applied elsewhere.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, logsumexp

from drumline.metrics.scores import ratio

NUM_BINS: Final = 15
"""Equal bins of [0, 1], as Guo et al. 2017 use."""
_LEAST: Final = 1e-3
"""Probabilities of kinds below this are all alike: one stroke that was told with none at all must not decide."""
MAX_TEMPERATURE: Final = 20.0
"""Temperatures are sought between 1/20 and 20."""


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
    stated, outcome = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    in_bin = np.clip((stated * num_bins).astype(np.int64), 0, num_bins - 1)
    count = np.bincount(in_bin, minlength=num_bins)
    stated_sum, outcome_sum = (np.bincount(in_bin, values, minlength=num_bins) for values in (stated, outcome))
    return Reliability(
        count=count,
        mean_confidence=ratio(stated_sum, count),
        accuracy=ratio(outcome_sum, count),
        expected_error=float(ratio(np.abs(outcome_sum - stated_sum).sum(), len(stated))),
        brier=float(ratio(((stated - outcome) ** 2).sum(), len(stated))),
    )


def temperature(probability: ArrayLike, correct: ArrayLike) -> float:
    """The T > 0 that makes ``sigmoid(logit(p) / T)`` most likely: above 1 where the system is overconfident.

    NaN where the outcomes are all alike, as no finite T is best then.
    """
    logits, outcome = _logit(probability), np.asarray(correct, bool)
    if outcome.all() or not outcome.any():
        return float("nan")
    signed = np.where(outcome, logits, -logits)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0.0, -signed * np.exp(-log_temperature)).mean())

    from scipy.optimize import minimize_scalar  # a third of a second, which applying a calibration must not cost

    limit = np.log(MAX_TEMPERATURE)
    found = minimize_scalar(loss, bounds=(-limit, limit), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def cooled(probability: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities after a temperature: ``sigmoid(logit(p) / temperature)``."""
    cool: NDArray[np.float64] = expit(_logit(probability) / temperature)
    return cool


def _logit(probability: ArrayLike) -> NDArray[np.float64]:
    clipped: NDArray[np.float64] = logit(np.clip(np.asarray(probability, np.float64), 1e-12, 1.0 - 1e-12))
    return clipped


def shifts_of_kinds(probability: ArrayLike, kind: ArrayLike, *, most: float) -> NDArray[np.float64]:
    """Shifts of log-probabilities [N, K] that make the true kinds [N] most likely: [K], the first 0.

    Puts right a model that learnt from other shares of the kinds than there are. None is larger than ``most``: what a
    dev set holds is only an example. Source: Saerens, Latinne, Decaestecker, Neural Computation 14 (2002).
    """
    log_probability, is_kind = (
        np.log(np.maximum(np.asarray(probability, np.float64), _LEAST)),
        np.asarray(kind, np.int64),
    )
    from scipy.optimize import minimize  # here for its cost, as in `temperature`

    def loss(shifts: NDArray[np.float64]) -> float:
        scores = log_probability + np.append(0.0, shifts)
        return float((logsumexp(scores, axis=1) - scores[np.arange(len(scores)), is_kind]).mean())

    others = log_probability.shape[1] - 1
    found = minimize(loss, np.zeros(others), method="L-BFGS-B", bounds=[(-most, most)] * others)
    return np.append(0.0, found.x)


def best_threshold(confidence: ArrayLike, correct: ArrayLike, *, num_reference: int) -> Threshold:
    """The threshold of greatest F on a dev set: from estimates [N] matched once, without any threshold.

    Of equally good thresholds it takes the highest. It lies half-way to the next lower confidence, so that it does not
    hang on the last digit of one hit. (That an estimate which goes may free its partner for another is neglected.)
    """
    stated, right = np.asarray(confidence, np.float64), np.asarray(correct, bool)
    if not right.any():
        return Threshold(float("nan"), float("nan"))
    order = np.argsort(-stated, kind="stable")
    stated, kept, tp = stated[order], np.arange(1, len(stated) + 1), np.cumsum(right[order])
    last = np.append(stated[1:] != stated[:-1], True)  # equal confidences stand or fall together
    stated, f = stated[last], 2.0 * tp[last] / (kept[last] + num_reference)
    best = int(np.argmax(f))
    below = stated[best + 1] if best + 1 < len(stated) else 0.0
    return Threshold(float((stated[best] + below) / 2), float(f[best]))


def offset_correction_s(offset_s: ArrayLike, *, min_count: int = 30) -> float:
    """Seconds to add to a class's estimates: minus the median of its offsets; 0 with fewer than ``min_count``.

    Take the offsets from a window well wider than the error sought: what a window cuts off pulls the median to 0.
    """
    values = np.asarray(offset_s, np.float64)
    return -float(np.median(values)) if len(values) >= max(min_count, 1) else 0.0
