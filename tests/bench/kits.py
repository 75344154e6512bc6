"""Where the strokes of real kits are heard, against where their labels say: every kit of the corpus, every class.

Two measures that share nothing with `rendering.kits.onset`, on rendered strokes at three velocities: the first time at
which the RMS of 0.5 ms reaches a tenth of the attack's (its largest within 20 ms of the label), and the peak of the
log-spectral flux (5.8-ms frames, 0.25 ms apart), less what the latter says of a click. Positive: heard after the label.

Each is blind to something. The level takes the creak of a pedal for its stroke; the flux waits for the high
frequencies, which reach a kick drum's distant microphones milliseconds after the near one.
"""

import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from statistics import median
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from tests.bench.tables import table
from tests.conftest import CORPUS

from drumline.charts.drum_maps import ROLAND
from drumline.charts.general_midi import ROLAND_CLOSED_CC4, read_performance
from drumline.core.hits import Hit
from drumline.core.taxonomy import CLASSES
from drumline.rendering.kits.open_kit import list_kits, open_kit
from drumline.rendering.kits.sampled import SampledKit
from drumline.rendering.play import render_pieces

RATE_HZ = 44_100
VELOCITIES = (0.3, 0.6, 1.0)
_LABEL_S = 0.1
_DURATION_S = 0.6
_LEVEL = 0.1
_ATTACK_S = 0.02
_FRAME = 256
_HOP = 11
_LAG = 6
_COMPRESSION = 1000.0
_SEARCHED_S = 0.04
_PERFORMANCES = 12


@dataclass(frozen=True)
class Row:
    """One class of one kit; distances [ms] over all its voices, three velocities and two takes."""

    kit: str
    drum: str
    voices: int
    layers: int
    takes: int
    """Recordings altogether."""
    lead_in_ms: tuple[float, float]
    """Least and most, by `rendering.kits.onset`."""
    level_ms: float
    """Median of label to a tenth of the attack's level."""
    level_worst_ms: float
    """The one furthest from nothing."""
    flux_ms: float
    """Median of label to the peak of the flux."""
    flux_worst_ms: float


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """A row a class, and what each kit costs."""
    folders = sorted(path for path in (CORPUS / "kits").glob("*") if path.is_dir())
    addresses = [kit for folder in folders for kit in list_kits(str(folder))]
    if not addresses:
        return {"skipped": "kits: the corpus is not beside this checkout (../shared/corpus)"}
    rows: list[Row] = []
    costs = []
    for address in addresses[:1] if quick else addresses:
        started = time.process_time()
        kit = open_kit(address, rate_hz=RATE_HZ)
        open_s = time.process_time() - started
        rows += rows_of(kit)
        costs.append(
            {
                "kit": kit.name,
                "licence": kit.facts.licence,
                "open_s": open_s,
                "megabytes": kit.num_bytes / 1e6,
                "speed": speed(kit),
            }
        )
        say(f"{kit.name}: opened in {open_s:.1f} s")
    return {"rows": [asdict(row) for row in rows], "costs": costs}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """Classes by kit, then the kits."""
    if "skipped" in found:
        return str(found["skipped"])
    headers = [
        "kit, class", "voices", "layers", "recordings", "lead-in ms", "level ms", "worst", "flux ms", "worst"
    ]  # fmt: skip
    rows = [
        [
            f"{row['kit']}, {row['drum']}",
            row["voices"],
            row["layers"],
            row["takes"],
            "{:.1f} to {:.1f}".format(*row["lead_in_ms"]),
            *(f"{row[name]:+.1f}" for name in ("level_ms", "level_worst_ms", "flux_ms", "flux_worst_ms")),
        ]
        for row in found["rows"]
    ]
    costs = [
        [cost["kit"], cost["licence"], cost["open_s"], cost["megabytes"], cost["speed"]] for cost in found["costs"]
    ]
    return "\n\n".join(
        [
            table(headers, rows, markdown=markdown),
            table(["kit", "licence", "opened in CPU s", "MB", "audio s a CPU s"], costs, markdown=markdown),
        ]
    )


