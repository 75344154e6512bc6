"""Passages that recorded performances hold too few of, written as drum machines write them (`rendering.patterns`).

A bar is one line a drum and one character a step; a line's length is its steps in the bar, so that 32 stands for
thirty-seconds and 24 for sextuplets. Beside ``x`` a stroke, ``X`` an accent and ``o`` a ghost note: ``f`` a flam (one
grace note), ``d`` a drag (two), ``r`` a ruff (three).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Passage:
    """A kind of playing. The bars are drawn, one after the other."""

    bars: tuple[str, ...]
    tempo_bpm: tuple[float, float]
    """Between these it is at home; any other tempo can be asked for."""
    sticking: str = "RL"
    """The hands (feet, on the kick) in turn: right, left; in lower case the second stroke of one movement."""
    spread_s: tuple[float, float] = (0.0, 0.0)
    """Strokes written together are played so far after each other [s]."""
    velocities: tuple[float, float] = (0.0, 1.0)
    """Into these limits the marks' velocities are squeezed."""


_FEET: Final = """
    kick        X.......X.......
    hihat_pedal ....x.......x...
"""
_ROUND_THE_KIT: Final = ("snare_head", "tom_high", "tom_mid", "tom_floor")


def _roll(drum: str, quarter: str, feet: str = _FEET) -> str:
    """A bar that plays ``quarter`` four times on one drum."""
    return f"{drum} {quarter * 4}\n{feet}"


def _round(quarter: str, drums: tuple[str, ...] = _ROUND_THE_KIT, feet: str = "kick X...X...X...X...") -> str:
    """A fill that plays ``quarter`` on each of four drums."""
    rests = "." * len(quarter)
    lines = {drum: "".join(quarter if each == drum else rests for each in drums) for drum in drums}
    return "\n".join([*(f"{drum} {line}" for drum, line in lines.items()), feet])


