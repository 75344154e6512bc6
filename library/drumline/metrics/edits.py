"""Edits: what a person must do to turn an estimate into the reference chart.

An edit inserts a note that is missing, deletes one that is too many, or moves one to another class (a *substitution*:
right time, wrong class). The least number of edits for a song is found exactly, as an assignment problem. The rate is
given per 100 notes of the reference, summed over songs: the public anchors, 20.3 for musiccharts.tools and 40.0 for
ADTOF, are such ratios over the eight game lanes. Their window is not published; ours is a parameter, with 50 ms
in mind.

What the source cannot tell costs nothing: a reference note that may be several classes is satisfied by an estimate
of any of them; one that may lie outside the vocabulary may be left unmatched; estimates whose classes the source leaves
out (``unannotated``) may stay or not.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from drumline.metrics.events import Events
from drumline.metrics.vocabulary import Vocabulary, within

EDITS: Final = ("insertion", "deletion", "substitution", "reference")
"""The last axis of edit counts: three kinds of edit, and the notes of the reference."""
_KEPT: Final = 1.0
"""What a kept pair costs in the assignment problem: above 0, as SciPy's sparse matrices take 0 for "no pair"."""


@dataclass(frozen=True)
class Correction:
    """The cheapest way from an estimate of M notes to a reference of N notes, in one vocabulary."""

    pairs: NDArray[np.int64]
    """(reference, estimate) [K, 2] of notes that are kept or moved."""
    moved: NDArray[np.bool_]
    """Which of the pairs are substitutions [K]."""
    inserted: NDArray[np.int64]
    """Reference notes without partner that must be written."""
    deleted: NDArray[np.int64]
    """Estimates without partner that must go."""

    @property
    def num_edits(self) -> int:
        return int(self.moved.sum()) + len(self.inserted) + len(self.deleted)


def correct(
    reference: Events,
    estimate: Events,
    *,
    vocabulary: Vocabulary,
    window_s: float,
    unannotated: Collection[str] = (),
) -> Correction:
    """The fewest edits; among equals, those with the least total distance in time."""
    raise NotImplementedError


def edit_counts(
    reference: Events, correction: Correction, estimate: Events, *, vocabulary: Vocabulary
) -> NDArray[np.int64]:
    """Counts [C + 1, `EDITS`] of one song, to be summed over songs.

    Insertions and substitutions stand at the reference's class, deletions at the estimate's. The last row is for notes
    whose class is not certain.
    """
    raise NotImplementedError


def edits_per_100_notes(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rates [...] of counts [..., `EDITS`]; NaN where the reference has no note. Above 100 where most is wrong."""
    raise NotImplementedError
