"""How exact alignment is, what it tells apart, and its cost.

The method is that of the tests: rendered songs, of which the truth is known, and real recordings moved by known
amounts. A pair is judged at the default configuration; its fit is that of the last search (`alignment.score`). Charts
that are not exact have their own module (`loose_charts`).
"""

import time
from collections.abc import Callable, Sequence
from itertools import product
from statistics import median
from typing import Any, Final

import numpy as np
from tests.alignment.test_align import moved
from tests.bench import loose_charts
from tests.bench.recordings import Recording, Samples, groove, mdb_recordings, rendered
from tests.bench.tables import table

from drumline.alignment.align import Alignment, AlignmentConfig, align
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.features.onset_envelope import onset_envelope
from drumline.rendering.patterns import STYLES

_OFFSET_S: Final = 2.0
_DRIFTS: Final = (0.0, 150e-6, -400e-6, 800e-6)
_SHIFTS_S: Final = (-1.9, -0.731, -0.0333, 0.25, 1.234, 2.0)
_SONG_S: Final = 240.0
# Kept although it would be rejected, so that what does not fit has a fit as well.
_CONFIG: Final = AlignmentConfig(force=True)

Say = Callable[[str], None]


def measure(*, quick: bool, say: Say) -> dict[str, Any]:
    """Precision on rendered songs, recovery of real ones, fits of right and wrong pairs, loose charts, cost."""
    real = mdb_recordings()
    if not real:
        say("no corpus beside this checkout (../shared/corpus): rendered songs only")
    if quick:
        real = real[:3]
    found = {"rendered": _precision(4 if quick else 32), "moved": [_recovery(recording) for recording in real]}
    say("precision measured")
    known = [rendered(100 + number, kit=number, mixed=number % 2 == 1) for number in range(3 if quick else 16)]
    found["pairs"] = _fits(real, known)
    say("pairs measured")
    if loose_charts.ARCHIVE.is_file():
        found["loose"] = loose_charts.measure(quick=quick)
        say("loose charts measured")
    else:
        say("no Groove beside this checkout (../shared/corpus/groove_trainval.zip): loose charts left out")
    return {**found, "cost": _cost()}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """A table for each claim that was measured."""
    songs, moves, pairs = found["rendered"], found["moved"], found["pairs"]
    headers = ["rendered songs", "songs", "median error, ms", "worst song, ms", "drift error, ppm", "rejected"]
    rows = []
    for domain in ("stem", "mix"):
        own = [song for song in songs if song["domain"] == domain]
        kept = [song for song in own if song["error_ms"] is not None]
        errors_ms = [song["error_ms"] for song in kept]
        drifts_ppm = [abs(song["drift_error_ppm"]) for song in kept]
        rows.append([domain, len(own), median(errors_ms), max(errors_ms), median(drifts_ppm), len(own) - len(kept)])
    tables = [table(headers, rows, markdown=markdown)]
    if moves:
        headers = ["MDB, moved", "offset, ms", "residual, ms", "fit", "recovered within: median, ms", "at most, ms"]
        keys = ("offset_ms", "residual_ms", "fit", "median_ms", "max_ms")
        rows = [[move["recording"], *(move[key] for key in keys)] for move in moves]
        tables.append(table(headers, rows, markdown=markdown))
    headers = ["fit", "pairs", "median", "1 %", "99 %", "least", "most", "wrongly judged"]
    rows = [[name, *_spread(fits["fits"]), fits["wrongly_judged"]] for name, fits in pairs.items()]
    tables.append(table(headers, rows, markdown=markdown))
    if "loose" in found:
        tables.append(loose_charts.report(found["loose"], markdown=markdown))
    cost = found["cost"]
    rows = [[name, cost[name], cost["duration_s"] / cost[name]] for name in ("align", "onset envelope")]
    tables.append(table([f"a song of {cost['duration_s']:.0f} s", "CPU s", "× real time"], rows, markdown=markdown))
    return "\n\n".join(tables)


