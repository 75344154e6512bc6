"""Recorded strums of an acoustic guitar, played with the drums: their attacks resemble toms and snares.

A collection is a folder of one-shots whose names end in the layer, ``Aminor_UP_02.flac``: what stands before it is the
chord, and ``UP`` or ``DOWN`` the direction.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.errors import ConfigError
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.bars import Bar, bars_of, strokes
from drumline.rendering.accompaniment.files import AUDIO_SUFFIXES, files_in
from drumline.rendering.accompaniment.styles import COMPOUND

Samples = NDArray[np.float32]

RHYTHMS: Final = (
    "X-x- X-x- X-x- X-x-",
    "X--- x-x- ..x- x-x-",
    "X--- X-xx --xx X-xx",
    "X-xx x-xx X-xx x-xx",
    "X--- ---- X--- ----",
    "..x- ..x- ..x- ..x-",
    "X.x. X.x. X.x. X.x.",
)
_NAME: Final = re.compile(r"(?P<chord>.+?)(?:_(?P<direction>up|down))?_(?P<layer>\d+)(?:wav)?", re.IGNORECASE)
_NUM_CHORDS: Final = 4
_SECTION_BARS: Final = 8
_SEMITONES: Final = 4.0
_DAMPING_S: Final = 0.03
_JITTER_S: Final = 0.008
_PLAYS: Final = 0.85
"""Share of the sections in which the guitar plays."""

Chord = Mapping[str, tuple[Path, ...]]
"""Direction -> files, softest first."""


@lru_cache(maxsize=4)
def open_strums(folder: str) -> Mapping[str, Chord]:
    """The chords of a collection by name. Raises ConfigError where a folder holds none."""
    found: dict[str, dict[str, list[tuple[int, Path]]]] = {}
    for path in files_in((folder,), AUDIO_SUFFIXES):
        if match := _NAME.fullmatch(path.stem):
            direction = (match["direction"] or "down").lower()
            found.setdefault(match["chord"].lower(), {}).setdefault(direction, []).append((int(match["layer"]), path))
    if not found:
        raise ConfigError(f"{folder}: no strums; their names end in the layer, Aminor_UP_02.flac")
    return MappingProxyType(
        {
            chord: {direction: tuple(path for _, path in sorted(files)) for direction, files in by_direction.items()}
            for chord, by_direction in found.items()
        }
    )


def play_strums(
    song: AnnotatedSong,
    tempo: TempoMap,
    folders: Sequence[str],
    *,
    duration_s: float,
    rate_hz: int,
    channels: int,
    seed: Sequence[int],
) -> tuple[Samples, str]:
    """Strums float32 [channels, round(duration_s * rate_hz)] on the song's beats, and in words what is played.

    Deterministic by seed. Raises ConfigError where a folder holds no strums.
    """
    random = np.random.default_rng(seed)
    chords = open_strums(str(random.choice(np.array(folders))))
    played = random.choice(np.array(sorted(chords)), size=_NUM_CHORDS)
    speed = 2 ** (float(random.uniform(-_SEMITONES, _SEMITONES)) / 12)
    total = np.zeros(round(duration_s * rate_hz), dtype=np.float32)
    strokes_s = list(_strokes_s(list(bars_of(song, tempo, duration_s=duration_s)), tempo, random))
    ends_s = [*(start_s for start_s, *_ in strokes_s[1:]), duration_s]
    for (start_s, bar, is_accented, direction), end_s in zip(strokes_s, ends_s, strict=False):  # no strokes, one end
        layers = _layers(chords[str(played[bar % _NUM_CHORDS])], direction)
        loudest = len(layers) if is_accented else max(1, len(layers) - 1)
        strum = _read(layers[int(random.integers(loudest // 2, loudest))], round(rate_hz / speed))
        start = max(0, round((start_s + random.normal(0, _JITTER_S)) * rate_hz))
        damped = _damped(strum, round(max(0.0, end_s - start_s) * rate_hz), round(_DAMPING_S * rate_hz))
        damped = damped[: max(0, len(total) - start)]
        total[start : start + len(damped)] += damped * np.float32(random.uniform(0.6, 1.0))
    return np.repeat(total[np.newaxis], channels, axis=0), f"strums of {', '.join(sorted(set(map(str, played))))}"


def _strokes_s(bars: Sequence[Bar], tempo: TempoMap, random: np.random.Generator) -> list[tuple[float, int, bool, str]]:
    """Second, number of the bar, accent and direction of each strum."""
    found, rhythm, is_playing = [], "", True
    for number, bar in enumerate(bars):
        if number % _SECTION_BARS == 0 or not rhythm:
            rhythm = str(random.choice(COMPOUND if bar.is_compound else RHYTHMS))
            is_playing = bool(random.random() < _PLAYS)
        for stroke in strokes(rhythm, bar) if is_playing else ():
            direction = "down" if stroke.start % (bar.beat / 2) < bar.beat / 8 else "up"
            found.append((float(tempo.seconds(bar.start + stroke.start)), number, stroke.is_accented, direction))
    return found


def _layers(chord: Chord, direction: str) -> tuple[Path, ...]:
    return chord.get(direction) or next(iter(chord.values()))


@lru_cache(maxsize=256)
def _read(path: Path, rate_hz: int) -> Samples:
    """One strum, mono float32 [N], at a sampling rate."""
    samples, source_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), source_hz, rate_hz), dtype=np.float32)


def _damped(strum: Samples, num_samples: int, fade: int) -> Samples:
    """A strum whose strings are damped after so many samples."""
    cut = strum[: num_samples + fade].copy()
    if len(cut) > num_samples:
        cut[num_samples:] *= np.linspace(1, 0, len(cut) - num_samples, dtype=np.float32)
    return cut
