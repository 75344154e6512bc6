"""Bars on a path of pulses: a Viterbi search over rhythm patterns and positions in the bar.

Pulses are eighth notes of a hypothesis. A state is a pattern (`rhythm_patterns`) and an eighth of its bar; from pulse
to pulse it advances by one, and after a bar's last eighth, or at a cost earlier, another bar begins. A hit's evidence
is the log of its drum's relative density there, which has mean 0 for hits at random: paths of any tempo compare.
Activations of beats and downbeats, where a model gives them, are one more term of `evidence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.transcription.rhythm_patterns import STEPS, MetrePatterns

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_BINS: Final = 24
"""Positions in an eighth note at which densities are evaluated."""
JITTER_S: Final = 0.014
"""Standard deviation of onsets about their grid positions [s]."""
_OUTLIERS: Final = 0.12
"""Share of hits that follow no pattern."""
_NEW_PATTERN, _NEW_METRE, _BROKEN_BAR = 2.0, 12.0, 14.0
"""Costs [nats] of another pattern at a bar line, of another metre, and of a bar line within a bar."""
_FAR_TEMPO, _RARE_METRE = 4.0, 1.0
"""Most that a pattern's tempo counts in a bar, and the cost of a bar that is not in 4/4 [nats]."""
_PULSE_WEIGHT: Final = 0.5
"""Evidence of hits that sound together is not independent: each nat counts this much."""


@dataclass(frozen=True)
class Hits:
    """Observations of a recording for the search. All [N]."""

    time_s: Array
    drum: Index
    """Index into `rhythm_patterns.DRUMS`."""
    weight: Array


@dataclass(frozen=True)
class BarPath:
    """The best path."""

    state: Index
    """[P] state of each pulse."""
    eighth: Index
    """[P] eighth of the bar."""
    metre: Index
    """[P] index into the metres."""
    score: float
    """Mean evidence per hit [nats]."""


@dataclass(frozen=True)
class States:
    """The states of all patterns, one after the other."""

    metre: Index
    pattern: Index
    eighth: Index
    last: NDArray[np.bool_]
    entry: Array
    """Cost of entering a bar of this state's pattern; infinite but at first eighths."""


def states_of(metres: Sequence[MetrePatterns]) -> States:
    """Enumerate the states of metres."""
    rows = [
        (m, s, e, e == metre.num_eighths - 1, -np.log(metre.weights[s]) if e == 0 else np.inf)
        for m, metre in enumerate(metres)
        for s in range(len(metre.weights))
        for e in range(metre.num_eighths)
    ]
    metre_, _, eighth, last, entry = (np.array(column) for column in zip(*rows, strict=True))
    pattern = np.cumsum(eighth == 0) - 1
    return States(metre_, pattern, eighth, last, entry)


