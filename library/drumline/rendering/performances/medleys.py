"""Medleys of performances in sequence: two-second fills alone make no song.

A performance stands in one medley only, so that a medley is a unit that a split can keep together: the songs made of
it share a group. Medleys keep to one drummer, one official split and one metre, and neighbours have near tempos.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.errors import Rejected
from drumline.rendering.performances.bars import join
from drumline.rendering.performances.sources import PerformanceSource, read_source

Medley = tuple[PerformanceSource, ...]


def medleys(sources: Iterable[PerformanceSource], *, duration_s: float, seed: int) -> list[Medley]:
    """Every source in one medley of at least ``duration_s``, as far as there is material to make it so long.

    Long performances stand alone, as do those of unknown length (`vary` repeats what is short) and those of no
    corpus, of which nobody says that they belong together. The seed shuffles performances of nearly one tempo.
    """
    random = np.random.default_rng((seed, 1))
    alone: list[Medley] = []
    short: dict[tuple[str, str, str, str], list[PerformanceSource]] = defaultdict(list)
    for source in sorted(sources, key=lambda source: source.key):
        if source.duration_s is None or source.duration_s >= duration_s or not source.corpus:
            alone.append((source,))
        else:
            short[(source.corpus, source.official_split, source.performer, source.metre)].append(source)
    together: list[Medley] = []
    for _, members in sorted(short.items()):
        # A tempo is blurred by a few beats a minute, so that seeds differ and neighbours stay near.
        blurred = {source.key: (source.tempo_bpm or 0.0) + random.normal(0.0, 4.0) for source in members}
        together += _filled(sorted(members, key=lambda source: blurred[source.key]), duration_s)
    return sorted([*alone, *together], key=lambda medley: medley[0].key)


def read_medley(medley: Medley) -> AnnotatedSong | Rejected:
    """The performances of a medley joined. One that cannot be read is left out; the first fault is told if none can."""
    read = [read_source(source) for source in medley]
    songs = [song for song in read if isinstance(song, AnnotatedSong)]
    return join(songs) if songs else next(fault for fault in read if isinstance(fault, Rejected))


def _filled(sources: list[PerformanceSource], duration_s: float) -> list[Medley]:
    """Neighbours in medleys; what is left over at the end joins the last."""
    found: list[Medley] = []
    current: list[PerformanceSource] = []
    for source in sources:
        current.append(source)
        if sum(each.duration_s or 0.0 for each in current) >= duration_s:
            found.append(tuple(current))
            current = []
    if current:
        found[-1:] = [(*found[-1], *current)] if found else [tuple(current)]
    return found
