"""Songs as bars: cut at bar lines, joined at bar lines, and moved to another tempo map.

A hit's *place* is where its time stands in ticks, as a fraction: unlike `Hit.tick`, which is where it was meant, it
keeps the drummer's timing. Whatever happens to the tempo map, hits keep their places and so stay with the music.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.config import fingerprint
from drumline.core.hits import sorted_hits
from drumline.core.tempo import TempoMap
from drumline.rendering.performances.limbs import playable

Mark = TypeVar("Mark", float, tuple[int, int])

CLOCK: Final = TempoMap(480)
"""The map of a song that has none: 120 beats per minute, in four."""
_EARLY_BEATS: Final = 1 / 16
"""A hit less than a 64th note ahead of a bar line is that bar's first, played early."""


def tempo_of(song: AnnotatedSong) -> TempoMap:
    """The song's tempo map, or `CLOCK`."""
    return song.tempo or CLOCK


def tick_positions(song: AnnotatedSong) -> NDArray[np.float64]:
    """Where the hits stand in ticks, float64 [N]."""
    return tempo_of(song).ticks([hit.time_s for hit in song.hits])


def bar_lines(tempo: TempoMap, end_tick: float) -> list[int]:
    """The ticks at which bars start, from 0 to the first at or after ``end_tick``; a change of metre starts a bar."""
    lines = {0}
    ends: list[float] = [tick for tick, *_ in tempo.time_signatures[1:]]
    for (start, top, bottom), end in zip(tempo.time_signatures, [*ends, end_tick], strict=True):
        length = max(1, tempo.resolution * 4 * top // bottom)
        lines |= set(range(start, math.ceil(min(end, end_tick)), length))
    _, top, bottom = [mark for mark in tempo.time_signatures if mark[0] <= max(lines)][-1]
    if max(lines) < end_tick:
        lines.add(max(lines) + max(1, tempo.resolution * 4 * top // bottom))
    return sorted(lines)


def lines_of(song: AnnotatedSong) -> list[int]:
    """The bar lines of a song, the last being where the bar of its last hit ends; ``[0]`` for no hits."""
    if not song.hits:
        return [0]
    tempo = tempo_of(song)
    return bar_lines(tempo, float(tick_positions(song).max()) + _early(tempo) + 1e-6)


def end_s(song: AnnotatedSong) -> float:
    """Where the bar of the last hit ends [s]; 0 for no hits."""
    return float(tempo_of(song).seconds(lines_of(song)[-1]))


def bar_numbers(song: AnnotatedSong) -> NDArray[np.int64]:
    """The bar in which each hit is meant to stand, from 0, int64 [N]."""
    at = tick_positions(song) + _early(tempo_of(song))
    return np.maximum(np.searchsorted(lines_of(song), at, side="right") - 1, 0).astype(np.int64)


def excerpt(song: AnnotatedSong, first_bar: int, num_bars: int) -> AnnotatedSong:
    """Whole bars of a song, with their part of its tempo map. A hit played before the first bar line moves onto it."""
    tempo, lines, numbers = tempo_of(song), lines_of(song), bar_numbers(song)
    start = lines[first_bar]
    end = lines[min(first_bar + num_bars, len(lines) - 1)]
    inside = (numbers >= first_bar) & (numbers < first_bar + num_bars)
    part = TempoMap(
        tempo.resolution,
        ((0, tempo.tempo_bpm_at(start)), *((t - start, bpm) for t, bpm in tempo.tempos if start < t < end)),
        (
            [(0, n, d) for t, n, d in tempo.time_signatures if t <= start][-1],
            *((t - start, n, d) for t, n, d in tempo.time_signatures if start < t < end),
        ),
    )
    kept = tuple(hit for hit, keep in zip(song.hits, inside.tolist(), strict=True) if keep)
    return moved(replace(song, hits=kept), part, shift_ticks=-start)


def join(songs: Sequence[AnnotatedSong]) -> AnnotatedSong:
    """Songs one after the other, each from a bar line on, at its own tempo and with its own metre.

    Where a song ends on a downbeat (a fill and its crash), the next starts on that very beat. Genre and split are kept
    where all agree. Songs of several groups become one group of their own, the same in whatever order they are joined.
    Raises ValueError for no songs.
    """
    if not songs:
        raise ValueError("nothing to join")
    if len(songs) == 1:
        return songs[0]
    resolution = tempo_of(songs[0]).resolution
    tempos: dict[int, float] = {}
    metres: dict[int, tuple[int, int]] = {}
    starts, start = [], 0
    for song in songs:
        tempo = tempo_of(song)
        ratio = resolution / tempo.resolution
        starts.append(start)
        end = start + round(_seam(song) * ratio)
        last = song is songs[-1]
        tempos |= {at: bpm for t, bpm in tempo.tempos if (at := start + round(t * ratio)) < end or last}
        metres |= {at: (n, d) for t, n, d in tempo.time_signatures if (at := start + round(t * ratio)) < end or last}
        start = end
    whole = TempoMap(resolution, tuple(_changes(tempos)), tuple((tick, *metre) for tick, metre in _changes(metres)))
    hits = [
        hit
        for song, at in zip(songs, starts, strict=True)
        for hit in moved(song, whole, shift_ticks=at, ratio=resolution / tempo_of(song).resolution).hits
    ]
    first, groups = songs[0], sorted({song.group for song in songs})
    titles = list(dict.fromkeys(song.metadata.title for song in songs))
    return replace(
        first,
        hits=playable(hits),
        tempo=whole,
        metadata=replace(
            first.metadata,
            title=first.metadata.title + (f" and {len(titles) - 1} more" if len(titles) > 1 else ""),
            genre=_agreed([song.metadata.genre for song in songs]),
            charter=" & ".join(dict.fromkeys(song.metadata.charter for song in songs)),
        ),
        official_split=_agreed([song.official_split for song in songs]),
        group=groups[0] if len(groups) == 1 else f"medley:{fingerprint(groups)}",
        note_signature=b"",
    )


def moved(song: AnnotatedSong, tempo: TempoMap, *, shift_ticks: int = 0, ratio: float = 1.0) -> AnnotatedSong:
    """The song on another map: each place becomes ``place * ratio + shift_ticks``, and nothing sounds before second 0.

    ``ratio`` is the new resolution over the old one.
    """
    at = tick_positions(song) * ratio + shift_ticks
    times_s = np.maximum(tempo.seconds(at), 0.0).tolist()
    hits = [
        replace(
            hit,
            time_s=time_s,
            tick=max(0, round(tick_position if hit.tick is None else hit.tick * ratio + shift_ticks)),
        )
        for hit, time_s, tick_position in zip(song.hits, times_s, at.tolist(), strict=True)
    ]
    return replace(song, hits=sorted_hits(hits), tempo=tempo)


def _seam(song: AnnotatedSong) -> int:
    """The bar line where a following song may start: before the last bar if only its downbeat is played."""
    lines, at = lines_of(song), tick_positions(song)
    early = _early(tempo_of(song))
    if len(lines) > 2 and bool(np.all(at < lines[-2] + early)):
        return lines[-2]
    return lines[-1] or bar_lines(tempo_of(song), 1)[-1]


def _early(tempo: TempoMap) -> float:
    """[ticks], less a hair: the stroke of a 64th roll stands a whole 64th before the line, and in its own bar."""
    return tempo.resolution * _EARLY_BEATS * 0.99


def _changes(marks: Mapping[int, Mark]) -> Iterator[tuple[int, Mark]]:
    """The marks in order of tick that differ from the one before."""
    before = None
    for tick, mark in sorted(marks.items()):
        if mark != before:
            yield tick, mark
        before = mark


def _agreed(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else ""
