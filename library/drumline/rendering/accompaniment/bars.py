"""The bars of a song as a band counts them, and when a rhythm sounds in one.

Ticks are the tempo map's; within a bar they count from its start.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.tempo import TempoMap, is_compound
from drumline.rendering.accompaniment.styles import CHUGS, KICKS

_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class Bar:
    start: float
    """Tick at which it starts."""
    length: float
    """Ticks."""
    beat: float
    """Ticks from beat to beat: quarter notes, or dotted ones in compound metre."""
    is_compound: bool
    kicks: tuple[float, ...]
    """Ticks of the kick drum, in order, each once."""
    snares: tuple[float, ...] = ()
    """Beats of the hits on the snare's head."""
    crashes: tuple[float, ...] = ()
    """Beats of the crashes."""


class Stroke(NamedTuple):
    """When a player plays in a bar."""

    start: float
    end: float
    is_accented: bool


def bars_of(song: AnnotatedSong, tempo: TempoMap, *, duration_s: float) -> Iterator[Bar]:
    """The bars that begin before ``duration_s``, with the song's kick, snare and crashes in them."""
    end = float(tempo.ticks(duration_s))
    followed = {
        label: np.unique(tempo.ticks([hit.time_s for hit in song.hits if hit.label == label]))
        for label in ("kick", "snare_head", "crash")
    }
    for (mark, numerator, denominator), (until, _, _) in pairwise([*tempo.time_signatures, (end, 4, 4)]):
        note = tempo.resolution * 4 / denominator
        compound = is_compound(numerator, denominator)
        start, length = float(mark), numerator * note
        while start < min(until, end):
            kicks, snares, crashes = (
                tuple((ticks[slice(*np.searchsorted(ticks, (start, start + length)))] - start).tolist())
                for ticks in followed.values()
            )
            yield Bar(
                start,
                length,
                beat=3 * note if compound else float(tempo.resolution),
                is_compound=compound,
                kicks=kicks,
                snares=snares,
                crashes=crashes,
            )
            start += length


def strokes(rhythm: str, bar: Bar) -> list[Stroke]:
    """The strokes of a rhythm (see `styles`) in a bar, in order."""
    if rhythm in (KICKS, CHUGS):
        return _on_kicks(bar, fill=rhythm == CHUGS)
    groups = rhythm.split()
    found: list[Stroke] = []
    for beat in range(int(np.ceil(bar.length / bar.beat - _ROUNDING))):
        group = groups[beat % len(groups)]
        step = bar.beat / len(group)
        for index, mark in enumerate(group):
            start = beat * bar.beat + index * step
            end = min(start + step, bar.length)
            if start > bar.length - _ROUNDING:
                break
            if mark in "xX":
                found.append(Stroke(start, end, mark == "X"))
            elif mark == "-" and found:
                found[-1] = found[-1]._replace(end=end)
    return found


def in_sections(
    bars: Iterable[Bar], rhythms: Sequence[str], *, section_bars: int, plays: float, random: np.random.Generator
) -> Iterator[tuple[float, bool]]:
    """Tick and accent of each stroke of a player who draws a rhythm for each section, and plays in a share of them."""
    rhythm, is_playing = "", True
    for number, bar in enumerate(bars):
        if number % section_bars == 0:
            rhythm, is_playing = str(random.choice(rhythms)), bool(random.random() < plays)
        for stroke in strokes(rhythm, bar) if is_playing else ():
            yield bar.start + stroke.start, stroke.is_accented


def _on_kicks(bar: Bar, *, fill: bool) -> list[Stroke]:
    """A stroke with each kick, held to the next; with ``fill`` also on the eighths that no kick is near."""
    starts = [(tick, True) for tick in bar.kicks] or [(0.0, True)]
    if fill:
        eighth = bar.beat / (3 if bar.is_compound else 2)
        eighths = np.arange(0.0, bar.length - _ROUNDING, eighth)
        distance = np.abs(eighths[:, None] - np.array([tick for tick, _ in starts])).min(axis=1)
        starts = sorted(starts + [(float(tick), False) for tick in eighths[distance >= eighth / 2]])
    ends = [tick for tick, _ in starts[1:]] + [bar.length]
    return [
        Stroke(start, min(end, start + 2 * bar.beat), is_accented)
        for (start, is_accented), end in zip(starts, ends, strict=True)
    ]
