"""Instruments with pitches that nobody built, as `modal_percussion` is for those without: a SoundFont has one guitar,
records have many.

What sounds like a drum varies most: the pick, hammer or slap at which a note begins, strokes on damped strings between
the notes, chords whose strings follow one another, and the noise of a string or key that is let go. Notes begin where
they are written, the strings of a chord at most some hundredths of a second later.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumline.effects import filters
from drumline.effects.filters import Band
from drumline.rendering.accompaniment.score import Note, Part, gains
from drumline.rendering.modes import Random, bent, log_uniform, noise

Samples = NDArray[np.float32]
Limits = tuple[float, float]

_LEVEL: Final = 0.6  # of a hard note's partials together: the parts are as loud as a SoundFont's in the median
_LAYERS: Final = (0.4, 0.7, 1.0)
_TAKES: Final = 2
_SOUNDS_IN_MEMORY: Final = 256
_LONGEST_S: Final = 7.0
_PARTIALS: Final = 64
_FAINT: Final = 2e-3  # of the strongest partial: left out
_MUTED_S: Final = (0.02, 0.15)
_DEAD_S: Final = (0.003, 0.02)
_TICK: Final = 0.3  # of noise beside partials of the same level
_EDGE_S: Final = 0.0005  # in which any sound begins
_SHARP: Final = 0.01  # how much too high a hard note begins
_REFERENCE_HZ: Final = 220.0  # whose ring is that of the instrument
_ROOM_S: Final = 0.15  # between notes, for a stroke on damped strings


@dataclass(frozen=True)
class _Family:
    """Between what limits the instruments of some programs are drawn."""

    rise_s: Limits
    ring_s: Limits
    """Decay time of the lowest partial [s] of a struck instrument, or of the edge of a sustained one."""
    tick: Limits
    """Level of the noise at the beginning, beside the partials."""
    tick_s: Limits
    steady: Limits = (0.0, 0.0)
    """Share of the struck level that is sustained."""
    breath: Limits = (0.0, 0.0)
    """Level of the noise that is held."""
    muted: float = 0.0
    """Largest share of notes on strings that a hand damps."""
    dead: float = 0.0
    """Largest share of gaps with a stroke on damped strings in them."""
    strum_s: Limits = (0.0, 0.0)
    """From one string of a chord to the next."""
    gain_db: float = 0.0


_KEYS: Final = _Family((0.0003, 0.003), (0.15, 3.0), (0.01, 0.5), (0.002, 0.02))
_GUITAR: Final = _Family(
    (0.0003, 0.003), (0.15, 2.5), (0.02, 1.0), (0.001, 0.015), muted=0.8, dead=0.6, strum_s=(0.0, 0.02)
)
_BASS: Final = _Family((0.0005, 0.008), (0.15, 2.0), (0.01, 1.0), (0.001, 0.02), muted=0.4, dead=0.6, gain_db=7.0)
_HELD: Final = _Family((0.003, 0.15), (0.02, 0.3), (0.003, 0.3), (0.005, 0.06), steady=(0.3, 1.0), breath=(0.001, 0.06))
_SYNTH: Final = _Family((0.0005, 0.03), (0.03, 0.6), (0.003, 0.5), (0.001, 0.02), steady=(0.05, 1.0))

FAMILIES: Final[Mapping[int, _Family]] = MappingProxyType(
    {
        **dict.fromkeys(range(128), _SYNTH),
        **dict.fromkeys((*range(16), 45, 46, 47, *range(104, 120)), _KEYS),
        **dict.fromkeys(range(24, 32), _GUITAR),
        **dict.fromkeys((*range(32, 38), 43), _BASS),
        **dict.fromkeys((*range(16, 24), 40, 41, 42, 44, *range(48, 55), *range(56, 80)), _HELD),
    }
)
"""By General MIDI program."""


@dataclass(frozen=True)
class _Instrument:
    """One that was drawn. Times in seconds."""

    family: _Family
    tilt: float
    """Exponent by which partials weaken."""
    pluck: float
    """Where on the string, 0 to 0.5."""
    stiffness: float
    bright_hz: float
    """Above it partials weaken further."""
    turned: float
    """Range of the partials' phases [rad]; 0 aligns all peaks."""
    detuned: tuple[float, ...]
    """Detuning of each voice of a note, as frequency ratios less 1."""
    rise_s: float
    ring_s: float
    fading: float
    """How much sooner high partials die."""
    steady: float
    tick: float
    tick_s: float
    tick_hz: Limits
    breath: float
    muted: float
    muted_s: float
    dead_s: float
    dead: float
    strum_s: float
    release_s: float
    release_tick: float
    body: tuple[Band, ...]


