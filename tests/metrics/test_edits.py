"""Edits: the fewest, against a twin that tries everything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.metrics.drawn import WINDOW_S, events, exact_events

from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import LABELS
from drumline.core.vocabularies import LABEL_NAMES, VOCABULARIES, Vocabulary
from drumline.metrics.edits import EDITS, correct, edit_counts, edits_per_100_notes

names = st.sampled_from(list(VOCABULARIES))
EIGHT = VOCABULARIES["8"]


def fewest(reference: Events, estimate: Events, vocabulary: Vocabulary, unannotated: tuple[str, ...]) -> int:
    """Try all partners of each reference hit in turn, or none."""
    known = frozenset().union(*vocabulary.members.values())
    meant = [(t, LABELS[LABEL_NAMES[n]]) for t, n in zip(reference.time_s, reference.label, strict=True)]
    meant = [(time_s, classes) for time_s, classes in meant if classes & known]
    given_hits = []
    for time_s, number in zip(estimate.time_s, estimate.label, strict=True):
        classes = LABELS[LABEL_NAMES[number]]
        drums = [drum for drum in vocabulary.members.values() if classes and classes <= drum]
        given_hits += [(time_s, drum, classes <= set(unannotated)) for drum in drums]

    def cost(index: int, left: frozenset[int]) -> int:
        if index == len(meant):
            return sum(not given_hits[each][2] for each in left)
        time_s, classes = meant[index]
        options = [cost(index + 1, left) + int(classes <= known)]
        for each in left:
            other_s, drum, _ = given_hits[each]
            if other_s - WINDOW_S <= time_s <= other_s + WINDOW_S:
                options.append(cost(index + 1, left - {each}) + int(not classes & drum))
        return min(options)

    return cost(0, frozenset(range(len(given_hits))))


@given(events(max_size=6), events(max_size=6), names, st.sampled_from([(), ("hihat_pedal", "crash")]))
def test_as_few_as_trying_everything_finds(
    reference: Events, estimate: Events, name: str, unannotated: tuple[str, ...]
) -> None:
    vocabulary = VOCABULARIES[name]
    correction = correct(reference, estimate, vocabulary=vocabulary, window_s=WINDOW_S, unannotated=unannotated)
    assert correction.num_edits == fewest(reference, estimate, vocabulary, unannotated)
    counts = edit_counts(reference, estimate, correction=correction, vocabulary=vocabulary)
    assert counts[:, :3].sum() == correction.num_edits
    assert np.unique(correction.pairs[:, 0]).size == np.unique(correction.pairs[:, 1]).size == len(correction.pairs)


@given(exact_events(), exact_events())
def test_it_is_symmetric_where_all_is_known(one: Events, other: Events) -> None:
    window_s = 0.06  # no difference of the drawn times: rounding at the boundary has its own direction
    there, back = (correct(*both, vocabulary=EIGHT, window_s=window_s) for both in ((one, other), (other, one)))
    assert there.num_edits == back.num_edits <= len(one) + len(other)
    assert correct(one, one, vocabulary=EIGHT, window_s=window_s).num_edits == 0
    assert correct(one, Events.none(), vocabulary=EIGHT, window_s=window_s).num_edits == len(one)


def test_chords_do_not_cross_over() -> None:
    """Kick and hi-hat together, estimated as hi-hat and kick a little apart: nothing is moved."""
    reference = Events.of([1.0, 1.0], ["kick", "hihat_closed"])
    estimate = Events.of([0.99, 1.0, 1.02], ["hihat_closed", "snare_head", "kick"])
    correction = correct(reference, estimate, vocabulary=EIGHT, window_s=WINDOW_S)
    assert not correction.moved.any()
    assert correction.deleted.tolist() == [1]


def test_of_equally_good_corrections_it_takes_the_closest() -> None:
    reference = Events.of([1.0, 1.06], ["kick", "snare_head"])
    estimate = Events.of([0.97, 0.99, 1.01, 1.05, 1.08], ["kick", "kick", "kick", "crash", "crash"])
    correction = correct(reference, estimate, vocabulary=EIGHT, window_s=WINDOW_S)
    assert correction.pairs[1].tolist() == [1, 3]
    assert correction.pairs[0, 1] in (1, 2)


def test_counts_by_class_and_rate() -> None:
    reference = Events.of([1.0, 2.0, 3.0, 4.0], ["kick", "crash", "tom_mid", "cymbal"])
    estimate = Events.of([1.0, 2.0, 4.0, 5.0], ["kick", "ride_body", "crash", "snare_head"])
    correction = correct(reference, estimate, vocabulary=EIGHT, window_s=WINDOW_S)
    counts = edit_counts(reference, estimate, correction=correction, vocabulary=EIGHT)
    row = dict(zip((*EIGHT.classes, "uncertain"), counts.tolist(), strict=True))
    assert EDITS == ("insertion", "deletion", "substitution", "reference")
    assert {drum: each for drum, each in row.items() if any(each)} == {
        "kick": [0, 0, 0, 1],
        "snare": [0, 1, 0, 0],
        "tom_mid": [1, 0, 0, 1],
        "crash": [0, 0, 1, 1],
        "uncertain": [0, 0, 0, 1],
    }
    assert edits_per_100_notes(counts.sum(axis=0)) == pytest.approx(75.0)
    assert np.isnan(edits_per_100_notes(np.zeros(4, dtype=np.int64)))
