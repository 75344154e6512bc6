"""Guitars and basses recorded note by note without an amplifier (``.sfz``), played as a direct signal.

A note is the recording of its velocity layer, resampled to its pitch (also below the lowest recorded string, as down-
tuned guitars are), with its measured onset at the note's start, and faded where it ends. A palm-muted note is an open
one of which the treble dies within hundredths of a second and the body within tenths. A pick's click is added, since
recordings of soft strings hardly have one and a distorting amplifier brings it up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from drumline.core.artifacts import STORAGE_ERRORS
from drumline.core.errors import ConfigError
from drumline.effects import filters
from drumline.effects.filters import Band
from drumline.rendering.kits.instrument import Instrument, Zone, zones_of
from drumline.rendering.kits.onset import onset_of
from drumline.rendering.kits.open_kit import SampleFolder
from drumline.rendering.kits.recording import Load
from drumline.rendering.kits.sfz import read_sfz

Samples = NDArray[np.float32]
Technique = Literal["open", "muted", "dead", "swell"]

_KEPT: Final = 64  # recordings of an instrument: some 50 MB; takes and songs share them
_RELEASE_S: Final = 0.03
_SWELL_S: Final = 0.7
_MUTED_LENGTHS: Final = 6.0  # of the body's time constant
_DEAD_NAME: Final = re.compile(r"mute|dead", re.IGNORECASE)
_NOISE_NAME: Final = re.compile(r"mute|dead|noise|finger|rest|scrape|slide|release|_rel", re.IGNORECASE)
_PITCH_S: Final = (0.03, 0.2)  # where a recording's pitch is measured
_PERIODIC: Final = 0.85  # of the highest: the first such peak is a period, later ones several
_LOWEST_HZ: Final = 20.0
_HIGHEST_HZ: Final = 1500.0
_CLICK_S: Final = 0.004
_KEYS_MEASURED: Final = 5


@dataclass(frozen=True, slots=True)
class Pluck:
    """One string, struck."""

    start_s: float
    end_s: float
    pitch: int
    """As it sounds; 60 is middle C."""
    velocity: float
    """0 to 1."""
    technique: Technique = "open"


@dataclass(frozen=True)
class Touch:
    """How a player's strings sound in one take."""

    body_s: float
    """Time constant of a palm-muted note below ``tone_hz``."""
    treble_s: float
    """And above it."""
    tone_hz: float
    click_db: float
    """Peak of the pick's click over the note's."""
    detune_cents: float


@dataclass(frozen=True)
class SampledStrings:
    """An instrument's recordings, listed and not yet read."""

    name: str
    load: Load
    """Loader of the recordings, which keeps some of them in memory."""
    notes: dict[int, tuple[Zone, ...]]
    """By key."""
    dead: tuple[str, ...]
    """Recordings of damped strings; empty where there are none."""
    octaves: int
    """To add to a sounding pitch for its key: basses are often mapped as they are written, an octave up."""

    def sound_of(self, pitch: int, velocity: float, take: int) -> tuple[str, float, float]:
        """Path, semitones and gain of the recording for a pitch; consecutive takes are different ones."""
        key = pitch + 12 * self.octaves
        nearest = min(self.notes, key=lambda known: (abs(known - key), known))
        zones = self.notes[nearest]
        zone = next((zone for zone in zones if velocity <= zone.high), zones[-1])
        sound = zone.takes[take % len(zone.takes)][0]
        softer = max(0.5, min(1.0, velocity / zone.high))
        return sound.path, sound.semitones + key - nearest, 10 ** (sound.gain_db / 20) * softer


@lru_cache(maxsize=4)
def open_strings(path: str) -> SampledStrings:
    """The instrument in an .sfz. Raises ConfigError where it cannot be read or none of its recordings is there.

    Recordings that are named and missing are left out as long as a key has others.
    """
    file = Path(path).expanduser()
    folder = SampleFolder(str(file.parent))
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
        instruments = read_sfz(text, path, lambda name: (file.parent / name).read_text(errors="replace"))
        present = [each for each in (_present(each, folder) for each in instruments) if each.regions]
    except STORAGE_ERRORS as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    notes = {
        each.key: tuple(zones_of(each.regions))
        for each in present
        if each.key is not None and not _NOISE_NAME.search(each.name)
    }
    if not notes:
        raise ConfigError(f"{path}: none of the notes that it names is there")
    dead = sorted({region.sound.path for each in present if _DEAD_NAME.search(each.name) for region in each.regions})
    load = lru_cache(maxsize=_KEPT)(folder.load)
    strings = SampledStrings(file.stem, load, notes, tuple(dead), octaves=0)
    return replace(strings, octaves=_octaves(strings))