def log_density(metres: Sequence[MetrePatterns], pulse_s: float) -> Array:
    """Log relative density [drums, `_BINS`, states] at positions within each eighth, blurred by the jitter."""
    tables = []
    width = JITTER_S / pulse_s * _BINS
    for metre in metres:
        positions = metre.num_eighths * _BINS
        offset = np.arange(positions)
        distance = np.minimum(offset, positions - offset)
        kernel = np.exp(-0.5 * np.square(distance / width))
        spread = np.zeros((len(metre.weights), positions, metre.density.shape[2]))
        spread[:, :: _BINS // STEPS] = metre.density
        blurred = np.fft.irfft(np.fft.rfft(spread, axis=1) * np.fft.rfft(kernel)[:, np.newaxis], n=positions, axis=1)
        blurred /= blurred.mean(axis=1, keepdims=True)
        logs = np.log((1 - _OUTLIERS) * np.maximum(blurred, 0.0) + _OUTLIERS)
        by_eighth = logs.reshape(len(metre.weights) * metre.num_eighths, _BINS, -1)
        tables.append(by_eighth.transpose(2, 1, 0))
    return np.concatenate(tables, axis=2)


def evidence(pulses_s: Array, hits: Hits, metres: Sequence[MetrePatterns]) -> Array:
    """Evidence [P, states] of the hits that belong to each pulse."""
    table = log_density(metres, float(np.median(np.diff(pulses_s))))
    position = np.interp(hits.time_s, pulses_s, np.arange(len(pulses_s)), left=-1.0, right=-1.0)
    bins = np.floor(position * _BINS + 0.5).astype(np.int64)
    # A hit up to a quarter of a pulse early belongs to the pulse by its bin; just before the last bin it wraps.
    pulse, phase = np.divmod(bins, _BINS)
    inside = position >= 0
    values = table[hits.drum[inside], phase[inside]] * (hits.weight[inside, np.newaxis] * _PULSE_WEIGHT)
    found = np.zeros((len(pulses_s), table.shape[2]))
    order = np.argsort(pulse[inside], kind="stable")
    pulse, values = pulse[inside][order], values[order]
    starts = np.flatnonzero(np.diff(pulse, prepend=-1))
    if len(starts):
        found[pulse[starts]] = np.add.reduceat(values, starts, axis=0)
    return found + bar_prior(float(np.median(np.diff(pulses_s))), metres)


def bar_prior(pulse_s: float, metres: Sequence[MetrePatterns]) -> Array:
    """Cost [states] of a bar of each pattern at a tempo, counted at its first eighth."""
    rows = []
    for metre in metres:
        centre, spread = metre.log_tempo.T
        fit = np.maximum(-0.5 * np.square((np.log(30.0 / pulse_s) - centre) / spread), -_FAR_TEMPO)
        cost = np.zeros((len(metre.weights), metre.num_eighths))
        cost[:, 0] = fit - (0.0 if metre.time_signature == (4, 4) else _RARE_METRE)
        rows.append(cost.ravel())
    return np.concatenate(rows)


def best_bars(evidence_: Array, states: States, *, num_hits: float) -> BarPath:
    """The most likely sequence of bars over pulses with evidence [P, states]."""
    first = np.flatnonzero(states.eighth == 0)
    last = np.flatnonzero(states.last)  # in the order of patterns, as `first`
    starts = np.flatnonzero(np.diff(states.metre, prepend=-1))
    # A bar may break off after a whole quarter note, or at twice the cost anywhere.
    leaving_cost = np.where(states.last, 0.0, np.where(states.eighth % 2 == 1, _BROKEN_BAR, 2 * _BROKEN_BAR))
    scores = np.empty_like(evidence_)
    scores[0] = evidence_[0] - np.where(states.eighth == 0, states.entry.clip(max=50), 2.0)
    for pulse in range(1, len(evidence_)):
        before = scores[pulse - 1]
        best = np.maximum.reduceat(before - leaving_cost, starts)
        entering = np.maximum(best - _NEW_PATTERN, best.max() - _NEW_METRE)[states.metre[first]] - states.entry[first]
        scores[pulse, 1:] = before[:-1]
        scores[pulse, first] = np.maximum(before[last], entering)
        scores[pulse] += evidence_[pulse]
    path = np.empty(len(evidence_), np.int64)
    path[-1] = int(scores[-1].argmax())
    for pulse in range(len(evidence_) - 1, 0, -1):
        path[pulse - 1] = _previous(int(path[pulse]), scores[pulse - 1], states, leaving_cost)
    total = float(scores[-1].max())
    return BarPath(path, states.eighth[path], states.metre[path], total / max(num_hits, 1.0))


def _previous(state: int, before: Array, states: States, leaving_cost: Array) -> int:
    """The best predecessor of a state, given the scores [states] one pulse earlier."""
    if states.eighth[state] > 0:
        return state - 1
    changed = states.metre != states.metre[state]
    entering = before - leaving_cost - np.where(changed, _NEW_METRE, _NEW_PATTERN) - states.entry[state]
    same = int(np.flatnonzero((states.pattern == states.pattern[state]) & states.last)[0])
    entering[same] = before[same]
    return int(entering.argmax())
