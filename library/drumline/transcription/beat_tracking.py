"""Beats, bars and tempo of a recording, from its drums.

Hypotheses are pulse paths (`pulse`) at every metrical level; each is read as eighth notes and scored with rhythm
patterns by a bar-pointer search (`bar_pointer`), which also places the bar lines. The best mean evidence per hit wins,
under a broad prior on tempo. Then the path is fitted to the hits: a constant tempo where the residual allows, else
smoothed beats. Why not a library's: docs/decisions/0013-beat-tracking.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.core.vocabularies import INSTRUMENTS
from drumline.transcription import rhythm_patterns
from drumline.transcription.bar_pointer import BarPath, Hits, best_bars, evidence, states_of
from drumline.transcription.beat_grid import BeatGrid
from drumline.transcription.pulse import FRAME_S, candidate_periods_s, pulse_of_envelope, pulse_of_hits, track
from drumline.transcription.rhythm_patterns import MetrePatterns

Array = NDArray[np.float64]

GIVEN_BPM: Final = (20.0, 400.0)
"""Range of tempos that a user may give."""
_RANGE_BPM: Final = (52.0, 270.0)
_USUAL_BPM, _SLOWER, _FASTER, _PRIOR_WEIGHT = 130.0, 0.48, 0.36, 0.14
"""The tempo prior: centre, deviations of the logarithm below and above, weight against mean evidence per hit [nats]."""
_NUM_PERIODS: Final = 3
_LEAST_HITS: Final = 4
_DRUM_WEIGHTS: Final = np.array([1.0, 1.2, 0.5, 0.5, 0.5, 1.2])
"""In the order of `rhythm_patterns.DRUMS`."""
_BEGINS, _ENDS = 6.0, 1.0
"""Evidence of a bar line at the first and the last hit [nats]."""
_NEAR_S: Final = 0.035
"""Hits this near a sixteenth decide where the grid is."""
_CONSTANT_LOSS: Final = 0.05
"""A tempo is constant where the mean phasor of the hits loses at most this against the tracked path."""


@dataclass(frozen=True)
class GridHints:
    """User's statements about the grid."""

    tempo_bpm: float | None = None
    """A constant tempo, in quarter notes per minute."""
    downbeat_s: float | None = None
    """A time [s] at which a bar begins."""
    time_signature: tuple[int, int] | None = None
    """The metre throughout."""
    octave: float = 1.0
    """2 doubles the tempo that would be found, 0.5 halves it."""


@dataclass(frozen=True)
class _Hypothesis:
    pulses_s: Array
    bars: BarPath
    score: float

    @property
    def tempo_bpm(self) -> float:
        return float(30.0 / np.median(np.diff(self.pulses_s)))


def tempo_of(events: Events, duration_s: float) -> TempoMap | None:
    """Tempo map of a recording by its hits; None where there are too few."""
    found = find_beats(events, duration_s)
    return found.tempo_map() if found is not None else None


def find_beats(
    events: Events,
    duration_s: float,
    *,
    hints: GridHints | None = None,
    envelope: NDArray[np.float32] | None = None,
    patterns: Sequence[MetrePatterns] | None = None,
) -> BeatGrid | None:
    """Find the beats and bars under the hits of a recording.

    Parameters
    ----------
    events
        Decoded hits.
    duration_s
        Length of the recording [s].
    hints
        What a user states; it holds throughout.
    envelope
        Onset envelope [3, T] (`features.onset_envelope`), added to the pulse of the hits.
    patterns
        Rhythm patterns; the released ones by default.

    Returns
    -------
    BeatGrid or None
        None where there are too few hits.

    Raises
    ------
    ValueError
        For a tempo outside `GIVEN_BPM`.
    """
    hints = hints or GridHints()
    if hints.tempo_bpm is not None and not GIVEN_BPM[0] <= hints.tempo_bpm <= GIVEN_BPM[1]:
        raise ValueError(f"a tempo of {hints.tempo_bpm:g} bpm is outside {GIVEN_BPM[0]:g} to {GIVEN_BPM[1]:g}")
    if len(events) < _LEAST_HITS:
        return None
    duration_s = max(duration_s, float(events.time_s[-1]))
    pulse = pulse_of_hits(events, duration_s)
    if envelope is not None:
        other = pulse_of_envelope(envelope)[: len(pulse)]
        pulse[: len(other)] += other * pulse.std() / max(float(other.std()), 1e-9)
    if not pulse.any():
        return None
    metres = _metres(patterns or rhythm_patterns.released(), hints.time_signature)
    hits = _hits(events)
    if len(hits.time_s) < _LEAST_HITS:
        return None
    if hints.tempo_bpm is not None:
        paths = [_steady(pulse, 30.0 / hints.tempo_bpm, hints.downbeat_s)]
    else:
        paths = _paths(pulse)
    found = [_score(_extended(path, duration_s), hits, metres, hints) for path in paths if len(path) >= 8]
    if not found:
        return None
    found.sort(key=lambda each: -each.score)
    best = found[0]
    if hints.octave != 1.0:
        best = _score(_resampled(best.pulses_s, hints.octave), hits, metres, hints)
    others = [each for each in found if abs(np.log(each.tempo_bpm / best.tempo_bpm)) > 0.1]
    lead = best.score - others[0].score if others else 1.0
    if hints.tempo_bpm is None:
        fitted = _fit(best.pulses_s, hits)
        best = _score(_extended(fitted, duration_s), hits, metres, hints)
    confidence = float(1 / (1 + np.exp(-20 * lead)))
    other_bpm = others[0].tempo_bpm if others else None
    return _grid(best, metres, confidence, other_bpm, max(0.0, float(hits.time_s[0])))


