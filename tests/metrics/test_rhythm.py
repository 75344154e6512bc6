"""Rhythm: gaps between hits, and what recall is at each of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.metrics.drawn import WINDOW_S, events

from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.core.vocabularies import VOCABULARIES
from drumline.metrics.judgement import judge
from drumline.metrics.rhythm import (
    IOI_BINS,
    IOI_EDGES_S,
    NOTE_VALUES,
    TEMPO_BANDS,
    TEMPO_EDGES_BPM,
    ioi_counts,
    ioi_s,
    note_value,
    subdivision_counts,
)
from drumline.metrics.scores import ratio
from drumline.metrics.tally import columns_of, tally

EIGHT = VOCABULARIES["8"]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 3)), max_size=15))
def test_the_gap_is_to_the_nearest_other_time(hits: list[tuple[int, int]]) -> None:
    hits = sorted(hits)
    times, groups = np.array([t for t, _ in hits], float), np.array([g for _, g in hits], int)
    for of in (groups, None):
        twin = [
            min(
                (abs(t - u) for u, h in hits if u != t and (of is None or g == h)),
                default=np.inf,
            )
            for t, g in hits
        ]
        np.testing.assert_array_equal(ioi_s(times, of), twin)


@given(events(max_size=20), events(max_size=20), st.sampled_from(["class", "any"]))
def test_bins_sum_to_the_tally(reference: Events, estimate: Events, among: str) -> None:
    judged = judge(reference, estimate, vocabulary=EIGHT, window_s=WINDOW_S)
    counts = ioi_counts(reference, estimate, judgement=judged, num_classes=8, among=among).sum(axis=1)
    tp, fp, fn = tally(reference, estimate, windows_s=(WINDOW_S,))[0, columns_of("8")].T
    np.testing.assert_array_equal(counts, np.stack([tp + fn, tp, tp + fp, tp], axis=1))


def test_recall_falls_where_strokes_are_close() -> None:
    """A system that never hears the second of two strokes 30 ms apart, in a groove of strokes 500 ms apart."""
    slow = np.arange(20) * 0.5
    flams = 0.03 + slow[::4]
    reference = Events.of([*slow, *flams], ["snare_head"] * 25)
    estimate = Events.of(slow, ["snare_head"] * 20)
    judged = judge(reference, estimate, vocabulary=EIGHT, window_s=0.02)
    counts = ioi_counts(reference, estimate, judgement=judged, num_classes=8, among="class")[1]
    recall = ratio(counts[:, 1], counts[:, 0])
    assert len(IOI_BINS) == len(IOI_EDGES_S) + 1
    assert recall[IOI_BINS.index("<=30 ms")] == 0.5
    assert recall[IOI_BINS.index(">200 ms")] == 1.0
    assert np.isnan(recall[IOI_BINS.index("<=10 ms")])


def test_the_upper_end_of_a_bin_belongs_to_it() -> None:
    assert 0.07 - 0.03 > 0.04
    reference = Events.of([0.03, 0.07], ["kick"] * 2)
    judged = judge(reference, reference, vocabulary=EIGHT, window_s=WINDOW_S)
    counts = ioi_counts(reference, reference, judgement=judged, num_classes=8, among="class")
    assert counts[0, IOI_BINS.index("<=40 ms"), 0] == 2


@pytest.mark.parametrize("among", ["class", "any"])
def test_chords_are_one_onset(among: str) -> None:
    reference = Events.of([0.0, 0.0, 0.3, 0.35], ["kick", "crash", "kick", "crash"])
    judged = judge(reference, reference, vocabulary=EIGHT, window_s=WINDOW_S)
    counts = ioi_counts(reference, reference, judgement=judged, num_classes=8, among=among).sum(axis=0)
    close = {"class": 0, "any": 2}[among]
    assert counts[IOI_BINS.index("<=60 ms"), 0] == close
    assert counts[IOI_BINS.index(">200 ms"), 0] == 4 - close


@pytest.mark.parametrize("tempo_bpm", [60.0, 119.9, 174.0, 250.0])
def test_note_values(tempo_bpm: float) -> None:
    quarter_s = 60.0 / tempo_bpm
    straight = quarter_s / np.array([1, 2, 4, 8, 16, 32, 64])
    assert note_value(straight, tempo_bpm).tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert note_value(straight * 0.93, tempo_bpm).tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert NOTE_VALUES[int(note_value(quarter_s / 3, tempo_bpm))] == "16th"  # 8th triplets
    assert NOTE_VALUES[int(note_value(quarter_s / 6, tempo_bpm))] == "32nd"  # 16th triplets
    assert note_value(np.inf, tempo_bpm) == 0


def test_recall_by_tempo_and_note_value() -> None:
    """16ths on the hi-hat at 97.3 BPM, then at 201.7 BPM; the second half is not heard."""
    tempo = TempoMap(480, ((0, 97.3), (1920, 201.7)))
    ticks = np.arange(0, 3840, 120)
    reference = Events.of(tempo.seconds(ticks) + 2.1, ["hihat_closed"] * len(ticks))
    assert tempo.ticks(reference.time_s - 2.1)[16] < 1920  # by rounding: it counts as on the mark
    estimate = reference.select(ticks < 1920)
    judged = judge(reference, estimate, vocabulary=EIGHT, window_s=0.02)
    counts = subdivision_counts(reference, judged, tempo=tempo, offset_s=2.1, num_classes=8, among="class")
    hihat = counts[EIGHT.classes.index("hihat")]
    assert len(TEMPO_BANDS) == len(TEMPO_EDGES_BPM) + 1
    assert hihat[TEMPO_BANDS.index("90-120"), NOTE_VALUES.index("16th")].tolist() == [16, 16]
    assert hihat[TEMPO_BANDS.index("180-240"), NOTE_VALUES.index("16th")].tolist() == [16, 0]
    assert counts[..., 0].sum() == 32
