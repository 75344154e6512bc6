"""Beats and bars that follow from a system's hits, against the tempo maps of annotated recordings."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.evaluation.scoring import Case
from drumline.metrics.beats import WINDOW_S, BeatScores, score_beats

FindTempo = Callable[[Events, float], TempoMap | None]
"""Beat tracker: hits and duration [s] -> tempo map, or None with too few hits."""

Times = NDArray[np.float64]


def score_grids(cases: Iterable[Case], system: str, find_tempo: FindTempo) -> tuple[BeatScores, ...]:
    """Score the grid of each recording whose truth has a tempo map, from its first annotated hit to its last.

    Parameters
    ----------
    cases
        Recordings with predictions.
    system
        Name of the system whose hits are read.
    find_tempo
        The beat tracker.
    """
    scores = []
    for case in cases:
        truth = case.song.read()
        if truth.tempo is None or not len(truth.events) or system not in case.predictions:
            continue
        span_s = float(truth.events.time_s.min()), float(truth.events.time_s.max())
        reference, reference_bars = _beats(truth.tempo, truth.tempo_offset_s, span_s)
        tempo = find_tempo(case.predictions[system].read(), truth.duration_s)
        none = np.zeros(0)
        found, found_bars = _beats(tempo, 0.0, span_s) if tempo is not None else (none, none)
        scores.append(score_beats(reference, found, reference_bars, found_bars))
    return tuple(scores)


def _beats(tempo: TempoMap, offset_s: float, span_s: tuple[float, float]) -> tuple[Times, Times]:
    """Times [s] of the beats and of the first beats of bars within a span."""
    start_s, end_s = span_s[0] - WINDOW_S, span_s[1] + WINDOW_S
    ticks, numbers = tempo.beats(float(tempo.ticks(end_s - offset_s)))
    times_s = tempo.seconds(ticks) + offset_s
    inside = times_s >= start_s
    return times_s[inside], times_s[inside & (numbers == 1)]