def _precision(num_songs: int) -> list[dict[str, Any]]:
    """Rendered songs, each as stem and as mix, moved and stretched by amounts drawn for it."""
    random, found = np.random.default_rng(0), []
    for number in range(num_songs):
        drift = _DRIFTS[(number + number // len(STYLES)) % len(_DRIFTS)]  # every style with every drift
        num_bars = int(random.choice([12, 30, 60]))
        shift = round(random.uniform(-_OFFSET_S, _OFFSET_S) * RATE_HZ) / RATE_HZ
        for mixed in (False, True):
            song = rendered(number, kit=number, mixed=mixed, drift=drift, num_bars=num_bars)
            result = _aligned(moved(song.samples, shift), song.hits)
            row = {"song": song.song, "domain": song.domain, "offset_s": shift, "drift_ppm": 1e6 * drift}
            row |= {"error_ms": None, "drift_error_ppm": None}
            if result.verdict != "forced":
                chart_s = np.array([hit.time_s for hit in song.hits])
                errors_s = result.to_audio(chart_s) - (chart_s * (1 + drift) + shift)
                row["error_ms"] = 1e3 * float(np.median(np.abs(errors_s)))
                row["drift_error_ppm"] = result.drift_ppm - 1e6 * drift
            found.append(row)
    return found


def _recovery(recording: Recording) -> dict[str, Any]:
    """A real recording moved: how far the offset found differs from its own plus the shift."""
    still, errors_ms = _aligned(recording.samples, recording.hits), []
    for shift_s in _SHIFTS_S:
        result = _aligned(moved(recording.samples, shift_s), recording.hits)
        shift = round(shift_s * RATE_HZ) / RATE_HZ
        errors_ms.append(1e3 * abs(result.offset_s - still.offset_s - shift))
    return {
        "recording": f"{recording.song}, {recording.domain}",
        "offset_ms": 1e3 * still.offset_s,
        "residual_ms": still.residual_ms,
        "fit": still.fit,
        "median_ms": median(errors_ms),
        "max_ms": max(errors_ms),
    }


def _fits(real: Sequence[Recording], known: Sequence[Recording]) -> dict[str, dict[str, Any]]:
    """Fits by kind of pair, and how many were accepted or rejected wrongly."""
    kinds: dict[str, list[tuple[Recording, Recording]]] = {
        "right, MDB": [(one, one) for one in real],
        "right, rendered": [(one, one) for one in known],
        "wrong, MDB with MDB": _strangers(real, real),
        "wrong, MDB with rendered": [*_strangers(real, known), *_strangers(known, real)],
        "wrong, rendered with rendered": _strangers(known, known),
    }
    found = {}
    for kind, pairs in kinds.items():
        results = [_aligned(audio.samples, chart.hits) for chart, audio in pairs]
        accepted = sum(result.verdict != "forced" for result in results)
        wrongly = len(results) - accepted if kind.startswith("right") else accepted
        if results:
            found[kind] = {"fits": [result.fit for result in results], "wrongly_judged": wrongly}
    return found


def _strangers(charts: Sequence[Recording], audio: Sequence[Recording]) -> list[tuple[Recording, Recording]]:
    """Every chart once with every recording of another song."""
    by_song = {chart.song: chart for chart in charts}
    return [(chart, other) for chart, other in product(by_song.values(), audio) if chart.song != other.song]


def _spread(fits: Sequence[float]) -> list[float | int]:
    low, high = np.percentile(fits, [1, 99])
    return [len(fits), median(fits), float(low), float(high), min(fits), max(fits)]


def _cost() -> dict[str, float]:
    """CPU seconds for a song of some four minutes: medians of three."""
    bars_a_second = 25 / groove(0, num_bars=24).end_s  # one bar leads in
    song = rendered(0, kit=0, mixed=True, num_bars=round(_SONG_S * bars_a_second))
    align_s = _cpu_s(lambda: _aligned(song.samples, song.hits))
    envelope_s = _cpu_s(lambda: onset_envelope(song.samples))
    return {"duration_s": len(song.samples) / RATE_HZ, "align": align_s, "onset envelope": envelope_s}


def _cpu_s(work: Callable[[], object]) -> float:
    times_s = []
    for _ in range(3):
        started_s = time.process_time()
        work()
        times_s.append(time.process_time() - started_s)
    return median(times_s)


def _aligned(samples: Samples, hits: Sequence[Hit]) -> Alignment:
    result = align(samples, hits, prior_offset_s=0.0, config=_CONFIG)
    assert isinstance(result, Alignment), result  # force keeps whatever has an onset
    return result
