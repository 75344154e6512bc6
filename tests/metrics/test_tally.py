"""Counts of a song: mir_eval's where all is known; neither praise nor blame where the source cannot tell."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.metrics.drawn import WINDOW_S, events, exact_events

from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import CLASSES
from drumline.core.vocabularies import INSTRUMENTS, LABEL_NAMES, VOCABULARIES
from drumline.metrics.judgement import judge
from drumline.metrics.scores import micro, scores
from drumline.metrics.tally import BRANCH_ROWS, COLUMNS, WINDOWS_S, columns_of, tally

pedal = st.sampled_from([(), ("hihat_pedal",), ("hihat_pedal", "snare_rim")])


def counts_of(reference: Events, estimate: Events, column: tuple[str, str], **options: tuple[str, ...]) -> list[int]:
    return tally(reference, estimate, windows_s=(WINDOW_S,), **options)[0, COLUMNS.index(column)].tolist()


@given(exact_events(max_size=30), exact_events(max_size=30))
def test_where_all_is_known_it_is_mir_eval(reference: Events, estimate: Events) -> None:
    counts = tally(reference, estimate)
    for row, (name, drum) in enumerate(COLUMNS):
        members = [LABEL_NAMES.index(member) for member in VOCABULARIES[name].members[drum]]
        theirs, ours = (each.time_s[np.isin(each.label, members)] for each in (reference, estimate))
        for index, window_s in enumerate(WINDOWS_S):
            tp = len(mir_eval.util.match_events(theirs, ours, window_s)) if len(ours) else 0
            assert counts[index, row].tolist() == [tp, len(ours) - tp, len(theirs) - tp]
            if len(ours) and len(theirs):
                f, precision, recall = mir_eval.onset.f_measure(theirs, ours, window_s)
                mine = scores(counts[index, row])
                np.testing.assert_allclose([mine.f, mine.precision, mine.recall], [f, precision, recall])


@given(st.lists(st.sampled_from(CLASSES), min_size=1))
def test_perfect_is_one_and_shifted_out_is_zero(drums: list[str]) -> None:
    # Two strokes at a time, far enough apart that a shift brings none of them to the next.
    reference = Events.of(np.arange(len(drums)) // 2 * 0.2, drums)
    perfect = micro(tally(reference, reference)[:, columns_of("12")])
    assert (perfect.f == 1).all()
    assert (perfect.precision == 1).all()
    assert (perfect.recall == 1).all()
    shifted = micro(tally(reference, reference.shifted(WINDOW_S + 1e-6))[:, columns_of("12")])
    assert (shifted.f == 0).all()


@given(events(), pedal)
def test_empty_sides(reference: Events, unannotated: tuple[str, ...]) -> None:
    nothing = Events.none()
    missed = tally(reference, nothing)
    assert not missed[..., :2].any()
    assert not tally(nothing, nothing).any()
    invented = tally(nothing, reference, unannotated=unannotated)
    assert not invented[..., [0, 2]].any()


@given(events(max_size=20), events(max_size=20), pedal, st.sampled_from(list(VOCABULARIES)))
def test_hit_by_hit_it_is_the_same(
    reference: Events, estimate: Events, unannotated: tuple[str, ...], name: str
) -> None:
    counts = tally(reference, estimate, windows_s=(WINDOW_S,), unannotated=unannotated)[0, columns_of(name)]
    vocabulary = VOCABULARIES[name]
    judged = judge(reference, estimate, vocabulary=vocabulary, window_s=WINDOW_S, unannotated=unannotated)
    found, right = judged.reference_partner >= 0, judged.estimate_partner >= 0
    each = (
        judged.estimate_class[right],
        judged.estimate_class[judged.charged & ~right],
        judged.reference_class[judged.wanted & ~found],
    )
    again = np.stack([np.bincount(drums, minlength=len(vocabulary.classes)) for drums in each], axis=1)
    np.testing.assert_array_equal(counts, again)
    heard, given = judged.pairs.T
    np.testing.assert_array_equal(judged.estimate_partner[given], heard)
    np.testing.assert_array_equal(judged.reference_class[heard], judged.estimate_class[given])
    assert not (judged.excused & right).any()


@given(events(), events())
def test_branches_have_rows_of_their_own(reference: Events, estimate: Events) -> None:
    judged = judge(reference, estimate, vocabulary=INSTRUMENTS, window_s=WINDOW_S)
    found = np.bincount(judged.reference_class[judged.reference_partner >= 0], minlength=len(INSTRUMENTS.classes))
    counts = tally(reference, estimate, windows_s=(WINDOW_S,))[0]
    assert [counts[BRANCH_ROWS[branch], 0] for branch in INSTRUMENTS.classes] == found.tolist()


@given(events(), events(), st.sampled_from(CLASSES))
def test_knowing_less_never_makes_a_false_alarm(reference: Events, estimate: Events, label: str) -> None:
    labels = [LABEL_NAMES[number] for number in reference.label]
    more = Events.of([*reference.time_s, 0.5], [*labels, "tom_or_cymbal"])
    before, after = tally(reference, estimate), tally(more, estimate)
    np.testing.assert_array_equal(before[..., [0, 2]], after[..., [0, 2]])
    assert (after[..., 1] <= before[..., 1]).all()
    excused = tally(reference, estimate, unannotated=(label,))
    np.testing.assert_array_equal(before[..., [0, 2]], excused[..., [0, 2]])
    assert (excused[..., 1] <= before[..., 1]).all()


@pytest.mark.parametrize(
    ("reference", "estimate", "column", "expected"),
    [
        ("cymbal", "crash", ("5", "cymbal"), [1, 0, 0]),
        ("cymbal", "crash", ("8", "crash"), [0, 0, 0]),
        ("cymbal", "kick", ("8", "crash"), [0, 0, 0]),
        ("cymbal", "kick", ("8", "kick"), [0, 1, 0]),
        ("tom_floor", "tom_floor", ("5", "tom"), [1, 0, 0]),
        ("crash", "cymbal", ("8", "crash"), [0, 0, 1]),
        ("crash", "cymbal", ("8", "ride"), [0, 0, 0]),
        ("snare", "snare_rim", ("12", "snare_rim"), [0, 0, 0]),
        ("snare", "snare_rim", ("8", "snare"), [1, 0, 0]),
        ("other", "crash", ("8", "crash"), [0, 1, 0]),
    ],
)
def test_one_hit_each(reference: str, estimate: str, column: tuple[str, str], expected: list[int]) -> None:
    assert counts_of(Events.of([1.0], [reference]), Events.of([1.0], [estimate]), column) == expected


def test_a_class_that_the_source_leaves_out_counts_only_when_right() -> None:
    reference, estimate = Events.of([1.0], ["hihat_closed"]), Events.of([1.0, 2.0], ["hihat_pedal"] * 2)
    assert counts_of(reference, estimate, ("8", "hihat")) == [1, 1, 0]
    assert counts_of(reference, estimate, ("8", "hihat"), unannotated=("hihat_pedal",)) == [1, 0, 0]
    assert counts_of(reference, estimate, ("12", "hihat_pedal"), unannotated=("hihat_pedal",)) == [0, 0, 0]
