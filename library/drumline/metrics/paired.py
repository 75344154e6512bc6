"""How two paired quantities differ: sums of a song that can be added up, and what they say.

Serves velocity and hi-hat openness (0 to 1) of matched hits. The difference is estimate minus reference, so a positive
bias means that the estimate is too loud, or too open. Correlation is Pearson's over all pairs together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.metrics.events import Events
from drumline.metrics.judgement import Judgement


@dataclass(frozen=True)
class PairedErrors:
    """Arrays of one shape, NaN where there is no pair (correlation: or no spread)."""

    num_pairs: NDArray[np.int64]
    mean_absolute: NDArray[np.float64]
    bias: NDArray[np.float64]
    correlation: NDArray[np.float64]


def moments(reference: ArrayLike, estimate: ArrayLike) -> NDArray[np.float64]:
    """Sums [7] over pairs that are both known (not NaN): of 1, |e - r|, e, r, e², r² and e·r."""
    raise NotImplementedError


def paired_errors(sums: NDArray[np.float64]) -> PairedErrors:
    """What sums [..., 7] of `moments` say: arrays of shape [...]."""
    raise NotImplementedError


def velocity_moments(
    reference: Events, estimate: Events, judgement: Judgement, *, num_classes: int
) -> NDArray[np.float64]:
    """Sums [C, 7] over the true positives of each class with known velocities."""
    raise NotImplementedError


def openness_moments(reference: Events, estimate: Events, judgement: Judgement) -> NDArray[np.float64]:
    """Sums [7] over the true positives with known openness: hi-hats, whatever the vocabulary calls them."""
    raise NotImplementedError