def rows_of(kit: SampledKit) -> Iterator[Row]:
    """A row for each class that the kit plays."""
    for drum in (drum for drum in CLASSES if drum in kit.drums):
        voices = kit.voices[drum]
        layers = [layer for voice in voices for layer in voice.layers]
        strokes = {id(take): take.stroke for layer in layers for take in layer.takes}.values()
        leads_ms = [1000 * stroke.onset / kit.rate_hz for stroke in strokes]
        heard = [
            rendered(kit, Hit(_LABEL_S, drum, velocity, source_name=voice.name, openness=voice.openness), seed)
            for voice in voices
            for velocity in VELOCITIES
            for seed in (0, 1)
        ]
        by_level = [level_distance_ms(samples) for samples in heard]
        by_flux = [flux_distance_ms(samples) - _of_a_click_ms() for samples in heard]
        yield Row(
            kit=kit.name,
            drum=drum,
            voices=len(voices),
            layers=len(layers),
            takes=len(strokes),
            lead_in_ms=(min(leads_ms), max(leads_ms)),
            level_ms=median(by_level),
            level_worst_ms=max(by_level, key=abs),
            flux_ms=median(by_flux),
            flux_worst_ms=max(by_flux, key=abs),
        )


def rendered(kit: SampledKit, hit: Hit, seed: int) -> NDArray[np.float64]:
    """One stroke, [N]."""
    pieces = render_pieces([hit], kit=kit, duration_s=_DURATION_S, seed=seed)
    return np.sum(list(pieces.values()), axis=0, dtype=np.float64)


def level_distance_ms(samples: NDArray[np.float64]) -> float:
    """From the label to the first 0.5 ms whose RMS reaches a tenth of the attack's, at their middle."""
    width, label, near = RATE_HZ // 2000, round(_LABEL_S * RATE_HZ), round(_ATTACK_S * RATE_HZ)
    rms = np.sqrt(sliding_window_view(np.square(samples), width).mean(axis=1))
    # A crash swells for a tenth of a second: its attack is not where it is loudest.
    first = int(np.argmax(rms >= _LEVEL * rms[label - near : label + near].max()))
    return 1000 * ((first + width / 2) / RATE_HZ - _LABEL_S)


def flux_distance_ms(samples: NDArray[np.float64]) -> float:
    """From the label to where the spectrum grows most, within 40 ms."""
    around = round(_SEARCHED_S * RATE_HZ)
    start = round(_LABEL_S * RATE_HZ) - around - _FRAME // 2
    part = samples[start : start + 2 * around + _FRAME]
    frames = sliding_window_view(part, _FRAME)[::_HOP] * np.hanning(_FRAME)
    magnitudes = np.abs(np.fft.rfft(frames, axis=1))
    spectra = np.log1p(_COMPRESSION * magnitudes / magnitudes.max())
    flux = np.maximum(spectra[_LAG:] - spectra[:-_LAG], 0.0).sum(axis=1)
    middle = (int(np.argmax(flux)) + _LAG / 2) * _HOP
    return 1000 * (middle - around) / RATE_HZ


def speed(kit: SampledKit) -> float:
    """Seconds of audio by CPU second, of the longest Groove performances."""
    with zipfile.ZipFile(CORPUS / "groove_trainval.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith("_beat_4-4.mid")]
        longest = sorted(names, key=lambda name: (-archive.getinfo(name).file_size, name))[:_PERFORMANCES]
        performances = [
            read_performance(archive.read(name), name, drum_map=ROLAND, closed_cc4=ROLAND_CLOSED_CC4).hits
            for name in longest
        ]
    started, audio_s = time.process_time(), 0.0
    for hits in performances:
        audio_s += hits[-1].time_s
        render_pieces(hits, kit=kit, duration_s=hits[-1].time_s)
    return audio_s / (time.process_time() - started)


@cache
def _of_a_click_ms() -> float:
    click = np.zeros(round(_DURATION_S * RATE_HZ))
    click[round(_LABEL_S * RATE_HZ)] = 1.0
    return flux_distance_ms(click)
