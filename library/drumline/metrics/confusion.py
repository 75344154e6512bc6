"""Confusion matrices of instruments, of the twelve classes, and of the articulations of an instrument that was found.

Rows are the reference, columns the estimate. Pairs come from `metrics.edits`: an estimate of the right class is
preferred to one of a wrong class, then as many wrong ones are explained as possible, so chords do not cross over.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import BRANCHES, CLASSES
from drumline.core.vocabularies import INSTRUMENTS, Vocabulary
from drumline.metrics.edits import correct
from drumline.metrics.matching import match
from drumline.metrics.scores import ratio, table

_LEFT_OUT: Final = frozenset({"hihat_pedal"})
"""A pedal stroke is no way of striking: the model does not predict it by default."""

VARIATIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        branch: tuple(name for name in CLASSES if name in states and name not in _LEFT_OUT)
        for branch, states in BRANCHES.items()
        if len(states) > 1
    }
)
"""Branch -> the ways of playing it that are told apart: snare, tom, hihat (struck), ride."""
_WAYS: Final = {
    branch: Vocabulary(branch, MappingProxyType({name: frozenset({name}) for name in names}))
    for branch, names in VARIATIONS.items()
}


def confusion(
    reference: Events,
    estimate: Events,
    *,
    vocabulary: Vocabulary,
    window_s: float,
    unannotated: Collection[str] = (),
) -> NDArray[np.int64]:
    """Counts [C + 1, C + 1] of one song, to be summed: row C is "extra" (no reference), column C "missed".

    Hits whose class is not certain are left out, as are the estimates that they explain. The corner is 0.
    """
    correction = correct(reference, estimate, vocabulary=vocabulary, window_s=window_s, unannotated=unannotated)
    nothing = len(vocabulary.classes)
    expected, given = (vocabulary.certain_class(each.label) for each in (reference, estimate))
    reference_rows, meant = correction.pairs.T
    missed, extra = correction.inserted, correction.deleted
    rows = np.concatenate([expected[reference_rows], expected[missed], np.full(len(extra), nothing)])
    columns = np.concatenate([given[meant], np.full(len(missed), nothing), given[extra]])
    sure = rows >= 0
    return table((rows[sure], columns[sure]), (nothing + 1, nothing + 1))


def variation_confusion(reference: Events, estimate: Events, *, branch: str, window_s: float) -> NDArray[np.int64]:
    """Counts [V, V] over `VARIATIONS` of a branch, of hits whose instrument was found.

    Reference and estimate are paired as instruments, whatever the variation. Pairs in which either does not say how it
    was played are left out.
    """
    column = INSTRUMENTS.classes.index(branch)
    reference_rows, given = (
        np.flatnonzero(INSTRUMENTS.certain_class(each.label) == column) for each in (reference, estimate)
    )
    pairs = match(reference.time_s[reference_rows], estimate.time_s[given], window_s=window_s)
    ways = _WAYS[branch]
    expected = ways.certain_class(reference.label[reference_rows[pairs[:, 0]]])
    said = ways.certain_class(estimate.label[given[pairs[:, 1]]])
    both = (expected >= 0) & (said >= 0)
    return table((expected[both], said[both]), (len(ways.classes), len(ways.classes)))


def accuracy(matrix: NDArray[np.int64]) -> float:
    """The share on the diagonal; NaN for an empty matrix."""
    return float(ratio(np.trace(matrix), matrix.sum()))
