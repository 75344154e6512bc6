"""The counts of one song that all event scores come from: vocabularies x windows x classes x (TP, FP, FN).

They have one fixed layout, so songs can be added up, resampled and stored as flat rows. For one class of a vocabulary:

- the reference's *certain* hits are wanted: TP + FN is their number;
- its *possible* hits (metrics.vocabulary) can excuse an estimate and are not wanted;
- the estimates that are certain of the class take part. A system that does not say which class it means (``cymbal`` in
  the 8-class vocabulary) has not transcribed that class: it makes no false alarm there and misses its hits;
- of those, classes that the source leaves out (``unannotated``) count when they are right and not when they are wrong.

Hence TP is the greatest number of wanted hits that estimates can match, and FP the number of charged estimates less
the most of them that can match anything (`matching.match_preferring` says why both hold at once).
"""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import BRANCHES
from drumline.core.vocabularies import CERTAIN, POSSIBLE, VOCABULARIES, Vocabulary, within
from drumline.metrics.matching import num_matches

WINDOWS_S: Final = (0.05, 0.03, 0.02)
"""The windows that the literature uses, on either side of a reference hit."""

COLUMNS: Final = tuple((name, drum) for name, vocabulary in VOCABULARIES.items() for drum in vocabulary.classes)
"""(vocabulary, class) of each row of counts: 28 of them."""


BRANCH_ROWS: Final[Mapping[str, int]] = MappingProxyType(
    {branch: COLUMNS.index(("8" if branch in ("ride", "crash") else "5", branch)) for branch in BRANCHES}
)
"""Where each branch of the model, as one instrument, stands in `COLUMNS`."""


def columns_of(vocabulary: str) -> slice:
    """Where a vocabulary's classes stand in `COLUMNS`."""
    names = [name for name, _ in COLUMNS]
    return slice(names.index(vocabulary), names.index(vocabulary) + names.count(vocabulary))


def tally(
    reference: Events,
    estimate: Events,
    *,
    windows_s: Collection[float] = WINDOWS_S,
    unannotated: Collection[str] = (),
) -> NDArray[np.int64]:
    """Counts of one song [windows, `COLUMNS`, `scores.COUNTS`].

    ``unannotated``: classes of ours that the reference's source leaves out even where they sound.
    """
    counts = np.zeros((len(windows_s), len(COLUMNS), 3), dtype=np.int64)
    row = 0
    for vocabulary in VOCABULARIES.values():
        for times_s in _classes(reference, estimate, vocabulary, unannotated):
            for index, window_s in enumerate(windows_s):
                counts[index, row] = _count(*times_s, window_s=window_s)
            row += 1
    return counts


def tally_one(
    reference: Events, estimate: Events, vocabulary: Vocabulary, *, window_s: float, unannotated: Collection[str] = ()
) -> NDArray[np.int64]:
    """The counts of one vocabulary at one window [classes, `scores.COUNTS`], as `tally` has them."""
    classes = _classes(reference, estimate, vocabulary, unannotated)
    return np.array([_count(*times_s, window_s=window_s) for times_s in classes], dtype=np.int64)


def _classes(
    reference: Events, estimate: Events, vocabulary: Vocabulary, unannotated: Collection[str]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Times that are wanted, known, given and charged, by class."""
    excused = within(unannotated)[estimate.label]
    relations = vocabulary.relations[reference.label]
    claimed = vocabulary.relations[estimate.label] == CERTAIN
    for column in range(len(vocabulary.classes)):
        yield (
            reference.time_s[relations[:, column] == CERTAIN],
            reference.time_s[relations[:, column] >= POSSIBLE],
            estimate.time_s[claimed[:, column]],
            estimate.time_s[claimed[:, column] & ~excused],
        )


def _count(
    wanted_s: ArrayLike, known_s: ArrayLike, given_s: ArrayLike, charged_s: ArrayLike, *, window_s: float
) -> tuple[int, int, int]:
    wanted, known, given, charged = (np.size(times) for times in (wanted_s, known_s, given_s, charged_s))
    tp = num_matches(wanted_s, given_s, window_s=window_s)
    plain = wanted == known and given == charged
    return tp, charged - (tp if plain else num_matches(known_s, charged_s, window_s=window_s)), wanted - tp
