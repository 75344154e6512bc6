"""Hard, Medium and Easy from Expert, by the conventions that charters publish.

The conventions (C3's "Drum Authoring" and "Drum Review Process"): time-keeping gets slower from level to level; no kick
or snare between time-keeping notes on Medium, and never three limbs at once; no kick together with another note on
Easy. Ghost notes and second kicks are on Expert only. Each level is made of the one above, so that it is a subset.

Which chords of the hands stay is decided by their place in the bar: bar lines before beats, beats before eighths; on
places of one kind crashes and snares before the rest. None is nearer to another than the level's gap.
"""

from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from drumline.charts.chart import Note, in_order
from drumline.core.tempo import TempoMap


@dataclass(frozen=True)
class Level:
    """Limits of one difficulty."""

    hand_gap_s: float
    """Least time between chords of the hands [s]."""
    kick_gap_s: float
    """Least time between kicks [s]."""
    hands: int
    """Most notes of the hands in one chord."""
    limbs: int
    """Most notes in one chord, kick included."""
    kicks_between: bool
    """Whether kicks may be between chords of the hands."""


LEVELS: Final[Mapping[str, Level]] = MappingProxyType(
    {
        "hard": Level(hand_gap_s=0.16, kick_gap_s=0.24, hands=2, limbs=3, kicks_between=True),
        "medium": Level(hand_gap_s=0.32, kick_gap_s=0.45, hands=2, limbs=2, kicks_between=False),
        "easy": Level(hand_gap_s=0.45, kick_gap_s=0.55, hands=1, limbs=1, kicks_between=False),
    }
)
"""Difficulty -> limits, from the hardest to the easiest."""

_CRASH: Final = ("green", True)
_IMPORTANCE: Final = {_CRASH: 3, ("red", False): 2, ("yellow", True): 0, ("blue", True): 0}
_TOM: Final = 1
_NEAR_BEATS: Final = 1.0
"""Distance from the hands' chords beyond which a kick is by itself [quarter notes]."""


def reduced(expert: Sequence[Note], tempo: TempoMap) -> dict[str, tuple[Note, ...]]:
    """Reduce a pro drums part to the lower difficulties.

    Parameters
    ----------
    expert : sequence of Note
        Notes of Expert.
    tempo : TempoMap
        Beats and bars of the chart.

    Returns
    -------
    dict of str to tuple of Note
        ``hard``, ``medium`` and ``easy``, each a subset of the one before; empty levels are left out.

    Examples
    --------
    >>> notes = [Note(tick, 0, "yellow", cymbal=True) for tick in range(0, 960, 120)]
    >>> levels = reduced(notes, TempoMap(480, ((0, 120.0),)))
    >>> {name: [note.tick for note in level] for name, level in levels.items()}["hard"]
    [0, 240, 480, 720]
    """
    levels: dict[str, tuple[Note, ...]] = {}
    notes = [note for note in expert if not (note.ghost or note.double_kick)]
    for name, level in LEVELS.items():
        notes = _level(notes, tempo, level)
        if notes:
            levels[name] = in_order(notes)
    return levels


def _level(notes: Sequence[Note], tempo: TempoMap, level: Level) -> list[Note]:
    chords: dict[int, list[Note]] = defaultdict(list)
    kicks: dict[int, Note] = {}
    for note in notes:
        if note.lane == "kick":
            kicks[note.tick] = note
        else:
            chords[note.tick].append(note)
    ranks = _ranks([*chords.keys() | kicks.keys()], tempo)
    hands = {tick: sorted(chord, key=_importance, reverse=True)[: level.hands] for tick, chord in chords.items()}
    order = sorted(hands, key=lambda tick: (-ranks[tick], -max(map(_importance, hands[tick])), tick))
    kept = _spaced(order, tempo, level.hand_gap_s)
    feet = [tick for tick in kicks if tick in kept or _may_be_alone(tick, kept, tempo.resolution, level)]
    feet = [tick for tick in feet if tick not in kept or len(hands[tick]) < level.limbs]
    stepped = _spaced(sorted(feet, key=lambda tick: (-ranks[tick], tick)), tempo, level.kick_gap_s)
    return [note for tick in kept for note in hands[tick]] + [kicks[tick] for tick in stepped]


def _may_be_alone(tick: int, kept: Sequence[int], resolution: int, level: Level) -> bool:
    if level.kicks_between:
        return True
    after = bisect(kept, tick)
    near = kept[max(0, after - 1) : after + 1]
    return all(abs(tick - other) > _NEAR_BEATS * resolution for other in near)


def _importance(note: Note) -> int:
    return _IMPORTANCE.get((note.lane, note.cymbal), _TOM)


def _spaced(order: Sequence[int], tempo: TempoMap, gap_s: float) -> list[int]:
    """Ticks in time order that are taken greedily in the given order, none nearer than the gap to another."""
    seconds = dict(zip(order, tempo.seconds(order).tolist(), strict=True))
    times_s: list[float] = []
    taken = []
    for tick in order:
        at_s = seconds[tick]
        after = bisect(times_s, at_s)
        if all(abs(at_s - other_s) >= gap_s for other_s in times_s[max(0, after - 1) : after + 1]):
            insort(times_s, at_s)
            taken.append(tick)
    return sorted(taken)


def _ranks(ticks: Sequence[int], tempo: TempoMap) -> dict[int, int]:
    """Metrical rank of ticks: 4 for bar lines, 3 for half bars, 2 for beats, 1 for eighths, 0 for the rest."""
    starts = np.array([tick for tick, _, _ in tempo.time_signatures])
    ranks = {}
    for tick in ticks:
        start, top, bottom = tempo.time_signatures[max(0, int(np.searchsorted(starts, tick, side="right")) - 1)]
        beat = 4 * tempo.resolution / bottom
        position = (tick - start) % (top * beat)
        grids = (top * beat, top * beat / 2 if top % 2 == 0 else top * beat, beat, beat / 2)
        ranks[tick] = next((4 - index for index, grid in enumerate(grids) if position % grid == 0), 0)
    return ranks
