"""Phase Shift's Real Drums: SysEx phrases over the gems of a drum track that say what its lanes leave open.

A phrase holds for one difficulty or for all, over ``start <= tick < end``.
https://github.com/TheNathannator/GuitarGame_ChartFormats (.mid format, Real Drums)
"""

from collections.abc import Iterable
from typing import Final

from drumline.charts.chart import DIFFICULTIES
from drumline.charts.drum_track import Span
from drumline.charts.smf import Events

ARTICULATIONS: Final = {0x05: "open", 0x06: "pedal", 0x08: "sizzle", 0x07: "rim"}
"""Code -> articulation: of the hi-hat, `rim` of the snare."""
BOTH: Final = {0x11: "yellow", 0x12: "blue", 0x13: "green"}
"""Code -> lane on which a cymbal and a tom are struck at once."""

_ALL: Final = 0xFF


def phrases(tracks: Iterable[Events], difficulty: str, repairs: list[str]) -> dict[str, list[Span]]:
    """Articulation or lane (`ARTICULATIONS`, `BOTH`) -> its phrases in one difficulty.

    A phrase that never ends is left out, with a repair.
    """
    names = ARTICULATIONS | BOTH
    rank = DIFFICULTIES.index(difficulty)
    found: dict[str, list[Span]] = {}
    for events in tracks:
        started: dict[tuple[int, int], int] = {}
        for tick, of, code, begins in events.phrases:
            if of not in (rank, _ALL) or code not in names:
                continue
            if begins:
                started.setdefault((of, code), tick)
            elif (start := started.pop((of, code), None)) is not None:
                found.setdefault(names[code], []).append((start, tick))
        for (_, code), tick in started.items():
            repairs.append(f"{difficulty}: the {names[code]} phrase at tick {tick} never ends (left out)")
    return found
