"""Practice sections of a drum part: where its pattern changes, with repeated parts named alike.

A bar is described by which drums play at which of its sixteenths. Boundaries are peaks of the novelty of J. Foote
(Automatic audio segmentation using a measure of audio novelty, ICME 2000): bars before a boundary resemble each other,
bars after it too, but not those before. Sections whose mean bars are alike share a letter.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.charts.chart import Note
from drumline.core.tempo import TempoMap

Floats = NDArray[np.float64]

_DRUMS: Final = ("kick", "red", "yellow True", "blue True", "green True", "tom")
_STEPS: Final = 16
_REACH_BARS: Final = 4
"""Bars on either side of a boundary that are compared."""
_SHORTEST_BARS: Final = 4
_NOVELTY: Final = 0.15
"""Least novelty of a boundary; 1 is the change between two patterns without a common note."""
_ALIKE: Final = 0.8
"""Least cosine similarity of the mean bars of sections that share a letter."""
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def practice_sections(notes: Sequence[Note], tempo: TempoMap) -> tuple[tuple[int, str], ...]:
    """Find the sections of a part.

    Parameters
    ----------
    notes
        The part at its highest difficulty, in order.
    tempo
        Its tempo map; sections begin at its bars.

    Returns
    -------
    tuple of (int, str)
        Tick and name of each section, the first at tick 0: ``A``, ``B``, ``A 2`` ...; ``Intro`` and ``Outro`` without
        drums. Empty for a part without notes.
    """
    if not notes:
        return ()
    ticks, numbers = tempo.beats(notes[-1].tick + 1)
    starts = ticks[numbers == 1].tolist()
    patterns = _patterns(notes, starts)
    edges = [0, *_boundaries(patterns), len(patterns)]
    letters: list[Floats] = []
    used: Counter[str] = Counter()
    named = []
    for first, last in pairwise(edges):
        mean = patterns[first:last].mean(axis=0)
        name = _name(mean, letters, is_first=first == 0, is_last=last == len(patterns))
        used[name] += 1
        named.append((starts[first], name if used[name] == 1 else f"{name} {used[name]}"))
    return tuple(named)


def _patterns(notes: Sequence[Note], starts: Sequence[int]) -> Floats:
    """Unit vectors [bars, drums * steps] of the drums at each step of each bar; zeros for empty bars."""
    ends = [*starts[1:], 2 * starts[-1] - starts[-2] if len(starts) > 1 else starts[-1] + 1]
    found = np.zeros((len(starts), len(_DRUMS), _STEPS))
    bars = np.searchsorted(starts, [note.tick for note in notes], side="right") - 1
    for note, bar in zip(notes, bars.tolist(), strict=True):
        drum = note.lane if note.lane in _DRUMS else f"{note.lane} True" if note.cymbal else "tom"
        length = max(1, ends[bar] - starts[bar])
        step = round(_STEPS * (note.tick - starts[bar]) / length) % _STEPS
        found[bar, _DRUMS.index(drum), step] = 1.0
    flat = found.reshape(len(starts), -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))


def _boundaries(patterns: Floats) -> list[int]:
    """Bars at which a section begins, the first aside."""
    novelty = np.array([_novelty(patterns, bar) for bar in range(len(patterns))])
    found: list[int] = []
    for bar in np.argsort(-novelty, kind="stable").tolist():
        if novelty[bar] < _NOVELTY:
            break
        if all(abs(bar - other) >= _SHORTEST_BARS for other in (0, *found, len(patterns))):
            found.append(bar)
    return sorted(found)


def _novelty(patterns: Floats, bar: int) -> float:
    """Similarity within the bars before and after a boundary less that across it."""
    before, after = patterns[max(0, bar - _REACH_BARS) : bar], patterns[bar : bar + _REACH_BARS]
    if not len(before) or not len(after):
        return 0.0
    within = (_similarity(before, before) + _similarity(after, after)) / 2
    return within - _similarity(before, after)


def _similarity(bars: Floats, others: Floats) -> float:
    """Mean cosine similarity of bars [N, K] and others [M, K]; empty bars resemble each other."""
    empty = np.outer(~bars.any(axis=1), ~others.any(axis=1))
    return float((bars @ others.T + empty).mean())


def _name(mean: Floats, letters: list[Floats], *, is_first: bool, is_last: bool) -> str:
    """The letter of a section's mean bar, which joins ``letters`` if it resembles none."""
    if not mean.any():
        return "Intro" if is_first else "Outro" if is_last else "Break"
    unit = mean / np.linalg.norm(mean)
    likeness = [float(unit @ other) for other in letters]
    if not likeness or max(likeness) < _ALIKE:
        letters.append(unit)
        likeness.append(1.0)
    index = int(np.argmax(likeness))
    return _LETTERS[index % len(_LETTERS)] + "'" * (index // len(_LETTERS))
