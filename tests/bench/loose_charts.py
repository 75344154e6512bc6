"""How alignment fares where a chart is on the grid and the drummer is not.

Groove performances on drumline's kit are heard as drums alone and under a backing. Their charts are their own hits on
the nearest grid, at one tempo or with a tempo map that follows each bar, so that it is known when each was played. A
pair is judged at the default configuration.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray
from tests.bench.recordings import KIT_RATE_HZ, Samples, kit_of
from tests.bench.tables import table
from tests.conftest import CORPUS

from drumline.alignment.align import Alignment, AlignmentConfig, align
from drumline.charts.annotated_song import AnnotatedSong
from drumline.charts.corpus import CorpusItem
from drumline.charts.groove import GROOVE
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.core.tempo import TempoMap
from drumline.rendering.backing import backing, mix
from drumline.rendering.play import render

Floats = NDArray[np.float64]

ARCHIVE: Final = CORPUS / "groove_trainval.zip"
_EXCERPT_S: Final = 40.0
_MIN_HITS: Final = 60
_LEAD_S: Final = 1.0
_BAR_BEATS: Final = 4
_RESOLUTION: Final = 480
_TRIPLET_PENALTY: Final = 1.15  # a beat is straight unless triplets are clearly nearer
_PRIORS_S: Final = {"right": (0.0,), "50 ms off": (0.05, -0.05)}
_FAR_MS: Final = 40.0
_STRANGERS: Final = 4
_SAME_TEMPO: Final = 1e-3  # a drift that is searched for
_CONFIG: Final = AlignmentConfig()


@dataclass(frozen=True, eq=False)
class Chart:
    """Hits on a grid, and when each was played."""

    hits: tuple[Hit, ...]
    played_s: Floats
    """Seconds on the audio's clock [N]."""


@dataclass(frozen=True, eq=False)
class Excerpt:
    """The beginning of a performance."""

    key: str
    style: str
    tempo_bpm: float
    audio: dict[str, Samples]
    """``stem`` and ``mix``, mono at the training rate."""
    charts: dict[str, Chart]
    """``one tempo`` and ``per bar``."""


def measure(*, quick: bool) -> dict[str, Any]:
    """Right pairs by chart, domain and prior offset; wrong pairs by tempo."""
    found = list(_excerpts(ARCHIVE, 6 if quick else 32))
    return {
        "excerpts": [{"key": one.key, "style": one.style, "tempo_bpm": one.tempo_bpm} for one in found],
        "right": [row for excerpt in found for row in _right(excerpt)],
        "wrong": _wrong(found),
    }


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """Two tables."""
    rows = []
    for grid, domain, prior in dict.fromkeys((row["grid"], row["domain"], row["prior"]) for row in found["right"]):
        own = [row for row in found["right"] if (row["grid"], row["domain"], row["prior"]) == (grid, domain, prior)]
        errors_ms = [row["error_ms"] for row in own if row["error_ms"] is not None]
        spread = [float(np.percentile(errors_ms, at)) if errors_ms else None for at in (50, 95, 100)]
        far = sum(error_ms > _FAR_MS for error_ms in errors_ms)
        rows.append([f"{grid}, {domain}", prior, len(own), len(errors_ms), *spread, far])
    headers = ["grid of Groove", "own offset", "charts", "accepted", "error: median, ms", "95 %", "most"]
    tables = [table([*headers, f"over {_FAR_MS:.0f} ms"], rows, markdown=markdown)]
    headers = ["grid of Groove with another performance", "pairs", "accepted"]
    rows = [[kind, len(accepted), sum(accepted)] for kind, accepted in found["wrong"].items()]
    return "\n\n".join([*tables, table(headers, rows, markdown=markdown)])


def _right(excerpt: Excerpt) -> Iterator[dict[str, Any]]:
    """The error is the median over hits of when one is said to sound minus when it was played; None if rejected."""
    for grid, chart in excerpt.charts.items():
        for domain, samples in excerpt.audio.items():
            for prior, priors_s in _PRIORS_S.items():
                for prior_s in priors_s:
                    result = align(samples, chart.hits, prior_offset_s=prior_s, config=_CONFIG)
                    row = {"key": excerpt.key, "grid": grid, "domain": domain, "prior": prior, "error_ms": None}
                    if isinstance(result, Alignment):
                        errors_s = result.to_audio([hit.time_s for hit in chart.hits]) - chart.played_s
                        row["error_ms"] = 1e3 * abs(float(np.median(errors_s)))
                    yield row


