"""Outcome of each single hit in one vocabulary, for uses that need the pairs and not only their number.

The rules are `metrics.tally`'s, hit by hit, so the counts agree with it; of the matchings with those counts it is one
of least total distance within each class.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import OUTSIDE, Vocabulary, within
from drumline.metrics.matching import match_preferring


@dataclass(frozen=True)
class Judgement:
    """N reference hits, M estimates, C classes of a vocabulary."""

    reference_class: NDArray[np.int64]
    """The class of each reference hit [N]; -1: none for certain, so not wanted."""
    estimate_class: NDArray[np.int64]
    """The class of each estimate [M]; -1: none for certain, so not scored."""
    reference_partner: NDArray[np.int64]
    """The estimate that found each reference hit [N], -1 where missed or not wanted."""
    estimate_partner: NDArray[np.int64]
    """The wanted reference hit that each estimate found [M], -1 where none."""
    excused: NDArray[np.bool_]
    """Estimates [M] that are neither right nor wrong: they met a hit that may be theirs, or the source leaves their
    class out."""

    @property
    def pairs(self) -> NDArray[np.int64]:
        """(reference, estimate) of each true positive [K, 2], by reference."""
        found = np.flatnonzero(self.reference_partner >= 0)
        return np.stack([found, self.reference_partner[found]], axis=1)

    @property
    def wanted(self) -> NDArray[np.bool_]:
        """Reference hits [N] that are found or missed."""
        return self.reference_class >= 0

    @property
    def charged(self) -> NDArray[np.bool_]:
        """Estimates [M] that are true or false positives."""
        return (self.estimate_class >= 0) & ~self.excused


def judge(
    reference: Events,
    estimate: Events,
    *,
    vocabulary: Vocabulary,
    window_s: float,
    unannotated: Collection[str] = (),
) -> Judgement:
    """The fate of each hit. ``unannotated``: classes that the reference's source leaves out even where they sound."""
    relations = vocabulary.relations[reference.label]
    reference_class, estimate_class = (vocabulary.certain_class(each.label) for each in (reference, estimate))
    left_out = within(unannotated)[estimate.label]
    partner = np.full(len(estimate), -1, dtype=np.int64)
    for column in range(len(vocabulary.classes)):
        known = np.flatnonzero(relations[:, column] != OUTSIDE)
        given = np.flatnonzero(estimate_class == column)
        pairs = match_preferring(
            reference.time_s[known],
            estimate.time_s[given],
            window_s=window_s,
            wanted=reference_class[known] == column,
            charged=~left_out[given],
        )
        partner[given[pairs[:, 1]]] = known[pairs[:, 0]]
    met = np.flatnonzero(partner >= 0)
    # A hit that may be several classes excuses an estimate of each of them, and is found by none.
    right = met[reference_class[partner[met]] >= 0]
    reference_partner = np.full(len(reference), -1, dtype=np.int64)
    reference_partner[partner[right]] = right
    estimate_partner = np.full(len(estimate), -1, dtype=np.int64)
    estimate_partner[right] = partner[right]
    excused = (estimate_class >= 0) & (estimate_partner < 0) & ((partner >= 0) | left_out)
    return Judgement(reference_class, estimate_class, reference_partner, estimate_partner, excused)