def _hits(events: Events) -> Hits:
    drum = INSTRUMENTS.certain_class(events.label)
    known = drum >= 0
    velocity = np.where(np.isnan(events.velocity), 0.7, events.velocity)[known]
    weight = _DRUM_WEIGHTS[drum[known]] * np.sqrt(velocity).clip(0.3)
    return Hits(events.time_s[known], drum[known], weight)


def _metres(patterns: Sequence[MetrePatterns], wanted: tuple[int, int] | None) -> list[MetrePatterns]:
    """All metres, or the wanted one; without patterns for it, kicks and crashes begin its bars."""
    if wanted is None:
        return list(patterns)
    chosen = [metre for metre in patterns if metre.time_signature == wanted]
    if not chosen:
        density = np.ones((1, 8 * wanted[0] // wanted[1] * rhythm_patterns.STEPS, len(rhythm_patterns.DRUMS)))
        density[:, :: rhythm_patterns.STEPS] *= 2
        density[:, 0, [rhythm_patterns.DRUMS.index("kick"), rhythm_patterns.DRUMS.index("crash")]] *= 4
        tempo = np.array([[np.log(_USUAL_BPM), 1.0]])
        chosen = [MetrePatterns(wanted, np.ones(1), density / density.mean(axis=1, keepdims=True), tempo)]
    return chosen


def _paths(pulse: NDArray[np.float64]) -> list[Array]:
    """Eighth-note paths at every metrical level of the candidate periods, no two alike."""
    found: list[Array] = []
    for period_s in candidate_periods_s(pulse, _NUM_PERIODS):
        beats_s = _smoothed(track(pulse, period_s))
        if len(beats_s) < 8:
            continue
        for factor in (1.0, 2.0, 4.0, 0.5):
            path = _resampled(beats_s, factor)
            tempo_bpm = 30.0 / float(np.median(np.diff(path))) if len(path) > 1 else 0.0
            fits = _RANGE_BPM[0] <= tempo_bpm <= _RANGE_BPM[1]
            if fits and all(abs(np.log(np.median(np.diff(path)) / np.median(np.diff(old)))) > 0.02 for old in found):
                found.append(path)
    return found


def _resampled(pulses_s: Array, factor: float) -> Array:
    """``factor`` times as many pulses, the first among them."""
    index = np.arange(0, len(pulses_s) - 1 + 1e-9, 1 / factor)
    return np.asarray(np.interp(index, np.arange(len(pulses_s)), pulses_s))


def _steady(pulse: NDArray[np.float64], period_s: float, anchor_s: float | None) -> Array:
    """Pulses of exactly this period, through the anchor or where they collect the most strength."""
    times_s = np.arange(len(pulse)) * FRAME_S
    if anchor_s is None:
        phases_s = np.arange(0.0, period_s, FRAME_S / 4)
        grids_s = phases_s[:, np.newaxis] + np.arange(int(times_s[-1] / period_s) + 1) * period_s
        anchor_s = float(phases_s[np.interp(grids_s, times_s, pulse, right=0.0).sum(axis=1).argmax()])
    first = anchor_s - np.floor(anchor_s / period_s) * period_s
    return np.asarray(first + period_s * np.arange(max(8, int((times_s[-1] - first) / period_s) + 1)))


def _extended(pulses_s: Array, duration_s: float) -> Array:
    """On to both ends of the recording at the local period, and two bars of 4/4 before it."""
    step = min(8, len(pulses_s) - 1)
    early = float(pulses_s[step] - pulses_s[0]) / step
    late = float(pulses_s[-1] - pulses_s[-1 - step]) / step
    before = int(np.ceil(max(0.0, float(pulses_s[0])) / early)) + 16
    kept = pulses_s[pulses_s < duration_s + late]
    after = max(0, int((duration_s - float(kept[-1])) / late))
    return np.concatenate([kept[0] - early * np.arange(before, 0, -1), kept, kept[-1] + late * np.arange(1, after + 1)])


def _score(pulses_s: Array, hits: Hits, metres: list[MetrePatterns], hints: GridHints) -> _Hypothesis:
    states = states_of(metres)
    table = evidence(pulses_s, hits, metres)
    if hints.downbeat_s is not None:
        nearest = int(np.abs(pulses_s - hints.downbeat_s).argmin())
        table[nearest, states.eighth != 0] -= 1e6
    # Songs begin and end with bars more often than not.
    for time_s, bonus in ((hits.time_s[0], _BEGINS), (hits.time_s[-1], _ENDS)):
        table[int(np.abs(pulses_s - time_s).argmin()), states.eighth == 0] += bonus
    bars = best_bars(table, states, num_hits=float(hits.weight.sum()))
    tempo_bpm = 30.0 / float(np.median(np.diff(pulses_s)))
    distance = np.log(tempo_bpm / _USUAL_BPM)
    prior = -0.5 * (distance / (_FASTER if distance > 0 else _SLOWER)) ** 2
    return _Hypothesis(pulses_s, bars, bars.score + _PRIOR_WEIGHT * float(prior))


def _smoothed(times_s: Array, reach: int = 4) -> Array:
    """Each beat on the least-squares line through itself and its neighbours."""
    smooth = times_s.copy()
    for index in range(len(times_s)):
        near_s = times_s[max(0, index - reach) : index + reach + 1]
        steps = np.arange(len(near_s)) - min(index, reach)
        slope = np.cov(steps, near_s, bias=True)[0, 1] / max(float(steps.var()), 1e-9)
        smooth[index] = near_s.mean() - slope * steps.mean()
    return smooth


def _fit(pulses_s: Array, hits: Hits) -> Array:
    """The pulses moved onto the hits: one line where the tempo is constant, else local means of residuals."""
    line = _constant(pulses_s, hits)
    if line is not None:
        return line
    for _ in range(2):
        sixteenth = np.round(np.interp(hits.time_s, pulses_s, np.arange(len(pulses_s))) * 2) / 2
        residual = hits.time_s - np.interp(sixteenth, np.arange(len(pulses_s)), pulses_s)
        near = np.abs(residual) < _NEAR_S
        pulses_s = pulses_s + _local_means(sixteenth[near], residual[near], hits.weight[near], len(pulses_s), 8)
    return pulses_s


def _constant(pulses_s: Array, hits: Hits) -> Array | None:
    """Pulses at one tempo, if the hits keep to its sixteenths about as well as to the path's.

    How well is the length of the mean phasor of the hits: 1 where all are on the grid, 0 at random.
    """
    weight = hits.weight / hits.weight.sum()
    position = np.interp(hits.time_s, pulses_s, np.arange(len(pulses_s)))
    on_path = float((weight * np.cos(4 * np.pi * position)).sum())
    slopes = float(np.median(np.diff(pulses_s))) * (1 + np.arange(-250, 251) * 4e-5)
    phasors = np.exp(4j * np.pi * np.outer(1 / slopes, hits.time_s)) @ weight
    best = int(np.abs(phasors).argmax())
    if abs(phasors[best]) < on_path - _CONSTANT_LOSS:
        return None
    slope = float(slopes[best])
    sixteenth_s = float(np.angle(phasors[best])) / (4 * np.pi) * slope
    # Of the two sixteenths in an eighth, the one where the path is.
    turn = np.exp(2j * np.pi * (pulses_s - sixteenth_s) / slope).mean()
    start = sixteenth_s + (slope / 2 if turn.real < 0 else 0.0)
    first, last = int(np.ceil((pulses_s[0] - start) / slope)), int((pulses_s[-1] - start) / slope)
    line = np.asarray(start + slope * np.arange(first, last + 1), np.float64)
    return _rounded_tempo(line, start + slope * first, slope)


def _rounded_tempo(line: Array, start: float, slope: float) -> Array:
    """The line at a round tempo where its ends move by less than 6 ms: songs to a click have round ones."""
    middle = (len(line) - 1) / 2
    for digits in (0, 1, 2):
        rounded = 30.0 / round(30.0 / slope, digits)
        if abs(rounded - slope) * middle < 0.006:
            return np.asarray(start + slope * middle + rounded * (np.arange(len(line)) - middle))
    return line


def _local_means(index: Array, values: Array, weight: Array, size: int, window: int) -> Array:
    """Weighted means [size] of values at positions, within a Gaussian window of pulses; 0 where there are none."""
    bins = np.round(index).astype(np.int64).clip(0, size - 1)
    total, mass = (np.bincount(bins, w, size) for w in (values * weight, weight))
    kernel = np.exp(-0.5 * np.square(np.arange(-2 * window, 2 * window + 1) / (window / 2)))
    if len(kernel) > size:
        return np.full(size, float(total.sum() / max(mass.sum(), 1e-9)))
    return np.asarray(np.convolve(total, kernel, "same") / (np.convolve(mass, kernel, "same") + 0.5))


def _grid(
    found: _Hypothesis, metres: list[MetrePatterns], confidence: float, other: float | None, first_hit_s: float
) -> BeatGrid:
    """The path from the last bar line at or before second 0 on."""
    compound = np.array([metre.time_signature[1] == 8 and metre.time_signature[0] % 3 == 0 for metre in metres])
    lines = np.flatnonzero((found.bars.eighth == 0) & (found.pulses_s <= 0.005))
    first = int(lines[-1]) if len(lines) else 0
    return BeatGrid(
        found.pulses_s[first:],
        found.bars.eighth[first:],
        compound[found.bars.metre[first:]],
        confidence,
        other,
        first_hit_s,
    )
