"""The vocabularies that drum transcription is judged in, and what a partial label means in each.

A vocabulary's class is a set of our twelve classes; its classes never overlap. A label (`core.taxonomy.LABELS`: the
classes that a hit may have been) stands to each class of a vocabulary in one of three ways:

- **certain**: all that the label may be lies inside the class;
- **possible**: some of it does. Such a hit is no evidence against anybody: not finding it is no miss, and an estimate
  that meets it is no false alarm;
- **outside**: none of it does (a tom in the 3-class vocabulary, or ``other`` in any). The hit does not exist there.

The pedal hi-hat is a hi-hat in all vocabularies but "12".
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.taxonomy import BRANCHES, CLASSES, LABELS

LABEL_NAMES: Final = tuple(LABELS)
"""Labels by the number that `core.hit_arrays.Events` keeps."""

OUTSIDE: Final = 0
POSSIBLE: Final = 1
CERTAIN: Final = 2


@dataclass(frozen=True)
class Vocabulary:
    """Named, disjoint sets of our twelve classes."""

    name: str
    members: Mapping[str, frozenset[str]]
    """Class of the vocabulary -> classes of ours that belong to it."""

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.members)

    @cached_property
    def relations(self) -> NDArray[np.int8]:
        """How each label stands to each class [labels, classes]: `OUTSIDE`, `POSSIBLE` or `CERTAIN`."""
        table = np.full((len(LABEL_NAMES), len(self.members)), OUTSIDE, dtype=np.int8)
        for row, label in enumerate(LABEL_NAMES):
            for column, members in enumerate(self.members.values()):
                if LABELS[label] & members:
                    table[row, column] = CERTAIN if LABELS[label] <= members else POSSIBLE
        return table

    @cached_property
    def covers(self) -> NDArray[np.bool_]:
        """Whether all that a label may be lies inside the vocabulary [labels]: if not, its hit may not exist there."""
        known = frozenset[str]().union(*self.members.values())
        return np.array([bool(LABELS[label]) and LABELS[label] <= known for label in LABEL_NAMES])

    def certain_class(self, label: NDArray[np.int8]) -> NDArray[np.int64]:
        """The class that each label certainly is [N], -1 where it is none for certain."""
        table = self.relations == CERTAIN
        return np.where(table.any(axis=1), table.argmax(axis=1), -1)[label]


_MEMBERS: Final[Mapping[str, Mapping[str, Iterable[str]]]] = {
    "3": {name: BRANCHES[name] for name in ("kick", "snare", "hihat")},
    "5": {
        **{name: BRANCHES[name] for name in ("kick", "snare", "tom", "hihat")},
        "cymbal": (*BRANCHES["ride"], *BRANCHES["crash"]),
    },
    "8": {
        **{name: BRANCHES[name] for name in ("kick", "snare")},
        **{name: (name,) for name in ("tom_high", "tom_mid", "tom_floor")},
        **{name: BRANCHES[name] for name in ("hihat", "ride", "crash")},
    },
    "12": {name: (name,) for name in CLASSES},
}

VOCABULARIES: Final[Mapping[str, Vocabulary]] = MappingProxyType(
    {
        name: Vocabulary(name, MappingProxyType({drum: frozenset(classes) for drum, classes in members.items()}))
        for name, members in _MEMBERS.items()
    }
)
"""The vocabularies of the literature ("3": KD SD HH, "5": KD SD TT HH CY), of game lanes ("8") and our own ("12")."""

INSTRUMENTS: Final = Vocabulary(
    "instruments", MappingProxyType({branch: frozenset(states) for branch, states in BRANCHES.items()})
)
"""One class for each branch of the model: which instrument, however it is played."""


def label_numbers(names: Iterable[str]) -> NDArray[np.int8]:
    """Numbers of labels [N]. Raises KeyError for a name that is no label."""
    number = {name: index for index, name in enumerate(LABEL_NAMES)}
    return np.array([number[name] for name in names], dtype=np.int8)


def within(classes: Collection[str]) -> NDArray[np.bool_]:
    """Whether all that a label may be is among some of our twelve classes [labels]; ``other`` never is."""
    return np.array([bool(LABELS[label]) and LABELS[label] <= set(classes) for label in LABEL_NAMES])
