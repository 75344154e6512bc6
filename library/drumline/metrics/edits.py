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

from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import OUTSIDE, Vocabulary, within
from drumline.metrics.scores import ratio

EDITS: Final = ("insertion", "deletion", "substitution", "reference")
"""The last axis of edit counts: three kinds of edit, and the notes of the reference."""


@dataclass(frozen=True)
class Correction:
    """The cheapest way from an estimate of M notes to a reference of N notes, in one vocabulary."""

    pairs: NDArray[np.int64]
    """(reference, estimate) [K, 2] of notes that are kept or moved."""
    moved: NDArray[np.bool_]
    """Mask of the pairs that are substitutions [K]."""
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
    labels = vocabulary.relations != OUTSIDE
    exists = np.flatnonzero(labels[reference.label].any(axis=1))
    drums = vocabulary.certain_class(estimate.label)
    given = np.flatnonzero(drums >= 0)
    required = vocabulary.covers[reference.label[exists]]
    charged = ~within(unannotated)[estimate.label[given]]

    rows, columns = _within_window(reference.time_s[exists], estimate.time_s[given], window_s)
    moves = ~labels[reference.label[exists[rows]], drums[given[columns]]]
    saved = required[rows].astype(np.int64) + charged[columns] - moves
    useful = saved > 0
    rows, columns, moves, saved = rows[useful], columns[useful], moves[useful], saved[useful]
    distance_s = np.abs(reference.time_s[exists[rows]] - estimate.time_s[given[columns]])
    chosen = _best_assignment(rows, columns, saved, distance_s, shape=(len(exists), len(given)))

    pairs = np.stack([exists[rows[chosen]], given[columns[chosen]]], axis=1)
    return Correction(
        pairs=pairs,
        moved=moves[chosen],
        inserted=np.setdiff1d(exists[required], pairs[:, 0]),
        deleted=np.setdiff1d(given[charged], pairs[:, 1]),
    )


def _within_window(
    reference_s: NDArray[np.float64], estimate_s: NDArray[np.float64], window_s: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All (reference, estimate) that may be paired, with `metrics.matching`'s boundary."""
    low = np.searchsorted(reference_s, estimate_s - window_s, side="left")
    count = np.maximum(np.searchsorted(reference_s, estimate_s + window_s, side="right") - low, 0)
    columns = np.repeat(np.arange(len(estimate_s)), count)
    return np.arange(len(columns)) - np.repeat(np.cumsum(count) - count - low, count), columns


def _best_assignment(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    saved: NDArray[np.int64],
    distance_s: NDArray[np.float64],
    *,
    shape: tuple[int, int],
) -> NDArray[np.int64]:
    """Mask of the candidate pairs to take, for the most edits saved and then the least distance."""
    if len(rows) == 0:
        return np.empty(0, dtype=np.int64)
    # All distances together must weigh less than one edit.
    weight = 0.5 / max(distance_s.max() * min(shape), 1e-9)
    # Each row has a column of its own in which it stays without partner, at the price of saving nothing.
    most = saved.max() + 1.0
    alone = np.arange(shape[0])
    costs = np.concatenate([most - saved + weight * distance_s, np.full(shape[0], most)])
    graph = csr_array(
        (costs, (np.concatenate([rows, alone]), np.concatenate([columns, shape[1] + alone]))),
        shape=(shape[0], shape[1] + shape[0]),
    )
    partner = min_weight_full_bipartite_matching(graph)[1]
    return np.flatnonzero(partner[rows] == columns)


def edit_counts(
    reference: Events, estimate: Events, *, correction: Correction, vocabulary: Vocabulary
) -> NDArray[np.int64]:
    """Counts [C + 1, `EDITS`] of one song, to be summed over songs.

    Insertions and substitutions stand at the reference's class, deletions at the estimate's. The last row is for notes
    whose class is not certain.
    """
    num_classes = len(vocabulary.classes)
    drums = vocabulary.certain_class(reference.label)
    kinds = (
        drums[correction.inserted],
        vocabulary.certain_class(estimate.label)[correction.deleted],
        drums[correction.pairs[correction.moved, 0]],
        drums[vocabulary.covers[reference.label]],
    )
    # A class of -1, the uncertain, is the last row.
    return np.stack([np.bincount(kind % (num_classes + 1), minlength=num_classes + 1) for kind in kinds], axis=1)


def edits_per_100_notes(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rates [...] of counts [..., `EDITS`]; NaN where the reference has no note. Above 100 where most is wrong."""
    return 100.0 * ratio(counts[..., :3].sum(axis=-1), counts[..., 3])
