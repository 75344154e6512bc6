"""Scores of notes against mir_eval."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumline.core.notes import Notes
from drumline.metrics.notes import note_scores

times = st.integers(0, 400).map(lambda step: step * 0.0125)
rows = st.lists(st.tuples(times, times, st.integers(60, 63)), min_size=1, max_size=25)


def notes_of(drawn: list[tuple[float, float, int]]) -> Notes:
    return Notes.of((start, start + 0.02 + length, pitch, 0.8, 1.0) for start, length, pitch in drawn)


@given(rows, rows)
def test_scores_are_those_of_mir_eval(first: list, second: list) -> None:  # type: ignore[type-arg]
    reference, estimate = notes_of(first), notes_of(second)
    found = note_scores(reference, estimate)
    hz = [mir_eval.util.midi_to_hz(notes.pitch.astype(float)) for notes in (reference, estimate)]
    for counts, ratio in ((found.onset, None), (found.onset_offset, 0.2)):
        precision, recall, *_ = mir_eval.transcription.precision_recall_f1_overlap(
            reference.intervals_s, hz[0], estimate.intervals_s, hz[1], offset_ratio=ratio
        )
        assert counts[0] / (counts[0] + counts[1]) == pytest.approx(precision)
        assert counts[0] / (counts[0] + counts[2]) == pytest.approx(recall)


def test_frames_are_those_of_mir_eval() -> None:
    reference = notes_of([(0.0, 1.0, 60), (0.5, 1.0, 64), (2.0, 0.5, 60)])
    estimate = notes_of([(0.1, 1.0, 60), (0.5, 0.7, 65), (2.0, 0.5, 60)])
    times_s = np.arange(0, 300) * 0.01 + 0.005
    frequencies = [
        [
            mir_eval.util.midi_to_hz(notes.pitch[(notes.start_s <= time_s) & (time_s < notes.end_s)].astype(float))
            for time_s in times_s
        ]
        for notes in (reference, estimate)
    ]
    scores = mir_eval.multipitch.evaluate(times_s, frequencies[0], times_s, frequencies[1])
    tp, fp, fn = note_scores(reference, estimate).frame
    assert tp / (tp + fp) == pytest.approx(scores["Precision"], abs=0.01)
    assert tp / (tp + fn) == pytest.approx(scores["Recall"], abs=0.01)


def test_pitch_and_timing_count_found_onsets_only() -> None:
    found = note_scores(
        notes_of([(0.0, 0.4, 60), (0.5, 0.4, 62), (1.0, 0.4, 64)]), notes_of([(0.02, 0.4, 60), (0.5, 0.4, 61)])
    )
    assert found.pitch_accuracy == 0.5
    assert found.timing_s == pytest.approx(0.02)
    nothing = note_scores(notes_of([(0.0, 0.4, 60)]), Notes.of([]))
    assert np.isnan([nothing.pitch_accuracy, nothing.timing_s]).all()
    assert nothing.onset.tolist() == [0, 0, 1]
