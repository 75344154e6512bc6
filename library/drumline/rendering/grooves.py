"""Generated drum parts with known beats: every common meter and feel, at the tempo that charters write for it.

Each style states a metre, a range of quarter-note tempos and bars as drum machines write them (`rendering.patterns`).
A style's tempo says at which octave the beat is: blast beats at 200 are not half-time grooves at 100. Used to fit and
to test beat tracking; hits only, no audio.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.rendering.patterns import RESOLUTION, drum_lines


@dataclass(frozen=True)
class GrooveStyle:
    """A way of playing."""

    time_signature: tuple[int, int]
    tempo_bpm: tuple[float, float]
    """Range of quarter notes per minute."""
    bars: tuple[str, ...]
    """Kick, snare and cymbal lines; ``hihat_closed`` is replaced by ride or crash in some sections."""


@dataclass(frozen=True)
class GeneratedSong:
    """Hits with the truth about their beats."""

    style: str
    events: Events
    tempo: TempoMap
    beats_s: np.ndarray
    downbeats_s: np.ndarray
    duration_s: float


def _bar(kick: str, snare: str, cymbal: str) -> str:
    return f"kick {kick}\nsnare_head {snare}\nhihat_closed {cymbal}"


_BACKBEAT: Final = "....X.......X..."
STYLES: Final = {
    "rock": GrooveStyle((4, 4), (75, 165), (
        _bar("X.......X.......", _BACKBEAT, "X.x.X.x.X.x.X.x."),
        _bar("X.....x.X.......", _BACKBEAT, "X.x.X.x.X.x.X.x."),
        _bar("X.......X.x.....", _BACKBEAT, "X.x.X.x.X.x.X.x."),
        _bar("X..x......x.....", _BACKBEAT, "X.x.X.x.X.x.X.x."),
    )),
    "quarters": GrooveStyle((4, 4), (110, 200), (
        _bar("X.......X.......", _BACKBEAT, "X...X...X...X..."),
        _bar("X.....x.X.x.....", _BACKBEAT, "X...X...X...X..."),
    )),
    "sixteenths": GrooveStyle((4, 4), (60, 110), (
        _bar("X..x..x...x.....", "....X..o.o..X...", "XxxxXxxxXxxxXxxx"),
        _bar("X......xX.x.....", "....X.......X..o", "XxxxXxxxXxxxXxxx"),
    )),
    "double_kick": GrooveStyle((4, 4), (120, 210), (
        _bar("XxxxXxxxXxxxXxxx", _BACKBEAT, "X...X...X...X..."),
        _bar("X.xxX.xxX.xxX.xx", _BACKBEAT, "X...X...X...X..."),
        _bar("X.x.X.x.X.x.X.x.", _BACKBEAT, "X...X...X...X..."),
    )),
    "thrash": GrooveStyle((4, 4), (150, 240), (
        _bar("X.......X.......", _BACKBEAT, "X...X...X...X..."),
        _bar("X.x.....X.x.....", _BACKBEAT, "X.x.X.x.X.x.X.x."),
        _bar("X.....x.X.....x.", _BACKBEAT, "X...X...X...X..."),
    )),
    "skank": GrooveStyle((4, 4), (150, 230), (
        _bar("X...X...X...X...", "..X...X...X...X.", "X.x.X.x.X.x.X.x."),
        _bar("X...X...X...X...", "..X...X...X...X.", "X...X...X...X..."),
    )),
    "blast": GrooveStyle((4, 4), (160, 250), (
        _bar("X.x.X.x.X.x.X.x.", "X.x.X.x.X.x.X.x.", "X.x.X.x.X.x.X.x."),
        _bar("X...X...X...X...", "..x...x...x...x.", "X.x.X.x.X.x.X.x."),
    )),
    "half_time": GrooveStyle((4, 4), (120, 180), (
        _bar("X...........x...", "........X.......", "X...X...X...X..."),
        _bar("X.....x.....x...", "........X.......", "X.x.X.x.X.x.X.x."),
    )),
    "breakdown": GrooveStyle((4, 4), (100, 160), (
        _bar("X..x..x...x..x..", "........X.......", "X...X...X...X..."),
        _bar("X.xx..x.x..x..x.", "........X.......", "X...X...X...X..."),
    )),
    "disco": GrooveStyle((4, 4), (100, 150), (
        _bar("X...X...X...X...", _BACKBEAT, "..X...X...X...X."),
        _bar("X...X...X...X...", _BACKBEAT, "Xx.xXx.xXx.xXx.x"),
    )),
    "drum_and_bass": GrooveStyle((4, 4), (160, 180), (
        _bar("X.........x.....", _BACKBEAT, "X.x.X.x.X.x.X.x."),
        _bar("X...x.....x.....", "....X..o.o..X...", "X.x.X.x.X.x.X.x."),
    )),
    "hard_beat": GrooveStyle((4, 4), (90, 140), (
        _bar("X.x...x.X.x.....", _BACKBEAT, "X...X...X...X..."),
        _bar("X.......x.x.....", "....X.......X.X.", "X...X...X...X..."),
    )),
    "toms": GrooveStyle((4, 4), (85, 170), (
        "kick X...X...X...X...\nsnare_head ....X.......X...\ntom_floor X.xxX.x.X.xxX.x.",
        "kick X.......X.......\nsnare_head ....X.......X...\ntom_floor X.x...x.X.x...x.",
    )),
    "shuffle": GrooveStyle((4, 4), (70, 150), (
        _bar("X.....X.....", "...X.....X..", "X.xX.xX.xX.x"),
        _bar("X....xX.....", "...X.....X..", "X.xX.xX.xX.x"),
    )),
    "slow_twelve": GrooveStyle((4, 4), (50, 80), (
        _bar("X.....X.....", "...X.....X..", "XxxXxxXxxXxx"),
        _bar("X....xX.x...", "...X.....X..", "XxxXxxXxxXxx"),
    )),
    "swing": GrooveStyle((4, 4), (110, 240), (
        "ride_body X..X.xX..X.x\nhihat_pedal ...x.....x..\nkick o.....o.....\nsnare_head ..o.....o.o.",
        "ride_body X..X.xX..X.x\nhihat_pedal ...x.....x..\nsnare_head .....o..o...",
    )),
    "waltz": GrooveStyle((3, 4), (80, 190), (
        _bar("X...........", "....x...x...", "X.x.X.x.X.x."),
        _bar("X.....x.....", "........X...", "X.x.X.x.X.x."),
        _bar("X...........", "....X.......", "X...X...X..."),
    )),
    "six_eight": GrooveStyle((6, 8), (80, 200), (
        _bar("X.........x.", "......X.....", "X.x.x.X.x.x."),
        _bar("X...x.......", "......X.....", "X.x.x.X.x.x."),
    )),
    "seven_eight": GrooveStyle((7, 8), (90, 200), (
        _bar("X.....x.......", "....X.....X...", "X.x.x.x.x.x.x."),
        _bar("X.......x.....", "....X.......X.", "X.x.X.x.X.x.x."),
    )),
    "five_four": GrooveStyle((5, 4), (90, 180), (
        _bar("X.........x.........", "....X.......X...X...", "X.x.X.x.X.x.X.x.X.x."),
        _bar("X.....x.....X.......", "....X...........X...", "X.x.X.x.X.x.X.x.X.x."),
    )),
}  # fmt: skip
"""Styles by name."""

_CONFUSED: Final = {"snare_head": "tom_high", "hihat_closed": "ride_body", "crash": "hihat_open", "tom_floor": "kick"}
_VELOCITY: Final = {"X": 0.9, "x": 0.65, "o": 0.3}


def generate(
    style: str,
    seed: int,
    *,
    tempo_bpm: float | None = None,
    num_bars: int = 48,
    noise: float = 0.05,
    jitter_s: float = 0.006,
) -> GeneratedSong:
    """Generate one song.

    Parameters
    ----------
    style
        A key of `STYLES`.
    seed
        Chooses tempo, pick-up, sections, fills, drift and errors.
    tempo_bpm
        Quarter notes per minute; sampled from the style's range by default.
    num_bars
        Bars after the pick-up.
    noise
        Share of hits that are deleted, and half as many invented and confused ones, as a transcriber errs.
    jitter_s
        Standard deviation of hit times [s].

    Returns
    -------
    GeneratedSong
    """
    chosen, random = STYLES[style], np.random.default_rng([seed, *style.encode()])
    top, bottom = chosen.time_signature
    bar_ticks = RESOLUTION * 4 * top // bottom
    bpm = tempo_bpm or float(np.exp(random.uniform(*np.log(chosen.tempo_bpm))))
    start_s = float(random.uniform(0.0, 2.0))
    drift = random.normal(0, 0.004, num_bars // 4 + 1) if random.random() < 0.5 else np.zeros(num_bars // 4 + 1)
    tempos = tuple((4 * bar_ticks * index, bpm * (1 + float(d))) for index, d in enumerate(drift))
    tempo = TempoMap(RESOLUTION, tempos, ((0, top, bottom),))
    notes = [note for bar in range(num_bars) for note in _bar_notes(chosen, bar, bar_ticks, random)]
    if random.random() < 0.3:  # a pick-up: a fill before the first bar
        notes += [(tick - bar_ticks, drum, mark) for tick, drum, mark in _fill(bar_ticks, random)]
        start_s += float(bar_ticks / RESOLUTION * 60 / bpm)
    kept = [note for note in notes if random.random() > noise]
    ticks = np.array([tick for tick, _, _ in kept])
    times_s = tempo.seconds(ticks) + start_s + random.normal(0, jitter_s, len(kept))
    labels = [_CONFUSED.get(drum, drum) if random.random() < noise / 2 else drum for _, drum, _ in kept]
    velocities = [_VELOCITY[mark] for *_, mark in kept]
    invented = int(len(kept) * noise / 2)
    end_s = float(tempo.seconds(num_bars * bar_ticks)) + start_s
    times_s = np.concatenate([times_s, random.uniform(0, end_s, invented)]).clip(0)
    labels += [str(random.choice(["kick", "snare_head", "hihat_closed"])) for _ in range(invented)]
    unit = _beat_ticks(top, bottom)
    beat_ticks = [bar * bar_ticks + beat for bar in range(num_bars) for beat in unit]
    return GeneratedSong(
        style,
        Events.of(times_s, labels, velocity=[*velocities, *[0.4] * invented]),
        tempo,
        tempo.seconds(beat_ticks) + start_s,
        tempo.seconds(np.arange(num_bars) * bar_ticks) + start_s,
        end_s,
    )


def _beat_ticks(top: int, bottom: int) -> list[int]:
    """Beats of a bar: quarters; dotted quarters in compound metres; the rest of a bar of odd eighths is a short one."""
    step = RESOLUTION if bottom == 4 or top % 3 else RESOLUTION * 3 // 2
    return list(range(0, RESOLUTION * 4 * top // bottom - RESOLUTION // 4, step))


def _bar_notes(style: GrooveStyle, bar: int, bar_ticks: int, random: np.random.Generator) -> list[tuple[int, str, str]]:
    section = bar // 8
    groove = style.bars[(section // 2 + (bar % 2 if section % 2 else 0)) % len(style.bars)]
    lines = drum_lines(groove)
    if bar % 8 == 7 and random.random() < 0.8:
        return [(bar * bar_ticks + tick, drum, mark) for tick, drum, mark in _fill(bar_ticks, random)]
    cymbal = ("hihat_closed", "ride_body", "hihat_open", "crash")[section % 4 if section % 3 else 0]
    notes = []
    for drum, line in lines.items():
        step = bar_ticks / len(line)
        for index, mark in enumerate(line):
            if mark == "." and drum == "kick" and index % 2 == 0 and random.random() < 0.04:
                mark = "x"
            if mark != "." and not (mark != "X" and random.random() < 0.05):
                name = cymbal if drum == "hihat_closed" else drum
                notes.append((bar * bar_ticks + round(index * step), name, mark))
    if bar % 8 == 0 or (bar % 4 == 0 and random.random() < 0.4):
        notes = [note for note in notes if note[:2] != (bar * bar_ticks, cymbal)]
        notes.append((bar * bar_ticks, "crash", "X"))
    return notes


def _fill(bar_ticks: int, random: np.random.Generator) -> list[tuple[int, str, str]]:
    """Toms and snare from a random beat on; before it kick and snare mark the beats."""
    first = int(random.integers(0, max(1, bar_ticks // RESOLUTION - 1))) * RESOLUTION
    step = int(random.choice([RESOLUTION // 4, RESOLUTION // 2, RESOLUTION // 3]))
    drums = ("snare_head", "tom_high", "tom_mid", "tom_floor")
    notes = [
        (tick, "kick" if tick // RESOLUTION % 2 == 0 else "snare_head", "X") for tick in range(0, first, RESOLUTION)
    ]
    for tick in range(first, bar_ticks, step):
        notes.append((tick, drums[(tick - first) * 4 // (bar_ticks - first)], "x"))
    return notes