def play_instrument(part: Part, *, seed: int, shape: tuple[int, int], rate_hz: int) -> Samples:
    """A part on the instrument of a seed, float32 of a shape of [channels, N]. The program says what kind of
    instrument it is."""
    channels, length = shape
    instrument = _drawn(part.program, seed)
    struck = np.random.default_rng((seed, 1))
    total = np.zeros(length, dtype=np.float32)
    for note, damped_s in _strokes(part.notes, instrument, struck):
        start = round(note.start_s * rate_hz)
        if not 0 <= start < length:
            continue
        layer = int(np.argmin(np.abs(np.array(_LAYERS) - note.velocity / 127)))
        take = int(struck.integers(_TAKES))
        held_s = min(note.end_s - note.start_s, _LONGEST_S)
        longest_s = 2.0 ** np.ceil(np.log2(held_s + 0.5))  # few different ones, with room to be let go
        sound = _sound(part.program, seed, note.pitch, _LAYERS[layer], take, damped_s, longest_s, rate_hz)
        sound = sound * np.float32((note.velocity / 127 / _LAYERS[layer]) ** 1.5)
        sound = _let_go(sound, instrument, struck, held_s=held_s, rate_hz=rate_hz)[: length - start]
        total[start : start + len(sound)] += sound
    gain = gains(part.gain_db + instrument.family.gain_db, part.pan, channels)
    return gain * filters.apply(instrument.body, total, rate_hz=rate_hz)


@lru_cache(maxsize=_SOUNDS_IN_MEMORY)
def _drawn(program: int, seed: int) -> _Instrument:
    family, built = FAMILIES[program], np.random.default_rng((seed, 0))

    def level(limits: Limits) -> float:
        return log_uniform(built, *limits) if limits[0] else float(built.uniform(*limits))

    low_hz = log_uniform(built, 300, 5_000)
    voices = 1 + int(built.integers(3)) if built.random() < 0.4 else 1
    return _Instrument(
        family,
        tilt=float(built.uniform(0.4, 2.0)),
        pluck=float(built.uniform(0.05, 0.5)),
        stiffness=log_uniform(built, 1e-5, 1e-3),
        bright_hz=log_uniform(built, 600, 9_000),
        turned=float(built.uniform(0.0, np.pi)),
        detuned=tuple(built.uniform(-0.006, 0.006, voices).tolist()),
        rise_s=level(family.rise_s),
        ring_s=level(family.ring_s),
        fading=float(built.uniform(0.2, 1.2)),
        steady=float(built.uniform(*family.steady)),
        tick=level(family.tick),
        tick_s=level(family.tick_s),
        tick_hz=(low_hz, low_hz * log_uniform(built, 1.5, 8.0)),
        breath=level(family.breath),
        muted=family.muted * float(built.uniform(0.0, 1.0)) if built.random() < 0.5 else 0.0,
        muted_s=log_uniform(built, *_MUTED_S),
        dead_s=log_uniform(built, *_DEAD_S),
        dead=family.dead * float(built.uniform(0.0, 1.0)) if built.random() < 0.4 else 0.0,
        strum_s=level(family.strum_s),
        release_s=log_uniform(built, 0.008, 0.1),
        release_tick=log_uniform(built, 0.001, 0.3),
        body=tuple(
            Band("peak", log_uniform(built, 100, 6_000), float(built.uniform(-9, 9)), float(built.uniform(0.7, 4.0)))
            for _ in range(3)
        ),
    )


def _strokes(notes: Iterable[Note], instrument: _Instrument, struck: Random) -> Iterator[tuple[Note, float | None]]:
    """Notes as played, with their sounding lengths where a hand damps them."""
    chords = [list(chord) for _, chord in groupby(sorted(notes, key=_when), key=lambda note: round(_when(note)[0], 3))]
    downwards = True
    for chord, following in pairwise([*chords, []]):
        damped_s = instrument.muted_s if struck.random() < instrument.muted else None
        for string, note in enumerate(chord if downwards else reversed(chord)):
            late_s = string * instrument.strum_s * struck.uniform(0.7, 1.3)
            yield replace(note, start_s=note.start_s + late_s, end_s=max(note.end_s, note.start_s + late_s)), damped_s
        downwards = not downwards
        gap_s = following[0].start_s - chord[0].start_s if following else 0.0
        if gap_s > _ROOM_S and struck.random() < instrument.dead:
            start_s = chord[0].start_s + gap_s / 2
            pitch, velocity = chord[0].pitch, int(struck.integers(50, 128))
            yield Note(start_s, start_s + 0.1, pitch, velocity), instrument.dead_s


