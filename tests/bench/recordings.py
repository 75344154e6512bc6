"""What accuracy is measured on: rendered songs, whose truth is known, and the MDB tracks beside the checkout."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from tests.conftest import CORPUS

from drumline.audio.decode import AudioConfig, decode
from drumline.charts.mdb import MDB
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.rendering.backing import backing, mix
from drumline.rendering.patterns import STYLES, Groove, perform
from drumline.rendering.play import render
from drumline.rendering.synth_kit import SynthKit, synth_kit

Samples = NDArray[np.float32]
KIT_RATE_HZ = 44_100


@dataclass(frozen=True, eq=False)
class Recording:
    """A chart and audio that belongs to it."""

    song: str
    domain: str
    """``stem``, or a kind of mix."""
    hits: tuple[Hit, ...]
    samples: Samples
    """Mono at the training rate [N]."""


def mdb_recordings(folder: Path = CORPUS / "mdb") -> list[Recording]:
    """Every recording of every MDB track; none where the corpus is absent."""
    files = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    found = []
    for item in MDB.items(files, lambda name: (folder / name).read_bytes()):
        song = MDB.read(item, lambda name: (folder / name).read_bytes())
        for path in sorted(folder.glob(f"{item.key}.*.flac")):
            kind = path.name.split(".")[1]
            samples = decode(path.read_bytes(), name=path.name, config=AudioConfig()).samples
            domain = "stem" if kind == "drums" else f"{kind} mix"
            found.append(Recording(song.metadata.title, domain, song.hits, samples))
    return found


@cache
def groove(number: int, num_bars: int = 24) -> Groove:
    """Song ``number``: styles take turns, tempo (60 to 180, another from bar 8 on) and variations are drawn."""
    random = np.random.default_rng(number)
    tempo_bpm = float(random.uniform(60, 180))
    tempos = ((0, tempo_bpm), (8, tempo_bpm * float(random.uniform(0.93, 1.07))))
    return perform(style_of(number), num_bars=num_bars, tempos=tempos, seed=number)


def style_of(number: int) -> str:
    return list(STYLES)[number % len(STYLES)]


def rendered(number: int, *, kit: int, mixed: bool = False, drift: float = 0.0, num_bars: int = 24) -> Recording:
    """Song ``number`` played on a kit: what the chart has at t sounds at ``t * (1 + drift)``."""
    song = groove(number, num_bars)
    samples = render(song.hits, kit=kit_of(kit), duration_s=song.end_s + 1.5, seed=number)
    if mixed:
        samples = mix(samples, backing(song.tempo, duration_s=len(samples) / KIT_RATE_HZ, seed=number))
    stretched = soxr.resample(samples, KIT_RATE_HZ, RATE_HZ * (1 + drift)).astype(np.float32)
    return Recording(f"{style_of(number)} {number}", "mix" if mixed else "stem", song.hits, stretched)


@cache
def kit_of(seed: int) -> SynthKit:
    return synth_kit(seed, rate_hz=KIT_RATE_HZ)
