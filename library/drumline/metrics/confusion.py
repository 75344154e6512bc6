"""What was taken for what: instruments, our twelve classes, and ways of playing an instrument that was found.

Rows are the reference, columns the estimate. Pairs come from `metrics.edits`: an estimate of the right class is
preferred to one of a wrong class, then as many wrong ones are explained as possible, so chords do not cross over.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.taxonomy import BRANCHES, CLASSES
from drumline.metrics.events import Events
from drumline.metrics.vocabulary import Vocabulary

UNPREDICTED: Final = frozenset({"hihat_pedal"})

VARIATIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        branch: tuple(name for name in CLASSES if name in states and name not in UNPREDICTED)
        for branch, states in BRANCHES.items()
        if len(states) > 1
    }
)
"""Branch -> the ways of playing it that are told apart: snare, tom, hihat (struck), ride."""


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
    raise NotImplementedError


def variation_confusion(reference: Events, estimate: Events, *, branch: str, window_s: float) -> NDArray[np.int64]:
    """Counts [V, V] over `VARIATIONS` of a branch, of hits whose instrument was found.

    Reference and estimate are paired as instruments, whatever the variation. Pairs in which either does not say how it
    was played are left out.
    """
    raise NotImplementedError


def accuracy(matrix: NDArray[np.int64]) -> float:
    """The share on the diagonal; NaN for an empty matrix."""
    raise NotImplementedError
