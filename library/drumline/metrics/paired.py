"""How two paired quantities differ: sums of a song that can be added up, and what they say.

Serves velocity and hi-hat openness (0 to 1) of matched hits. The difference is estimate minus reference, so a positive
bias means that the estimate is too loud, or too open. Correlation is Pearson's over all pairs together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.core.hit_arrays import Events
from drumline.metrics.judgement import Judgement
from drumline.metrics.scores import ratio


@dataclass(frozen=True)
class PairedErrors:
    """Arrays of one shape, NaN where there is no pair (correlation: or no spread)."""

    num_pairs: NDArray[np.int64]
    mean_absolute: NDArray[np.float64]
    bias: NDArray[np.float64]
    correlation: NDArray[np.float64]


def moments(reference: ArrayLike, estimate: ArrayLike) -> NDArray[np.float64]:
    """Sums [7] over pairs that are both known (not NaN): of 1, |e - r|, e, r, e², r² and e·r."""
    r, e = np.broadcast_arrays(np.asarray(reference, np.float64), np.asarray(estimate, np.float64))
    known = ~(np.isnan(r) | np.isnan(e))
    r, e = r[known], e[known]
    return np.array([len(r), np.abs(e - r).sum(), e.sum(), r.sum(), e @ e, r @ r, e @ r])


def paired_errors(sums: NDArray[np.float64]) -> PairedErrors:
    """Error statistics of sums [..., 7] of `moments`: arrays of shape [...]."""
    n, absolute, e, r, ee, rr, er = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    spread_e, spread_r = (np.maximum(n * squares - total**2, 0.0) for squares, total in ((ee, e), (rr, r)))
    spread = np.sqrt(spread_e * spread_r)
    # What rounding leaves of a constant's spread is none.
    varied = (spread_e > 1e-9 * n * ee) & (spread_r > 1e-9 * n * rr)
    correlation = ratio(n * er - e * r, np.where(varied, spread, 0.0))
    return PairedErrors(
        num_pairs=n.astype(np.int64),
        mean_absolute=ratio(absolute, n),
        bias=ratio(e - r, n),
        correlation=np.clip(correlation, -1.0, 1.0),
    )


def velocity_moments(
    reference: Events, estimate: Events, *, judgement: Judgement, num_classes: int
) -> NDArray[np.float64]:
    """Sums [C, 7] over the true positives of each class with known velocities."""
    reference_rows, given = judgement.pairs.T
    drums = judgement.reference_class[reference_rows]
    return np.stack(
        [
            moments(reference.velocity[reference_rows[drums == drum]], estimate.velocity[given[drums == drum]])
            for drum in range(num_classes)
        ]
    )


def openness_moments(reference: Events, estimate: Events, *, judgement: Judgement) -> NDArray[np.float64]:
    """Sums [7] over the true positives with known openness: hi-hats, whatever the vocabulary calls them."""
    reference_rows, given = judgement.pairs.T
    return moments(reference.openness[reference_rows], estimate.openness[given])
