"""Grooves written as drum machines write them, for demonstration and test songs.

A bar is one line a drum and one character a step: ``x`` a stroke, ``X`` an accent, ``o`` a ghost note,
``.`` nothing. A line's length is its steps in the bar (16 for sixteenths, 12 for triplets).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import TempoMap

RESOLUTION: Final = 480
"""Ticks in a quarter note."""
_VELOCITIES: Final = {"x": 0.75, "X": 0.95, "o": 0.35}
_FLAGS: Final[Mapping[str, tuple[str, ...]]] = {"x": (), "X": ("accent",), "o": ("ghost",)}


@dataclass(frozen=True)
class Style:
    """A groove and its fills, each bar a text. The bars of ``groove`` take turns."""

    groove: tuple[str, ...]
    fills: tuple[str, ...]
    beats: int = 4
    """Quarter notes in a bar."""


@dataclass(frozen=True)
class Groove:
    """A performed song: hits in chart time with their ticks, and the tempo map they stand on."""

    hits: tuple[Hit, ...]
    tempo: TempoMap
    end_s: float
    """Where the bar after the last one would start [s]."""


def perform(
    style: str,
    *,
    num_bars: int,
    tempos: tuple[tuple[int, float], ...],
    seed: int,
    lead_in_bars: int = 1,
    jitter_s: float = 0.0,
) -> Groove:
    """Play a style of `STYLES`: ``lead_in_bars`` of silence, then ``num_bars`` with a fill in every fourth.

    ``tempos`` holds (bar, beats per minute), the first at bar 0. The seed chooses fills and leaves out or adds a few
    strokes, so that no two songs are alike. ``jitter_s`` moves every time (never its tick) by a uniform deviate in
    ±jitter_s; 0 leaves all exactly on the grid. Raises KeyError for an unknown style.
    """
    chosen = STYLES[style]
    random = np.random.default_rng(seed)
    bar_ticks = chosen.beats * RESOLUTION
    tempo = TempoMap(
        RESOLUTION, tuple((bar * bar_ticks, bpm) for bar, bpm in tempos), time_signatures=((0, chosen.beats, 4),)
    )
    notes: list[tuple[int, str, str]] = []
    for bar in range(num_bars):
        start = (lead_in_bars + bar) * bar_ticks
        filled = bar % 4 == 3
        bars = chosen.fills if filled else chosen.groove
        lines = drum_lines(bars[random.integers(len(bars)) if filled else bar % len(bars)])
        if bar % 4 == 0:
            lines["crash"] = "X" + "." * 15
        elif not filled:
            lines = _varied(lines, random)
        for drum, line in lines.items():
            step_ticks = bar_ticks / len(line)
            notes += [(start + round(step * step_ticks), drum, mark) for step, mark in enumerate(line) if mark != "."]
    ticks = [tick for tick, _, _ in notes]
    times_s = tempo.seconds(ticks) + random.uniform(-jitter_s, jitter_s, len(notes))
    velocities = np.clip([_VELOCITIES[mark] for *_, mark in notes] + random.uniform(-0.05, 0.05, len(notes)), 0.0, 1.0)
    hits = [
        Hit(
            float(time_s),
            drum,
            velocity=round(float(velocity), 3),
            flags=_FLAGS[mark],
            evidence="performance",
            tick=tick,
        )
        for (tick, drum, mark), time_s, velocity in zip(notes, times_s, velocities, strict=True)
    ]
    return Groove(sorted_hits(hits), tempo, end_s=float(tempo.seconds((lead_in_bars + num_bars) * bar_ticks)))


def drum_lines(bar: str) -> dict[str, str]:
    """Drum -> its line of steps."""
    return dict((drum, line) for drum, line in (row.split() for row in bar.splitlines() if row.strip()))


def _varied(lines: Mapping[str, str], random: np.random.Generator) -> dict[str, str]:
    """The bar with, now and then, another kick and a missing light stroke."""
    varied = dict(lines)
    if (kick := varied.get("kick")) and random.random() < 0.5:
        step = int(random.integers(len(kick) // 2)) * 2
        varied["kick"] = kick[:step] + ("x" if kick[step] == "." else kick[step]) + kick[step + 1 :]
    for drum, line in varied.items():
        if drum != "kick":
            varied[drum] = "".join("." if mark != "X" and random.random() < 0.04 else mark for mark in line)
    return varied


STYLES: Final[Mapping[str, Style]] = MappingProxyType(
    {
        "rock": Style(
            groove=(
                """
                kick         X.......X.x.....
                snare_head   ....X.......X...
                hihat_closed X.x.X.x.X.x.X.x.
                """,
                """
                kick         X..x....X.......
                snare_head   ....X.......X..x
                hihat_closed X.x.X.x.X.x.X...
                hihat_open   ..............X.
                """,
            ),
            fills=(
                """
                kick         X.......X.......
                snare_head   ....XxXx........
                tom_high     ........Xxxx....
                tom_floor    ............XxXx
                """,
                """
                kick         X...X...X...X...
                snare_head   X.xxX.xxX.xxXXXX
                """,
            ),
        ),
        "disco": Style(
            groove=(
                """
                kick         X...X...X...X...
                snare_head   ....X.......X...
                hihat_closed Xx.xXx.xXx.xXx.x
                hihat_open   ..x...x...x...x.
                """,
            ),
            fills=(
                """
                kick         X...X...X...X...
                snare_head   ....X...X.X.XXXX
                hihat_pedal  ....x.......x...
                """,
            ),
        ),
        "metal": Style(
            groove=(
                """
                kick         XxxxXxxxXxxxXxxx
                snare_head   ....X.......X...
                ride_bell    X...X...X...X...
                """,
                """
                kick         XxxxXxxxXxxxXxxx
                snare_head   ....X.......X.X.
                crash        X.......X.......
                """,
            ),
            fills=(
                """
                kick         XxxxXxxxXxxxXxxx
                snare_head   Xxxx............
                tom_high     ....Xxxx........
                tom_mid      ........Xxxx....
                tom_floor    ............Xxxx
                """,
            ),
        ),
        "jazz": Style(
            groove=(
                """
                ride_body    X..X.xX..X.x
                hihat_pedal  ...x.....x..
                kick         o.....o.....
                snare_head   ..o.....o.o.
                """,
                """
                ride_body    X..X.xX..X.x
                hihat_pedal  ...x.....x..
                snare_rim    .........X..
                snare_head   .....o..o...
                """,
            ),
            fills=(
                """
                snare_head   Xxxoxx......
                tom_high     ......Xxx...
                tom_floor    .........Xxx
                kick         X...........
                """,
            ),
        ),
        "toms": Style(
            groove=(
                """
                kick         X...X...X...X...
                tom_floor    X.xxX.x.X.xxX.x.
                snare_head   ....X.......X...
                """,
                """
                kick         X...X...X...X...
                tom_floor    X.xxX.x.........
                tom_mid      ........X.xx....
                tom_high     ............X.x.
                """,
            ),
            fills=(
                """
                tom_high     XxxxXx..........
                tom_mid      ......XxXx......
                tom_floor    ..........XxXxXx
                kick         X.......X.......
                """,
            ),
        ),
        "funk": Style(
            groove=(
                """
                kick         X..x..x...x..x..
                snare_head   .o..X..o.o..X..o
                hihat_closed XxxxXxxxXxxxXxxx
                """,
                """
                kick         X.x...x..x......
                snare_head   .o..X..o.oo.X.o.
                hihat_closed XxxxXxx.XxxxXxxx
                hihat_open   .......X........
                """,
            ),
            fills=(
                """
                kick         X..x..x...x..x..
                snare_head   XooXooXooXooXXXX
                """,
            ),
        ),
        "ballad": Style(
            groove=(
                """
                kick         X.......x.......
                snare_rim    ....X.......X...
                ride_body    X.x.X.x.X.x.X.x.
                """,
            ),
            fills=(
                """
                kick         X...............
                snare_rim    ....X...........
                tom_mid      ........X..x....
                tom_floor    ............X.X.
                """,
            ),
        ),
        "waltz": Style(
            groove=(
                """
                kick         X...........
                snare_head   ....o...x...
                hihat_closed X.x.X.x.X.x.
                """,
                """
                kick         X.....x.....
                snare_head   ....x...x...
                hihat_closed X.x.X.x.X.x.
                """,
            ),
            fills=(
                """
                kick         X...........
                snare_head   ....XxXx....
                tom_floor    ........XxXx
                """,
            ),
            beats=3,
        ),
    }
)
