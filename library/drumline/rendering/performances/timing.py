"""Another tempo, another touch: when and how hard the same strokes are played.

A *stretch* is a factor of time: 1.1 makes everything last 1.1 times as long, so the tempo falls to 1 / 1.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import TempoMap
from drumline.rendering.performances.bars import lines_of, moved, tempo_of

Random = np.random.Generator

SOFTEST: Final = 0.02
"""No varied stroke is softer: 2 or 3 of MIDI's 127."""
_MOST_DEVIATIONS: Final = 2.5
_MEMORY: Final = 0.9  # of the drift, from bar to bar: it turns about every ten bars


def stretched(song: AnnotatedSong, stretches: Sequence[float]) -> AnnotatedSong:
    """The song with each bar's time stretched by its factor, the last holding on; hits, tempo and ticks go together.

    Raises ValueError for no factor or one that is not positive.
    """
    if not stretches or min(stretches) <= 0:
        raise ValueError(f"stretches {list(stretches)} must be positive, one or more")
    tempo = tempo_of(song)
    changes = {tick: stretch for tick, stretch in zip(lines_of(song), stretches, strict=False)}
    changed = np.array(sorted(changes))
    marks = sorted({tick for tick, _ in tempo.tempos} | _turns(changes))
    factor = [changes[int(changed[np.searchsorted(changed, tick, side="right") - 1])] for tick in marks]
    tempos = [(tick, tempo.tempo_bpm_at(tick) / stretch) for tick, stretch in zip(marks, factor, strict=True)]
    return moved(song, TempoMap(tempo.resolution, tuple(tempos), tempo.time_signatures))


def drift(num_bars: int, deviation: float, random: Random) -> list[float]:
    """Factors that wander slowly about 1, one a bar; ``deviation`` is their standard deviation in the long run."""
    steps = random.normal(0.0, deviation * np.sqrt(1 - _MEMORY**2), num_bars)
    wander, factors = random.normal(0.0, deviation), []
    for step in steps.tolist():
        factors.append(float(np.exp(np.clip(wander, -3 * deviation, 3 * deviation))))
        wander = _MEMORY * wander + step
    return factors


def retimed(
    hits: Sequence[Hit], *, jitter_s: float, lags_s: Mapping[str, float], random: Random
) -> tuple[tuple[Hit, ...], float]:
    """The hits moved by a normal deviate each, and by its class' own lag; and the furthest move [s].

    A deviate is at most 2.5 standard deviations, and a quarter of the way to a neighbour of the same class, so that no
    roll loses its order. Nothing moves to before second 0.
    """
    moves_s = np.clip(random.normal(0.0, 1.0, len(hits)), -_MOST_DEVIATIONS, _MOST_DEVIATIONS) * jitter_s
    room_s = _room_s(hits) / 4
    moves_s = np.clip(moves_s, -room_s, room_s) + [lags_s.get(hit.label, 0.0) for hit in hits]
    new = [
        replace(hit, time_s=max(0.0, hit.time_s + move_s)) for hit, move_s in zip(hits, moves_s.tolist(), strict=True)
    ]
    return sorted_hits(new), float(np.max(np.abs(moves_s), initial=0.0))


def reweighted(
    hits: Sequence[Hit], *, gain: float, power: float, jitter: float, limits: tuple[float, float], random: Random
) -> tuple[Hit, ...]:
    """Velocities ``gain * velocity ** power`` with a normal deviate, squeezed from 0..1 into the limits.

    A power over 1 sets ghost notes further below accents. Where no velocity is told none is made up.
    """
    low, high = limits
    deviates = random.normal(0.0, jitter, len(hits)).tolist()

    def weight(velocity: float, deviate: float) -> float:
        played = min(max(gain * float(velocity**power) + deviate, 0.0), 1.0)
        return min(max(low + (high - low) * played, SOFTEST), 1.0)

    return tuple(
        hit if hit.velocity is None else replace(hit, velocity=weight(hit.velocity, deviate))
        for hit, deviate in zip(hits, deviates, strict=True)
    )


def _room_s(hits: Sequence[Hit]) -> NDArray[np.float64]:
    """How far the nearest other hit of the same class is, float64 [N]; infinite where there is none."""
    times_s = np.array([hit.time_s for hit in hits])
    labels = np.array([hit.label for hit in hits])
    room_s = np.full(len(hits), np.inf)
    for label in set(labels.tolist()):
        mine = np.flatnonzero(labels == label)
        gaps_s = np.diff(times_s[mine], prepend=-np.inf, append=np.inf)
        room_s[mine] = np.minimum(gaps_s[:-1], gaps_s[1:])
    return room_s


def _turns(changes: Mapping[int, float]) -> set[int]:
    """The ticks at which the factor becomes another."""
    ticks = sorted(changes)
    return {tick for before, tick in pairwise(ticks) if changes[tick] != changes[before]}
