"""Practice sections begin at bars where the pattern changes, and repeated parts are named alike."""

import numpy as np
import pytest
from hypothesis import given
from tests.charts.test_reductions import parts

from drumline.charts.chart import Note, in_order
from drumline.charts.sections import practice_sections
from drumline.core.tempo import TempoMap

BAR = 4 * 480
PATTERNS = {
    "rock": {"kick": (0, 8), "red": (4, 12), "yellow": range(0, 16, 2)},
    "halved": {"kick": (0, 10), "red": (8,), "blue": range(0, 16, 4)},
    "toms": {"kick": range(0, 16, 4), "green": range(0, 16, 2)},
    "silence": {},
}


def part(*sections: tuple[str, int], seed: int = 0) -> tuple[Note, ...]:
    """Patterns for so many bars each, with a note left out of every bar and one added."""
    random, notes, start = np.random.default_rng(seed), {}, 0
    for pattern, bars in sections:
        for _ in range(bars):
            steps = [(step, lane) for lane, played in PATTERNS[pattern].items() for step in played]
            if steps:
                steps.pop(random.integers(len(steps)))
                steps.append((int(random.integers(16)), "red"))
            for step, lane in steps:
                tick = start + step * 120
                notes[tick, lane] = Note(tick, 0, lane, cymbal=lane in ("yellow", "blue"))
            start += BAR
    return in_order(notes.values())


@pytest.mark.parametrize("seed", range(5))
def test_sections_are_found_and_named_alike_where_they_repeat(seed: int) -> None:
    notes = part(("silence", 4), ("rock", 8), ("halved", 8), ("rock", 8), ("toms", 4), ("halved", 8), seed=seed)
    found = practice_sections(notes, TempoMap(480))
    bars = [(tick // BAR, name) for tick, name in found]
    assert bars == [(0, "Intro"), (4, "A"), (12, "B"), (20, "A 2"), (28, "C"), (32, "B 2")]


@given(parts())
def test_any_part_has_sections_at_its_bars_that_are_named_once(made: tuple[tuple[Note, ...], TempoMap]) -> None:
    notes, tempo = made
    found = practice_sections(notes, tempo)
    assert bool(found) == bool(notes)
    ticks = [tick for tick, _ in found]
    assert ticks == sorted(set(ticks))
    assert ticks[:1] in ([], [0])
    assert len({name for _, name in found}) == len(found)
    ((_, numerator, denominator),) = tempo.time_signatures
    assert all(tick % (tempo.resolution * 4 * numerator // denominator) == 0 for tick in ticks)
