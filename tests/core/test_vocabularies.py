"""Vocabularies: what each label is in each of them."""

import pytest

from drumline.core.taxonomy import CLASSES
from drumline.core.vocabularies import CERTAIN, INSTRUMENTS, LABEL_NAMES, OUTSIDE, POSSIBLE, VOCABULARIES, within


@pytest.mark.parametrize("vocabulary", [*VOCABULARIES.values(), INSTRUMENTS], ids=lambda each: each.name)
def test_classes_are_disjoint_sets_of_ours(vocabulary) -> None:
    members = [drum for classes in vocabulary.members.values() for drum in classes]
    assert len(members) == len(set(members))
    assert set(members) <= set(CLASSES)


def test_sizes() -> None:
    assert [len(vocabulary.classes) for vocabulary in VOCABULARIES.values()] == [3, 5, 8, 12]
    assert sum(map(len, VOCABULARIES["8"].members.values())) == len(CLASSES)


@pytest.mark.parametrize(
    ("label", "name", "expected"),
    [
        ("snare_rim", "3", {"snare": CERTAIN}),
        ("tom_floor", "3", {}),
        ("hihat_pedal", "5", {"hihat": CERTAIN}),
        ("crash", "5", {"cymbal": CERTAIN}),
        ("cymbal", "5", {"cymbal": CERTAIN}),
        ("cymbal", "8", {"ride": POSSIBLE, "crash": POSSIBLE}),
        ("ride", "8", {"ride": CERTAIN}),
        ("ride", "12", {"ride_body": POSSIBLE, "ride_bell": POSSIBLE}),
        ("tom_or_cymbal", "3", {"hihat": POSSIBLE}),
        ("tom_or_cymbal", "5", {"tom": POSSIBLE, "hihat": POSSIBLE, "cymbal": POSSIBLE}),
        ("other", "12", {}),
    ],
)
def test_what_a_label_is(label: str, name: str, expected: dict[str, int]) -> None:
    vocabulary = VOCABULARIES[name]
    row = vocabulary.relations[LABEL_NAMES.index(label)]
    assert {drum: state for drum, state in zip(vocabulary.classes, row, strict=True) if state != OUTSIDE} == expected


def test_a_label_may_lie_outside_in_part() -> None:
    def covered(name: str, label: str) -> bool:
        return bool(VOCABULARIES[name].covers[LABEL_NAMES.index(label)])

    assert covered("5", "tom_or_cymbal")
    assert not covered("3", "tom_or_cymbal")
    assert not covered("12", "other")


def test_within() -> None:
    assert [name for name, inside in zip(LABEL_NAMES, within({"hihat_pedal", "crash"}), strict=True) if inside] == [
        "hihat_pedal",
        "crash",
    ]
