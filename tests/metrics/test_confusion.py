"""Confusion: every hit stands in one cell."""

import numpy as np
from hypothesis import given
from tests.metrics.drawn import WINDOW_S, events, exact_events

from drumline.core.hit_arrays import Events
from drumline.core.vocabularies import INSTRUMENTS, VOCABULARIES
from drumline.metrics.confusion import VARIATIONS, accuracy, confusion, variation_confusion

TWELVE = VOCABULARIES["12"]


@given(exact_events(), exact_events())
def test_rows_are_the_reference_and_columns_the_estimate(reference: Events, estimate: Events) -> None:
    matrix = confusion(reference, estimate, vocabulary=TWELVE, window_s=WINDOW_S)
    np.testing.assert_array_equal(matrix[:12].sum(axis=1), np.bincount(reference.label, minlength=12))
    np.testing.assert_array_equal(matrix[:, :12].sum(axis=0), np.bincount(estimate.label, minlength=12))
    assert matrix[12, 12] == 0
    perfect = confusion(reference, reference, vocabulary=TWELVE, window_s=WINDOW_S)
    assert np.trace(perfect) == len(reference) == perfect.sum()


@given(events(), events())
def test_what_is_not_certain_is_left_out(reference: Events, estimate: Events) -> None:
    for vocabulary in (TWELVE, INSTRUMENTS):
        matrix = confusion(reference, estimate, vocabulary=vocabulary, window_s=WINDOW_S)
        certain = vocabulary.certain_class(reference.label)
        np.testing.assert_array_equal(
            matrix[:-1].sum(axis=1), np.bincount(certain[certain >= 0], minlength=len(vocabulary.classes))
        )


def test_a_ride_taken_for_a_hihat() -> None:
    reference = Events.of([1.0, 1.0, 2.0], ["ride_body", "kick", "snare_head"])
    estimate = Events.of([1.0, 1.01, 3.0], ["kick", "hihat_closed", "crash"])
    matrix = confusion(reference, estimate, vocabulary=INSTRUMENTS, window_s=WINDOW_S)
    at = {name: index for index, name in enumerate((*INSTRUMENTS.classes, "nothing"))}
    found = {(row, column): matrix[at[row], at[column]] for row in at for column in at}
    assert {cell for cell, count in found.items() if count} == {
        ("kick", "kick"),
        ("ride", "hihat"),
        ("snare", "nothing"),
        ("nothing", "crash"),
    }


def test_variations_of_the_right_instrument() -> None:
    assert VARIATIONS["hihat"] == ("hihat_closed", "hihat_open")
    reference = Events.of(
        [1, 2, 3, 4, 5, 6, 7],
        ["snare_head", "snare_rim", "snare", "snare_head", "snare_head", "kick", "hihat_pedal"],
    )
    estimate = Events.of(
        [1, 2, 3, 4, 6, 7],
        ["snare_head", "snare_head", "snare_rim", "snare", "snare_rim", "hihat_open"],
    )
    matrix = variation_confusion(reference, estimate, branch="snare", window_s=WINDOW_S)
    assert matrix.tolist() == [[1, 0], [1, 0]]  # the unknown ones, the missed one and the kick say nothing
    assert accuracy(matrix) == 0.5
    assert np.isnan(accuracy(variation_confusion(reference, estimate, branch="hihat", window_s=WINDOW_S)))


@given(exact_events())
def test_a_perfect_estimate_has_every_variation_right(reference: Events) -> None:
    for branch in VARIATIONS:
        matrix = variation_confusion(reference, reference, branch=branch, window_s=WINDOW_S)
        assert accuracy(matrix) == 1 or matrix.sum() == 0