PASSAGES: Final[Mapping[str, Passage]] = MappingProxyType(
    {
        "single_stroke_roll_32": Passage(
            (_roll("snare_head", "Xxxxxxxx"), _roll("snare_head", "XxxxXxxx"), _roll("tom_floor", "Xxxxxxxx")),
            (100, 240),
        ),
        "single_stroke_roll_64": Passage(
            (_roll("snare_head", "Xxxxxxxxxxxxxxxx"), _roll("snare_head", "XxxxxxxxXxxxxxxx")), (60, 240)
        ),
        "double_stroke_roll_32": Passage(
            (_roll("snare_head", "xxxxxxxx"), _roll("snare_head", "Xxxxxxxx")), (90, 240), sticking="RrLl"
        ),
        "paradiddle_32": Passage(
            (
                _roll("snare_head", "XoooXooo"),
                _round("XoooXooo", ("snare_head", "tom_high", "snare_head", "tom_floor")),
            ),
            (70, 240),
            sticking="RLRrLRLl",
        ),
        "buzz_roll_64": Passage(
            (_roll("snare_head", "xoooxoooxoooxooo"), _roll("snare_head", "Xoooxoooxoooxooo")),
            (60, 240),
            sticking="RrrrLlll",
            velocities=(0.05, 0.7),
        ),
        "flams": Passage(
            (
                """
                snare_head f...f...f.f.f...
                kick       X.....X.......X.
                """,
                """
                snare_head fxxfxxfxxfxxf...
                hihat_pedal x...x...x...x...
                """,
                """
                snare_head f.......f.......
                tom_high   ....f.....f.....
                tom_floor  ..f...f.....f.f.
                kick       X...X...X...X...
                """,
            ),
            (80, 200),
        ),
        "drags_and_ruffs": Passage(
            (
                """
                snare_head d...X.d.X.d.X...
                kick       X.......X.......
                """,
                """
                snare_head r...x...d.x.r...
                tom_floor  ......x.....x...
                hihat_pedal ....x.......x...
                """,
            ),
            (70, 160),
        ),
        "blast_traditional": Passage(
            tuple(
                f"""
                kick       X.x.X.x.X.x.X.x.
                snare_head .x.x.x.x.x.x.x.x
                {cymbal}   X.x.X.x.X.x.X.x.
                """
                for cymbal in ("hihat_closed", "ride_body", "crash")
            ),
            (180, 280),
        ),
        "blast_bomb": Passage(
            tuple(
                f"""
                kick       xxxxxxxxxxxxxxxx
                snare_head x.x.x.x.x.x.x.x.
                {cymbal}   X.x.X.x.X.x.X.x.
                """
                for cymbal in ("ride_bell", "hihat_open", "crash")
            ),
            (180, 280),
        ),
        "blast_hammer": Passage(
            tuple(
                f"""
                kick       X.x.X.x.X.x.X.x.
                snare_head x.x.x.x.x.x.x.x.
                {cymbal}   X.x.X.x.X.x.X.x.
                """
                for cymbal in ("hihat_closed", "ride_body", "crash")
            ),
            (180, 280),
        ),
        "double_kick_16": Passage(
            (
                """
                kick       XxxxXxxxXxxxXxxx
                snare_head ....X.......X...
                ride_bell  X...X...X...X...
                """,
                """
                kick       XxxxXxxxXxxxXxxx
                snare_head ........X.......
                crash      X...X...X...X...
                """,
                """
                kick         XxxxXxxxXxxxXxxx
                snare_head   ....X.......X...
                hihat_open   X.x.X.x.X.x.X.x.
                """,
            ),
            (150, 260),
        ),
        "double_kick_32": Passage(
            (
                f"""
                kick       {"Xxxxxxxx" * 4}
                snare_head ....X.......X...
                ride_body  X...X...X...X...
                """,
                f"""
                kick       {"Xxxxxxxx........" * 2}
                snare_head ....X.......X...
                crash      X.......X.......
                """,
            ),
            (90, 240),
        ),
        "double_kick_gallop": Passage(
            (
                """
                kick       X.xxX.xxX.xxX.xx
                snare_head ....X.......X...
                ride_bell  X...X...X...X...
                """,
                """
                kick       XxxXxxXxxXxx
                snare_head ...X.....X..
                crash      X.....X.....
                """,
                """
                kick       Xxxxxx......Xxxxxx......
                snare_head ......X...........X.....
                tom_floor  ........xxxx........xxxx
                """,
            ),
            (140, 240),
        ),
        "ghost_notes_16": Passage(
            (
                """
                hihat_closed X.x.X.x.X.x.X.x.
                snare_head   .o.oX..o.o.oX..o
                kick         X.....x...x..x..
                """,
                """
                hihat_closed XxxxXxxxXxxxXxxx
                snare_head   .oo.X..o.oo.X.oo
                kick         X..x......x..x..
                """,
                """
                ride_body    X.x.X.x.X.x.X.x.
                snare_head   .oooX.o.oo.oX.oo
                kick         X.x.......xx....
                """,
            ),
            (80, 140),
        ),
        "ghost_notes_32": Passage(
            (
                """
                hihat_closed x...x...X...x...x...x...X...x...
                snare_head   ..o.oo..X....oo...o..oo.X..o.oo.
                kick         X.........x.....x.......x.......
                """,
                """
                hihat_closed X...x...X...x...X...x...X...x...
                snare_head   .oo..oo.X.oo.oo..oo..oo.X.oo.ooo
                kick         X...........x...x.....x.........
                """,
            ),
            (60, 240),
        ),
        "jazz_ride": Passage(
            (
                """
                ride_body   X..x.xX..x.x
                hihat_pedal ...x.....x..
                kick        o..o..o..o..
                """,
                """
                ride_body   x..X.xx..X.x
                hihat_pedal ...x.....x..
                snare_head  ..o.....o.o.
                kick        o....x......
                """,
                """
                ride_bell   X.....X.....
                ride_body   ...x.x...x.x
                hihat_pedal ...x.....x..
                snare_rim   .........x..
                """,
                """
                ride_body   x..xxxx..xxx
                hihat_pedal ...x.....x..
                snare_head  .oo.o..oo..x
                """,
            ),
            (100, 300),
            velocities=(0.05, 0.85),
        ),
        "tom_fill_16": Passage(
            (_round("Xxxx"), _round("XxXx", ("tom_high", "tom_mid", "tom_floor", "snare_head"))), (100, 220)
        ),
        "tom_fill_sextuplets": Passage(
            (
                _round("Xxxxxx"),
                _round("XxxXxx", ("tom_high", "tom_high", "tom_mid", "tom_floor")),
                """
                tom_high   Xx.......Xx.............
                tom_mid    ...Xx.......Xx....Xx....
                tom_floor  ......Xx.......Xx....Xx.
                kick       ..X..X..X..X..X..X..X..X
                """,
            ),
            (80, 200),
        ),
        "tom_fill_32": Passage(
            (_round("Xxxxxxxx"), _round("XxxxXxxx", ("tom_floor", "tom_mid", "tom_high", "snare_head"))), (70, 240)
        ),
        "cascara": Passage(
            (
                """
                ride_bell   X.x.Xx.xX.xX.x.x
                snare_rim   ..x.x...x..x..x.
                hihat_pedal ....x.......x...
                kick        ......x.......x.
                """,
                """
                ride_bell   X.x.Xx.xX.xX.x.x
                tom_high    ............x.x.
                snare_rim   ..x.x...x.......
                kick        ......x.......x.
                """,
            ),
            (80, 130),
        ),
        "samba": Passage(
            (
                """
                ride_body   XxxxXxxxXxxxXxxx
                snare_rim   x..x..x...x..x..
                hihat_pedal ..x...x...x...x.
                kick        X..xX..xX..xX..x
                """,
                """
                snare_head  XooXooXoXooXooXo
                hihat_pedal ..x...x...x...x.
                kick        X..xX..xX..xX..x
                """,
            ),
            (90, 130),
        ),
        "half_time_shuffle": Passage(
            (
                """
                hihat_closed X.xX.xX.xX.xX.xX.xX.xX.x
                snare_head   .o..o..o..o.X...o..o..o.
                kick         X....x........x..x......
                """,
                """
                hihat_closed X.xX.xX.xX.xX.xX.xX.x...
                hihat_open   .....................X..
                snare_head   .o..o..o..o.X...o..o....
                kick         X.......x..x.....x......
                """,
            ),
            (70, 130),
        ),
        "disco": Passage(
            (
                """
                kick         X...X...X...X...
                snare_head   ....X.......X...
                hihat_closed Xx.xXx.xXx.xXx.x
                hihat_open   ..X...X...X...X.
                """,
                """
                kick         X...X...X...X...
                snare_head   ....X.......X..x
                hihat_closed X...X...X...X...
                hihat_open   ..X...X...X...X.
                """,
            ),
            (105, 135),
        ),
        "near_simultaneous": Passage(
            (
                """
                kick         X.x.....X.x.....
                snare_head   ....X.......X...
                hihat_closed X.x.X.x.X.x.X.x.
                """,
                """
                kick       X...X...X...X...
                snare_head X...X...X.....X.
                crash      X.......X.......
                tom_floor  ......x.....x.x.
                """,
                """
                ride_body   X.x.X.x.X.x.X.x.
                tom_high    X.......x...x...
                tom_mid     ..x...x.......x.
                kick        X.x...x.X.....x.
                hihat_pedal ....x.......x...
                """,
            ),
            (80, 160),
            spread_s=(0.002, 0.012),
        ),
        "soft": Passage(
            (
                """
                kick         X.......x.x.....
                snare_head   .o..x..o.o..x..o
                hihat_closed X.x.X.x.X.x.X.x.
                """,
                """
                kick        X.......X.......
                snare_rim   ....x.......x...
                ride_body   X.x.X.x.X.x.X.x.
                hihat_pedal ....x.......x...
                """,
                """
                kick       X.....x.X.......
                tom_floor  x.xxx.x.........
                tom_mid    ........x.xx....
                tom_high   ............x.x.
                crash      o...............
                """,
                """
                kick         X.......x.......
                snare_head   oooooooooooooooo
                hihat_open   ..x.......x.....
                ride_bell    X.......X.......
                """,
            ),
            (70, 150),
            velocities=(0.05, 0.3),
        ),
    }
)
