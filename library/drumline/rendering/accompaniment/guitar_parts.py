"""What guitars and a bass play with a song's drums.

A song has sections of two to eight bars, each in one of `GUITAR_STYLES`. Strokes follow the drums where those are:
some rhythms *are* the kick's, the snare's or the crashes', and a stroke on the grid moves onto a hit that is near.
Where a crash sounds, a damped note becomes a ringing chord. A model that transcribes drums must tell both apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumline.charts.song import AnnotatedSong
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.bars import Bar, Stroke, bars_of, strokes
from drumline.rendering.accompaniment.guitar_styles import (
    ACCENTS,
    FASTEST_S,
    FEELS,
    GUITAR_STYLES,
    PROGRESSIONS,
    SNARES,
    TUNINGS,
    GuitarStyle,
)
from drumline.rendering.accompaniment.harmony import NOTE_NAMES, Chord, chords, root_near
from drumline.rendering.accompaniment.sampled_strings import Pluck, Technique
from drumline.rendering.accompaniment.styles import CHUGS, COMPOUND, KICKS

_SECTION_BARS: Final = (2, 4, 4, 8)
_NEAR_S: Final = 0.035
"""A stroke moves onto a hit that is no farther."""
_CRASH_S: Final = 0.03
_CHORD_S: Final = 0.025  # longer than a strum, shorter than `FASTEST_S`
_MINOR_PENTATONIC: Final = (0, 3, 5, 7, 10)
_LEAD_RHYTHMS: Final = ("x--- x-x- ..x- x-x-", "x--- ---- x--- ----", "xxxx x-x- xxxx x---", "x-x- x-x- x-x- x---")
_BASS_RHYTHMS: Final = (KICKS, KICKS, CHUGS, "x-x- x-x- x-x- x-x-", "X--- x-x- ..x- x-x-", "xxxx xxxx xxxx xxxx")
_OPEN: Final = (0, 7, 12, 16, 19)
_LONGEST_S: Final = 4.0


@dataclass(frozen=True)
class Parts:
    """A song's strings, on its clock."""

    driven: tuple[Pluck, ...]
    """Through the distorting amplifier."""
    clean: tuple[Pluck, ...]
    lead: tuple[Pluck, ...]
    bass: tuple[Pluck, ...]
    words: str


class _Played(NamedTuple):
    start_s: float
    end_s: float
    pitches: tuple[int, ...]
    is_accented: bool
    technique: Technique


@dataclass(frozen=True)
class _Section:
    bars: tuple[Bar, ...]
    chords: tuple[Chord, ...]
    """One a bar."""
    style: GuitarStyle
    rhythm: str
    contour: tuple[int, ...]