def _wrong(excerpts: list[Excerpt]) -> dict[str, list[bool]]:
    """Whether each was accepted: charts with the next few performances at another tempo, and with all at their own."""
    found: dict[str, list[bool]] = {"at another tempo": [], "at the same tempo": []}
    for number, one in enumerate(excerpts):
        others = [*excerpts[number + 1 :], *excerpts[:number]]
        alike = [other for other in others if abs(other.tempo_bpm / one.tempo_bpm - 1) < _SAME_TEMPO]
        apart = [other for other in others if other not in alike][:_STRANGERS]
        for kind, strangers in zip(found, (apart, alike), strict=True):
            for other in strangers:
                for chart in one.charts.values():
                    for samples in other.audio.values():
                        result = align(samples, chart.hits, prior_offset_s=0.0, config=_CONFIG)
                        found[kind].append(isinstance(result, Alignment))
    return found


def _excerpts(archive: Path, count: int) -> Iterator[Excerpt]:
    """Styles take turns, the performances of each in an order drawn once."""
    with zipfile.ZipFile(archive) as files:
        by_style: dict[str, list[CorpusItem]] = {}
        items = list(GROOVE.items(files.namelist(), files.read))
        for number in np.random.default_rng(0).permutation(len(items)):
            row = items[number].extra
            if row["beat_type"] == "beat" and row["time_signature"] == "4-4":
                by_style.setdefault(row["style"].partition("/")[0], []).append(items[number])
        made = 0
        for item in filter(None, chain.from_iterable(zip_longest(*by_style.values()))):
            song = GROOVE.read(item, files.read)
            if sum(hit.time_s < _EXCERPT_S for hit in song.hits) >= _MIN_HITS:
                yield _excerpt(item.key, song, number=made)
                made += 1
            if made == count:
                return


def _excerpt(key: str, song: AnnotatedSong, *, number: int) -> Excerpt:
    assert song.tempo is not None, key
    tempo_bpm = song.tempo.tempos[0][1]
    hits = [hit for hit in song.hits if hit.time_s < _EXCERPT_S]
    played = np.array([hit.time_s for hit in hits]) * tempo_bpm / 60  # beats
    grid = _on_grid(played)
    steady = TempoMap(_RESOLUTION, ((0, tempo_bpm),))
    tempo, start_s = _followed(played, grid, tempo_bpm)
    played_s, ticks = steady.seconds(played * _RESOLUTION), grid * _RESOLUTION
    charts = {"one tempo": steady.seconds(ticks), "per bar": tempo.seconds(ticks) + start_s}
    duration_s = _LEAD_S + float(played_s[-1]) + 1.5
    performance = _chart(hits, played_s, played_s).hits
    drums = render(performance, kit=kit_of(number % 8), duration_s=duration_s, seed=number)
    full = mix(drums, backing(steady, duration_s=duration_s, seed=number))
    audio = {
        domain: soxr.resample(samples, KIT_RATE_HZ, RATE_HZ).astype(np.float32)
        for domain, samples in (("stem", drums), ("mix", full))
    }
    made = {name: _chart(hits, times_s, played_s) for name, times_s in charts.items()}
    return Excerpt(key, song.metadata.genre, tempo_bpm, audio, made)


def _chart(hits: list[Hit], times_s: Floats, played_s: Floats) -> Chart:
    """The hits at other times, in their order, after the lead."""
    order = np.argsort(times_s, kind="stable")
    moved = tuple(replace(hits[index], time_s=_LEAD_S + float(times_s[index])) for index in order)
    return Chart(moved, _LEAD_S + played_s[order])


def _on_grid(played: Floats) -> Floats:
    """Beats [N] moved to the nearest 16th, or to the nearest eighth triplet in a beat that is nearer to triplets."""
    beat = np.floor(played + 1 / 8).astype(np.int64)  # what comes just before a beat belongs to it
    straight, triplet = (np.round(played * steps) / steps for steps in (4, 3))
    off_straight, off_triplet = (np.bincount(beat, np.abs(played - grid)) for grid in (straight, triplet))
    return np.where((_TRIPLET_PENALTY * off_triplet < off_straight)[beat], triplet, straight)


def _followed(played: Floats, grid: Floats, tempo_bpm: float) -> tuple[TempoMap, float]:
    """A tempo for each bar, and the second where the first starts: bars start where the hits near their first beat do.

    A bar without such hits lies between its neighbours.
    """
    bars = np.arange(int(grid.max()) // _BAR_BEATS + 2)
    near = [np.abs(grid - _BAR_BEATS * bar) <= 0.5 for bar in bars]
    known = [bar for bar in bars if near[bar].any()]
    late = np.interp(bars, known, [float(np.median((played - grid)[near[bar]])) for bar in known])
    beats = _BAR_BEATS * bars + late
    tempos = tempo_bpm * _BAR_BEATS / np.diff(beats)
    marks = tuple((int(bar) * _BAR_BEATS * _RESOLUTION, float(bpm)) for bar, bpm in zip(bars, tempos, strict=False))
    return TempoMap(_RESOLUTION, marks), float(beats[0]) * 60 / tempo_bpm
