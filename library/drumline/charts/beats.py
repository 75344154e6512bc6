"""Beats at known times to a tempo map, and the metre in text to numbers.

A map starts at second 0 with a beat. Where the first beat sounds later, the lead-in before it is stretched to
whole beats, so that beats stay on multiples of the resolution; its tempo means nothing. A first beat within
`LEAD_IN_S` of second 0 is put there: a beat in 10 ms would upset every mean tempo.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from drumline.core.tempo import TempoMap

RESOLUTION: Final = 480
"""Ticks in a quarter note of the maps made here."""
TEMPO_RANGE_BPM: Final = (1.0, 3_000.0)
"""Beyond it a mark is a slip of the pen (a beat tapped twice)."""

LEAD_IN_S: Final = 0.05


def tempo_from_marks(
    marks: Sequence[tuple[float, float]], time_signatures: Sequence[tuple[int, int, int]] = ()
) -> TempoMap | None:
    """The map of (seconds, beats per minute) marks, each on a beat; None without any usable mark.

    Later times are kept: between two marks the number of ticks is rounded, and the tempo gives way. A mark before
    second 0, less than a tick after the previous one, or out of `TEMPO_RANGE_BPM` is left out.
    ``time_signatures`` are (index of the mark, numerator, denominator).
    """
    tempos: list[tuple[int, float]] = []
    ticks_of_marks: dict[int, int] = {}
    tick, tempo_bpm = 0, 0.0
    last_s = last_mark_s = 0.0  # they differ only after a first mark that was put at second 0
    for index, (time_s, next_bpm) in enumerate(marks):
        if time_s < 0 or not TEMPO_RANGE_BPM[0] <= next_bpm <= TEMPO_RANGE_BPM[1]:
            continue
        if tempos:
            ticks = round((time_s - last_mark_s) * tempo_bpm / 60 * RESOLUTION)
        elif time_s < LEAD_IN_S:
            ticks = 0
        else:
            ticks = max(1, round(time_s * next_bpm / 60)) * RESOLUTION
        if ticks < 1 and tempos:
            continue
        if ticks:
            span = (tick, ticks / RESOLUTION * 60 / (time_s - last_s))
            tempos = [*tempos[:-1], span] if tempos else [span]
            last_s = time_s
        tick, last_mark_s, tempo_bpm = tick + ticks, time_s, next_bpm
        tempos.append((tick, next_bpm))
        ticks_of_marks[index] = tick
    if not tempos:
        return None
    signatures: dict[int, tuple[int, int]] = {}
    for index, numerator, denominator in time_signatures:
        changes = (numerator, denominator) != next(reversed(signatures.values()), None)
        if changes and index in ticks_of_marks:
            tick = ticks_of_marks[index]
            signatures |= {tick: (numerator, denominator)} if signatures else _bars_to(tick, numerator, denominator)
    return TempoMap(
        RESOLUTION,
        tuple(tempos),
        tuple((at, *signature) for at, signature in sorted(signatures.items())) or ((0, 4, 4),),
    )


def _bars_to(tick: int, numerator: int, denominator: int) -> dict[int, tuple[int, int]]:
    """Time signatures by tick that make a bar line of ``tick``: whole bars, after a shorter first one if need be."""
    note = RESOLUTION * 4 // denominator
    rest = tick // note % numerator
    return ({0: (rest, denominator)} if rest else {}) | {rest * note: (numerator, denominator)}


def tempo_from_beats(beats_s: Sequence[float], positions: Sequence[int]) -> TempoMap | None:
    """The map of annotated beats in quarter notes, with their positions in the bar from 1; None for under two."""
    if len(beats_s) < 2:
        return None
    gaps_s = [after - before for before, after in pairwise(beats_s)]
    gaps_s.append(gaps_s[-1])
    marks = [(time_s, 60 / gap_s if gap_s > 0 else 0.0) for time_s, gap_s in zip(beats_s, gaps_s, strict=True)]
    downbeats = [i for i, position in enumerate(positions) if position == 1]
    lengths = [after - before for before, after in pairwise(downbeats)]
    signatures: list[tuple[int, int, int]] = []
    for index, length in zip(downbeats, lengths, strict=False):
        if not signatures or signatures[-1][1] != length:
            signatures.append((index, length, 4))
    return tempo_from_marks(marks, signatures)


def parse_metre(text: str) -> tuple[int, int] | None:
    """``4/4`` or ``4-4`` as (numerator, denominator); None where it is no metre."""
    top, _, bottom = text.replace("-", "/").partition("/")
    if not (top.strip().isdecimal() and bottom.strip().isdecimal()):
        return None
    numerator, denominator = int(top), int(bottom)
    plausible = 1 <= numerator <= 64 and denominator in (1, 2, 4, 8, 16, 32)
    return (numerator, denominator) if plausible else None


def tempo_through(beat: Sequence[float], audio_s: Sequence[float]) -> tuple[TempoMap | None, float]:
    """The tempo map through hits, in audio time, and the audio time of its second 0.

    Alignment may have stretched the source's own map. Hits at least a quarter note apart are its knots: nearer ones
    would make tempi of the rounding of their times. ``beat`` [N] in quarter notes (NaN: unknown), ``audio_s`` [N].
    """
    knots: list[tuple[int, float]] = []
    for position, time_s in sorted(pair for pair in zip(beat, audio_s, strict=True) if math.isfinite(pair[0])):
        tick = round(position * RESOLUTION)
        if not knots or (tick >= knots[-1][0] + RESOLUTION and time_s > knots[-1][1]):
            knots.append((tick, time_s))
    if len(knots) < 2:
        return None, 0.0
    tempos = [(b - a) / RESOLUTION * 60 / (t - s) for (a, s), (b, t) in pairwise(knots)]
    later = [(tick, bpm) for (tick, _), bpm in zip(knots[1:-1], tempos[1:], strict=True) if tick > 0]
    tempo = TempoMap(RESOLUTION, ((0, tempos[0]), *later))
    tick, time_s = knots[0]
    return tempo, time_s - float(tempo.seconds(tick))