class _Clock:
    """From ticks to the seconds at which a player who follows the drums plays."""

    def __init__(self, song: AnnotatedSong, tempo: TempoMap, *, tightness: float) -> None:
        self._tempo, self._tightness = tempo, tightness
        self._hits_s = np.unique([hit.time_s for hit in song.hits])
        self._crashes_s = np.unique([hit.time_s for hit in song.hits if hit.label == "crash"])

    def seconds(self, ticks: Sequence[float]) -> NDArray[np.float64]:
        at_s = self._tempo.seconds(np.array(ticks, dtype=np.float64))
        away_s = _nearest(self._hits_s, at_s) - at_s
        return np.asarray(at_s + np.where(np.abs(away_s) <= _NEAR_S, self._tightness * away_s, 0.0))

    def on_crash(self, at_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.abs(_nearest(self._crashes_s, at_s) - at_s) <= _CRASH_S

    def beat_s(self, bar: Bar) -> float:
        start_s, end_s = self._tempo.seconds([bar.start, bar.start + bar.beat])
        return float(end_s - start_s)


def write_parts(song: AnnotatedSong, tempo: TempoMap, *, duration_s: float, seed: Sequence[int]) -> Parts:
    """The parts of two guitars and a bass for a song of ``duration_s``. Deterministic by seed."""
    random = np.random.default_rng(seed)
    feel = _draw_feel(song.metadata.genre, random)
    lowest = int(random.choice(TUNINGS[feel]))
    key = (lowest + int(random.choice((0, 0, 0, 2, 3, 5)))) % 12
    clock = _Clock(song, tempo, tightness=float(random.uniform(0.6, 1.0)))
    sections = list(_sections(list(bars_of(song, tempo, duration_s=duration_s)), feel, key, clock, random))
    by_channel: dict[str, list[Pluck]] = {"driven": [], "clean": []}
    for section in sections:
        played = _played(section, lowest, clock, random)
        by_channel[section.style.channel] += _plucked(played, random, spread_s=section.style.strum_s)
    lead = [pluck for section in sections for pluck in _lead(section, key, clock, random)]
    bass = _bass(sections, lowest - 12, clock, random)
    words = f"{feel} in {NOTE_NAMES[key]}, lowest {NOTE_NAMES[lowest % 12]}{lowest // 12 - 1}"
    return Parts(tuple(by_channel["driven"]), tuple(by_channel["clean"]), tuple(lead), tuple(bass), words)


def humanised(
    plucks: Sequence[Pluck], *, lag_s: float, jitter_s: float, random: np.random.Generator
) -> tuple[Pluck, ...]:
    """A part as it is played once: strings of one chord stay together, velocities differ."""
    found: list[Pluck] = []
    shift_s, chord_s = lag_s, -1.0
    for pluck in sorted(plucks, key=lambda pluck: pluck.start_s):
        if pluck.start_s > chord_s + _CHORD_S:
            shift_s, chord_s = lag_s + float(random.normal(0.0, jitter_s)), pluck.start_s
        velocity = float(np.clip(pluck.velocity + random.normal(0.0, 0.05), 0.1, 1.0))
        start_s = max(0.0, pluck.start_s + shift_s)
        end_s = max(start_s + 0.02, pluck.end_s + shift_s)
        found.append(Pluck(start_s, end_s, pluck.pitch, velocity, pluck.technique))
    return tuple(found)


def _draw_feel(genre: str, random: np.random.Generator) -> str:
    """How heavy: what the genre calls for, mostly, or any."""
    wanted = [name for name, feel in FEELS.items() if any(word in genre.casefold() for word in feel.genres)]
    return str(random.choice(wanted if wanted and random.random() < 0.75 else list(FEELS)))


def _sections(bars: list[Bar], feel: str, key: int, clock: _Clock, random: np.random.Generator) -> Iterator[_Section]:
    """Sections of drawn styles; a style and its figure come again now and then."""
    weights = FEELS[feel].weights
    names, shares = list(weights), np.array(list(weights.values())) / sum(weights.values())
    start, figures = 0, {}
    while start < len(bars):
        part = bars[start : start + int(random.choice(_SECTION_BARS))]
        start += len(part)
        name = str(random.choice(names, p=shares))
        style = GUITAR_STYLES[name]
        if name not in figures or random.random() < 0.5:
            usable = [rhythm for rhythm in style.rhythms if _playable(rhythm, part[0], clock)] or [KICKS]
            rhythm = str(random.choice(usable))
            if part[0].is_compound and " " in rhythm:
                rhythm = str(random.choice(COMPOUND))
            contour = tuple(int(step) for step in np.abs(np.cumsum(random.integers(-2, 3, 16))) % 6)
            figures[name] = rhythm, contour, str(random.choice(PROGRESSIONS[feel]))
        rhythm, contour, progression = figures[name]
        harmony = chords(progression, key)
        in_bars = tuple(harmony[number % len(harmony)] for number in range(len(part)))
        yield _Section(tuple(part), in_bars, style, rhythm, contour)


def _playable(rhythm: str, bar: Bar, clock: _Clock) -> bool:
    """Whether a hand is fast enough for it at a bar's tempo."""
    if rhythm in (KICKS, CHUGS, ACCENTS, SNARES, ""):
        return True
    return clock.beat_s(bar) / max(len(group) for group in rhythm.split()) >= FASTEST_S


def _strokes(rhythm: str, bar: Bar) -> list[Stroke]:
    """As `bars.strokes`, and the rhythms of crashes and snares."""
    if not rhythm:
        return []
    if rhythm not in (ACCENTS, SNARES):
        return strokes(rhythm, bar)
    starts = sorted({0.0, *bar.crashes} if rhythm == ACCENTS else set(bar.snares))
    ends = [*starts[1:], bar.length]
    return [Stroke(start, end, True) for start, end in zip(starts, ends, strict=True)]


def _played(section: _Section, lowest: int, clock: _Clock, random: np.random.Generator) -> list[_Played]:
    """A section's strokes with pitches, none faster than a hand, none longer than until the next."""
    style = section.style
    found: list[_Played] = []
    for bar, chord in zip(section.bars, section.chords, strict=True):
        beats = _strokes(section.rhythm, bar)
        if not beats:
            continue
        starts_s = clock.seconds([bar.start + stroke.start for stroke in beats])
        ends_s = clock.seconds([bar.start + stroke.end for stroke in beats])
        crashes = clock.on_crash(starts_s)
        for index, (stroke, start_s, end_s, is_crash) in enumerate(
            zip(beats, starts_s.tolist(), ends_s.tolist(), crashes.tolist(), strict=True)
        ):
            if found and start_s < found[-1].start_s + FASTEST_S:
                continue
            rings = style.technique == "muted" and (is_crash or (stroke.is_accented and random.random() < style.rings))
            voice = "power" if rings else style.voice
            technique = "open" if rings else _technique(style, random)
            pitches = _pitches(voice, chord, lowest, index, section.contour)
            if found:
                found[-1] = found[-1]._replace(end_s=min(found[-1].end_s, start_s))
            last_s = start_s + min(_LONGEST_S, max(end_s - start_s, 0.04))
            found.append(_Played(start_s, last_s, pitches, bool(stroke.is_accented or is_crash), technique))
    return found


def _technique(style: GuitarStyle, random: np.random.Generator) -> Technique:
    return "dead" if random.random() < style.dead else style.technique


def _pitches(voice: str, chord: Chord, lowest: int, index: int, contour: tuple[int, ...]) -> tuple[int, ...]:
    root = root_near(chord, lowest)
    third = 3 if 3 in chord.steps else 4
    full = (root, *(root + (12 + third if step == 16 else step) for step in _OPEN[1:]))
    step = contour[index % len(contour)]
    match voice:
        case "root":
            return (root,)
        case "power":
            return (root, root + 7, root + 12)
        case "chord":
            return full
        case "tones":
            return ((*full, full[3], full[2])[index % 7],)
        case "riff":
            return (root + 12 * (step // 5) + _MINOR_PENTATONIC[step % 5],)
        case "fifths":
            riff = root + _MINOR_PENTATONIC[step % 5]
            return (riff, riff + 7)
        case _:
            raise ValueError(f"{voice!r} is no voice of a guitar")


def _plucked(played: Sequence[_Played], random: np.random.Generator, *, spread_s: float) -> Iterator[Pluck]:
    """Strings one after the other, down and up in turn."""
    for number, stroke in enumerate(played):
        down = number % 2 == 0 or stroke.is_accented
        velocity = (0.95 if stroke.is_accented else 0.8) - (0.0 if down else 0.08)
        step_s = float(random.uniform(0.3, 1.0)) * spread_s / max(1, len(stroke.pitches) - 1)
        for string, pitch in enumerate(stroke.pitches if down else stroke.pitches[::-1]):
            start_s = stroke.start_s + string * step_s
            yield Pluck(start_s, max(stroke.end_s, start_s + 0.03), pitch, velocity, stroke.technique)


def _lead(section: _Section, key: int, clock: _Clock, random: np.random.Generator) -> Iterator[Pluck]:
    """A tune now and then."""
    if random.random() > section.style.lead:
        return
    rhythm, base = str(random.choice(_LEAD_RHYTHMS)), 57 + (key - 57) % 12
    contour = np.cumsum(random.integers(-2, 3, 24)) % 12
    count = 0
    for bar in section.bars:
        beats = _strokes(rhythm, bar)
        starts_s, ends_s = (clock.seconds([bar.start + edge for edge in edges]) for edges in _edges(beats))
        for start_s, end_s in zip(starts_s.tolist(), ends_s.tolist(), strict=True):
            octave, degree = divmod(int(contour[count % len(contour)]), 5)
            count += 1
            yield Pluck(start_s, max(end_s, start_s + 0.04), base + 12 * octave + _MINOR_PENTATONIC[degree], 0.9)


def _bass(sections: Sequence[_Section], lowest: int, clock: _Clock, random: np.random.Generator) -> list[Pluck]:
    """With the kick, in eighths, or with the guitar."""
    found: list[Pluck] = []
    with_guitar, slaps = random.random() < 0.4, random.random() < 0.15
    rhythm = str(random.choice(_BASS_RHYTHMS))
    level = float(random.uniform(0.6, 0.9))
    for section in sections:
        chosen = section.rhythm if with_guitar and section.rhythm not in ("", ACCENTS, SNARES) else rhythm
        for bar, chord in zip(section.bars, section.chords, strict=True):
            beats = _strokes(chosen, bar)
            starts_s, ends_s = (clock.seconds([bar.start + edge for edge in edges]) for edges in _edges(beats))
            root = root_near(chord, lowest)
            for stroke, start_s, end_s in zip(beats, starts_s.tolist(), ends_s.tolist(), strict=True):
                if found and start_s < found[-1].start_s + FASTEST_S:
                    continue
                popped = slaps and random.random() < 0.3
                step = 12 if popped else int(random.choice((0, 0, 0, 0, 0, 7, 12)))
                velocity = 1.0 if popped or stroke.is_accented else level
                end_s = min(end_s, start_s + (0.12 if popped else _LONGEST_S))
                found.append(Pluck(start_s, max(end_s, start_s + 0.05), root + step, velocity))
    return found


def _edges(beats: Sequence[Stroke]) -> tuple[list[float], list[float]]:
    return [stroke.start for stroke in beats], [stroke.end for stroke in beats]


def _nearest(values: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value (sorted) nearest to each; infinity where there is none."""
    if not len(values):
        return np.full(at.shape, np.inf)
    above = np.clip(np.searchsorted(values, at), 0, len(values) - 1)
    below = np.maximum(above - 1, 0)
    return np.asarray(np.where(np.abs(values[above] - at) <= np.abs(at - values[below]), values[above], values[below]))