def render_plucks(
    plucks: Sequence[Pluck],
    strings: SampledStrings,
    touch: Touch,
    *,
    num_samples: int,
    rate_hz: int,
    random: np.random.Generator,
) -> Samples:
    """A take of a part.

    Parameters
    ----------
    plucks
        In any order. Those that start before 0 or after the end are left out.
    random
        Chooses among takes of a recording and makes the clicks.

    Returns
    -------
    float32 [num_samples], direct signal, as loud as it was recorded.
    """
    total = np.zeros(num_samples, dtype=np.float32)
    first_take = int(random.integers(1 << 16))
    chosen = []
    lengths: dict[tuple[str, float, Technique], float] = {}
    for number, pluck in enumerate(plucks):
        path, semitones, gain = strings.sound_of(pluck.pitch, pluck.velocity, first_take + number)
        if pluck.technique == "dead" and strings.dead:
            path, semitones = strings.dead[(first_take + number) % len(strings.dead)], 0.0
        key = (path, semitones, pluck.technique)
        lengths[key] = max(lengths.get(key, 0.0), pluck.end_s - pluck.start_s)
        chosen.append((pluck, key, gain))
    sounds = {
        key: _sound(strings, *key, touch=touch, length_s=length_s, rate_hz=rate_hz, random=random)
        for key, length_s in lengths.items()
    }
    release = round(_RELEASE_S * rate_hz)
    fade = np.linspace(1.0, 0.0, release, dtype=np.float32)
    for pluck, key, gain in chosen:
        samples, onset = sounds[key]
        start = round(pluck.start_s * rate_hz) - onset
        held = onset + round((pluck.end_s - pluck.start_s) * rate_hz)
        note = np.float32(gain) * samples[max(0, -start) : min(held + release, max(0, num_samples - start))]
        if held + release <= len(samples) and len(note) >= release and num_samples - start >= held + release:
            note[-release:] *= fade
        start = max(0, start)
        total[start : start + len(note)] += note
    return total


def _sound(
    strings: SampledStrings,
    path: str,
    semitones: float,
    technique: Technique,
    *,
    touch: Touch,
    length_s: float,
    rate_hz: int,
    random: np.random.Generator,
) -> tuple[Samples, int]:
    """A note that lasts at least ``length_s``, where its recording does, and its onset."""
    channels, file_rate_hz = strings.load(path)
    played_hz = file_rate_hz * 2.0 ** ((semitones + touch.detune_cents / 100) / 12)
    body_s = {"muted": touch.body_s, "dead": touch.body_s / 4}.get(technique)
    needed_s = _RELEASE_S + (length_s if body_s is None else min(length_s, _MUTED_LENGTHS * body_s)) + 0.1
    mono = np.ascontiguousarray(channels[: int(needed_s * played_hz)].mean(axis=1))
    samples = np.asarray(soxr.resample(mono, played_hz, rate_hz), dtype=np.float32)
    onset = onset_of(samples, rate_hz)
    peak = float(np.abs(samples).max(initial=0.0))
    click = random.standard_normal(round(_CLICK_S * rate_hz)) * np.hanning(round(_CLICK_S * rate_hz))
    click = click[: max(0, len(samples) - onset)]
    if technique != "swell":
        samples[onset : onset + len(click)] += (0.4 * peak * 10 ** (touch.click_db / 20) * click).astype(np.float32)
    at_s = (np.arange(len(samples)) - onset) / rate_hz
    if body_s is not None:
        body = filters.apply([Band("low_pass", touch.tone_hz)], samples, rate_hz=rate_hz)
        fall = np.exp(-np.maximum(at_s, 0) / body_s)
        shaped = body * fall + (samples - body) * np.exp(-np.maximum(at_s, 0) / min(touch.treble_s, body_s))
    elif technique == "swell":
        shaped = samples * np.clip(at_s / _SWELL_S, 0.0, 1.0) ** 2
    else:
        shaped = samples
    return np.asarray(shaped, dtype=np.float32), onset


def _present(instrument: Instrument, folder: SampleFolder) -> Instrument:
    return replace(instrument, regions=tuple(r for r in instrument.regions if folder.find(r.sound.path) is not None))


def _octaves(strings: SampledStrings) -> int:
    """Octaves from sounding pitches up to keys: the median over recordings of the lower half."""
    keys = sorted(strings.notes)[: len(strings.notes) // 2 + 1]
    found = []
    for key in keys[:: max(1, len(keys) // _KEYS_MEASURED)]:
        path, semitones, _ = strings.sound_of(key, 1.0, 0)
        if (pitch := _pitch(*strings.load(path))) is not None:
            found.append((key - semitones - pitch) / 12)
    return round(float(np.median(found))) if found else 0


def _pitch(channels: NDArray[np.float32], rate_hz: int) -> float | None:
    """MIDI pitch of a recording by autocorrelation, None where it is silent."""
    first, last = (round(edge_s * rate_hz) for edge_s in _PITCH_S)
    sounding = channels[first:last].mean(axis=1)
    if not sounding.any():
        return None
    correlation = np.fft.irfft(np.abs(np.fft.rfft(sounding * np.hanning(len(sounding)), 1 << 16)) ** 2)
    shortest, longest = int(rate_hz / _HIGHEST_HZ), int(rate_hz / _LOWEST_HZ)
    negative = shortest + int(np.argmax(correlation[shortest:longest] < 0))  # past the peak at lag 0
    later = correlation[negative:longest]
    first_high = int(np.argmax(later > _PERIODIC * later.max()))
    period = negative + first_high + int(np.argmax(later[first_high : first_high + shortest]))
    return float(69 + 12 * np.log2(rate_hz / period / 440))