def _when(note: Note) -> tuple[float, int]:
    return note.start_s, note.pitch


@lru_cache(maxsize=_SOUNDS_IN_MEMORY)
def _sound(
    program: int,
    seed: int,
    pitch: int,
    velocity: float,
    take: int,
    damped_s: float | None,
    longest_s: float,
    rate_hz: int,
) -> Samples:
    """One note, held for ``longest_s`` and not let go, float32 [N]."""
    instrument, struck = _drawn(program, seed), np.random.default_rng((seed, pitch, take))
    at = (np.arange(round(longest_s * rate_hz)) / rate_hz).astype(np.float32)
    rise = np.minimum(at / instrument.rise_s, 1.0)
    ring_s, steady, ticking, breath = instrument.ring_s, instrument.steady, 1.0, instrument.breath
    if damped_s is not None:
        ring_s, steady, ticking, breath = damped_s, 0.0, 2.0, 0.0
    sound = rise * _partials(instrument, struck, at, pitch, velocity, ring_s, steady, rate_hz)
    length = len(at) if breath else min(len(at), int(7 * instrument.tick_s * rate_hz) + rate_hz // 100)
    shape = ticking * np.exp(-at[:length] / instrument.tick_s) + breath * rise[:length]
    hiss = noise(struck, length, *instrument.tick_hz, rate_hz)
    sound[:length] += _TICK * instrument.tick * (0.3 + 0.7 * velocity) * shape * hiss
    edge = max(1, int(_EDGE_S * rate_hz))
    sound[:edge] *= np.arange(edge) / edge
    return np.asarray(_LEVEL * velocity**1.5 * sound, dtype=np.float32)


def _partials(
    instrument: _Instrument,
    struck: Random,
    at: Samples,
    pitch: int,
    velocity: float,
    ring_s: float,
    steady: float,
    rate_hz: int,
) -> Samples:
    """Those of a note below 0.45 of the rate; at first their levels add up to 1. Fletcher and Rossing, ch. 2 and 9."""
    hz = 440.0 * 2 ** ((pitch - 69) / 12)
    number = np.arange(1, _PARTIALS + 1)
    ratio = number * np.sqrt(1 + instrument.stiffness * number**2)
    level = 0.05 + np.abs(np.sin(np.pi * number * instrument.pluck))
    level *= number ** -(instrument.tilt * (1.4 - 0.4 * velocity)) / (1 + (hz * ratio / instrument.bright_hz) ** 2)
    level *= struck.uniform(0.8, 1.2, len(number)) * (hz * ratio < 0.45 * rate_hz)
    rings = ring_s * (_REFERENCE_HZ / hz) ** 0.3 / number**instrument.fading
    turned = struck.uniform(-1.0, 1.0, len(number)) * instrument.turned
    bend = bent(at, _SHARP * velocity, 0.05)
    tone = np.zeros_like(at)
    for detuned in instrument.detuned:
        for partial in np.flatnonzero(level > _FAINT * level.max()):
            ring, turns_hz = float(rings[partial]), float(hz * ratio[partial]) * (1 + detuned)
            length = len(at) if steady else min(len(at), int(7 * ring * rate_hz) + 2)
            shape = float(level[partial]) * (steady + (1 - steady) * np.exp(at[:length] / -ring))
            tone[:length] += shape * np.cos(2 * np.pi * turns_hz * bend[:length] + float(turned[partial]))
    return tone / np.float32(max(level.sum(), 1e-9) * len(instrument.detuned))


def _let_go(sound: Samples, instrument: _Instrument, struck: Random, *, held_s: float, rate_hz: int) -> Samples:
    """A note (changed) that ends after ``held_s``, with the noise of that."""
    held = round(held_s * rate_hz)
    sound = sound[: held + int(5 * instrument.release_s * rate_hz)]
    if len(sound) > held:
        at = np.arange(len(sound) - held) / rate_hz
        sound[held:] *= np.exp(-at / instrument.release_s)
        scrape = struck.standard_normal(len(at)) * np.exp(-at / instrument.tick_s)
        sound[held:] += np.float32(_LEVEL * _TICK * instrument.release_tick) * scrape
    return sound
