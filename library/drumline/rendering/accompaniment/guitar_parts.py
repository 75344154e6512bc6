"""Parts of guitars and a bass that play with a song's drums.

Each section has a style and a rhythm (`guitar_sections`). Where a crash sounds, a damped note becomes a ringing chord.
No hand plays faster than `FASTEST_S`, and no note lasts longer than until the next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from drumline.charts.annotated_song import AnnotatedSong
from drumline.core.tempo import TempoMap
from drumline.rendering.accompaniment.bars import Stroke, bars_of
from drumline.rendering.accompaniment.guitar_sections import Clock, Section, draw_feel, sections_of, strokes_of
from drumline.rendering.accompaniment.guitar_styles import ACCENTS, FASTEST_S, SNARES, TUNINGS, GuitarStyle
from drumline.rendering.accompaniment.harmony import NOTE_NAMES, Chord, root_near
from drumline.rendering.accompaniment.sampled_strings import Pluck, Technique
from drumline.rendering.accompaniment.styles import CHUGS, KICKS

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


def write_parts(song: AnnotatedSong, tempo: TempoMap, *, duration_s: float, heavy: float, seed: Sequence[int]) -> Parts:
    """The parts of guitars and a bass for a song, deterministic by seed.

    Parameters
    ----------
    tempo
        The song's, or what stands in for it.
    heavy
        Probability of heavy music whatever the song's genre.
    """
    random = np.random.default_rng(seed)
    feel = draw_feel(song.metadata.genre, random, heavy=heavy)
    lowest = int(random.choice(TUNINGS[feel]))
    key = (lowest + int(random.choice((0, 0, 0, 2, 3, 5)))) % 12
    clock = Clock(song, tempo, tightness=float(random.uniform(0.6, 1.0)))
    sections = list(sections_of(list(bars_of(song, tempo, duration_s=duration_s)), feel, key, clock, random))
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


def _played(section: Section, lowest: int, clock: Clock, random: np.random.Generator) -> list[_Played]:
    """A section's strokes with pitches, none faster than a hand, none longer than until the next."""
    style = section.style
    found: list[_Played] = []
    for bar, chord in zip(section.bars, section.chords, strict=True):
        beats = strokes_of(section.rhythm, bar)
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


def _lead(section: Section, key: int, clock: Clock, random: np.random.Generator) -> Iterator[Pluck]:
    """A tune now and then."""
    if random.random() > section.style.lead:
        return
    rhythm, base = str(random.choice(_LEAD_RHYTHMS)), 57 + (key - 57) % 12
    contour = np.cumsum(random.integers(-2, 3, 24)) % 12
    count = 0
    for bar in section.bars:
        beats = strokes_of(rhythm, bar)
        starts_s, ends_s = (clock.seconds([bar.start + edge for edge in edges]) for edges in _edges(beats))
        for start_s, end_s in zip(starts_s.tolist(), ends_s.tolist(), strict=True):
            octave, degree = divmod(int(contour[count % len(contour)]), 5)
            count += 1
            yield Pluck(start_s, max(end_s, start_s + 0.04), base + 12 * octave + _MINOR_PENTATONIC[degree], 0.9)


def _bass(sections: Sequence[Section], lowest: int, clock: Clock, random: np.random.Generator) -> list[Pluck]:
    """With the kick, in eighths, or with the guitar."""
    found: list[Pluck] = []
    with_guitar, slaps = random.random() < 0.4, random.random() < 0.15
    rhythm = str(random.choice(_BASS_RHYTHMS))
    level = float(random.uniform(0.6, 0.9))
    for section in sections:
        chosen = section.rhythm if with_guitar and section.rhythm not in ("", ACCENTS, SNARES) else rhythm
        for bar, chord in zip(section.bars, section.chords, strict=True):
            beats = strokes_of(chosen, bar)
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
