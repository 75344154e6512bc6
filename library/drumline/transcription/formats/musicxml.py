"""Sheet music as MusicXML 4.0: a percussion staff with hands above and feet below.

https://www.w3.org/2021/06/musicxml40/

Hits are moved to sixteenth notes, or in a quarter note that lies nearer to them to eighth triplets. Hands (snare, toms,
cymbals) are voice 1 with stems up, feet (kick, pedal hi-hat) voice 2 with stems down; a note lasts until the next of
its voice in the beat, since drums have no length. Accents are loud hits, notes in parentheses soft ones. Heads and
lines follow N. Weinberg's "Guide to Standardized Drumset Notation" (1998). Without a tempo, 120 bpm is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final
from xml.etree import ElementTree

import numpy as np

from drumline.charts.general_midi import PITCHES
from drumline.charts.provenance import BLANK, KEY
from drumline.core.tempo import TempoMap, is_compound
from drumline.transcription.result import RAW_TEMPO, TranscribedHit, Transcription

_DIVISIONS: Final = 12
"""Steps of a quarter note: a sixteenth is 3, an eighth triplet 4."""
_STRAIGHT: Final = 3
_TRIPLET: Final = 4
_TYPES: Final[Mapping[int, tuple[str, bool]]] = MappingProxyType(
    {3: ("16th", False), 6: ("eighth", False), 9: ("eighth", True), 12: ("quarter", False), 18: ("quarter", True)}
)
"""Length in steps -> note type, and whether it is dotted."""
_TRIPLET_TYPES: Final = MappingProxyType({4: "eighth", 8: "quarter"})
_LEVELS: Final = MappingProxyType({"eighth": 1, "16th": 2})
"""Number of flags of a note type."""
_ACCENT: Final = 0.9
_GHOST: Final = 0.3
_NEW_TEMPO: Final = 0.02
"""Change of the tempo from one bar to the next that is written, as a share."""
_DOCTYPE: Final = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)


@dataclass(frozen=True)
class _Notation:
    """Place and head of a class on the staff."""

    name: str
    step: str
    octave: int
    head: str = "normal"
    is_foot: bool = False


_NOTATIONS: Final[Mapping[str, _Notation]] = MappingProxyType(
    {
        "kick": _Notation("Bass Drum", "F", 4, is_foot=True),
        "snare_head": _Notation("Snare", "C", 5),
        "snare_rim": _Notation("Cross Stick", "C", 5, "x"),
        "tom_high": _Notation("High Tom", "E", 5),
        "tom_mid": _Notation("Mid Tom", "D", 5),
        "tom_floor": _Notation("Floor Tom", "A", 4),
        "hihat_closed": _Notation("Closed Hi-Hat", "G", 5, "x"),
        "hihat_open": _Notation("Open Hi-Hat", "G", 5, "circle-x"),
        "hihat_pedal": _Notation("Pedal Hi-Hat", "D", 4, "x", is_foot=True),
        "ride_body": _Notation("Ride Cymbal", "F", 5, "x"),
        "ride_bell": _Notation("Ride Bell", "F", 5, "diamond"),
        "crash": _Notation("Crash Cymbal", "A", 5, "x"),
    }
)
_COMMONEST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "snare": "snare_head",
        "tom": "tom_mid",
        "hihat": "hihat_closed",
        "ride": "ride_body",
        "cymbal": "crash",
        "tom_or_cymbal": "tom_mid",
    }
)
"""Class that a partial label is written as."""


@dataclass(frozen=True)
class _Bar:
    """A bar: its first step in the song, time signature, and tempo."""

    start: int
    numerator: int
    denominator: int
    tempo_bpm: float

    @property
    def length(self) -> int:
        return _DIVISIONS * 4 * self.numerator // self.denominator

    def beats(self) -> Iterator[tuple[int, int]]:
        """Start and length of each beat in steps, quarter notes where there are; no rest or note crosses one."""
        eighths = 3 if is_compound(self.numerator, self.denominator) else 1
        beat = _DIVISIONS if self.denominator <= 4 else max(_STRAIGHT, _DIVISIONS * 4 * eighths // self.denominator)
        for start in range(0, self.length, beat):
            yield self.start + start, min(beat, self.length - start)


def write(transcription: Transcription) -> bytes:
    """The file, with a provenance mark in its identification."""
    tempo = transcription.tempo or RAW_TEMPO
    hits = [hit for hit in transcription.hits if _class_of(hit) in _NOTATIONS]
    steps = _steps(hits, tempo)
    chords: dict[tuple[int, bool], list[TranscribedHit]] = {}
    for step, hit in zip(steps, hits, strict=True):
        chord = chords.setdefault((step, _NOTATIONS[_class_of(hit)].is_foot), [])
        if all(_class_of(other) != _class_of(hit) for other in chord):
            chord.append(hit)
    root = _score(transcription)
    part = ElementTree.SubElement(root, "part", id="P1")
    end_step = max(steps, default=0) + 1
    before: _Bar | None = None
    for number, bar in enumerate(_bars(tempo, end_step), start=1):
        measure = ElementTree.SubElement(part, "measure", number=str(number))
        _attributes(measure, bar, before)
        _tempo(measure, bar, before)
        for voice, is_foot in ((1, False), (2, True)):
            if voice == 2:
                backup = ElementTree.SubElement(measure, "backup")
                _text(backup, "duration", bar.length)
            _voice(measure, bar, chords, voice=voice, is_foot=is_foot)
        before = bar
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n{_DOCTYPE}{body}\n'.encode()


def _class_of(hit: TranscribedHit) -> str:
    return _COMMONEST.get(hit.label, hit.label)


def _steps(hits: Sequence[TranscribedHit], tempo: TempoMap) -> list[int]:
    """The step that each hit is moved to: straight or in three, whichever is nearer to the hits of its quarter note."""
    if not hits:
        return []
    at = tempo.ticks([hit.time_s for hit in hits]) / tempo.resolution * _DIVISIONS
    straight, in_three = (np.maximum(np.round(at / unit) * unit, 0.0) for unit in (_STRAIGHT, _TRIPLET))
    quarter = np.maximum(np.floor((at + _STRAIGHT / 2) / _DIVISIONS), 0).astype(np.int64)
    errors = [np.bincount(quarter, np.square(at - lines)) for lines in (straight, in_three)]
    may_be = all(bottom <= 4 for _, _, bottom in tempo.time_signatures)
    chosen = (errors[1] < errors[0])[quarter] & may_be
    return [int(step) for step in np.where(chosen, in_three, straight)]


def _bars(tempo: TempoMap, end_step: int) -> Iterator[_Bar]:
    """Bars from the start to the one that holds the last step; one at least."""
    marks = [(round(tick / tempo.resolution * _DIVISIONS), top, bottom) for tick, top, bottom in tempo.time_signatures]
    ends = [*(start for start, *_ in marks[1:]), None]
    for (start, top, bottom), end in zip(marks, ends, strict=True):
        length = max(1, _DIVISIONS * 4 * top // bottom)
        last = end if end is not None else max(end_step, start + length)
        for at in range(start, last, length):
            if at >= end_step and at > 0:
                return
            tick = at / _DIVISIONS * tempo.resolution
            ahead = tempo.seconds([tick, tick + length / _DIVISIONS * tempo.resolution])
            tempo_bpm = 60 * length / _DIVISIONS / float(ahead[1] - ahead[0])
            yield _Bar(at, top, bottom, tempo_bpm)


def _score(transcription: Transcription) -> ElementTree.Element:
    """The root with title, mark and instruments."""
    root = ElementTree.Element("score-partwise", version="4.0")
    _text(ElementTree.SubElement(root, "work"), "work-title", transcription.title)
    identification = ElementTree.SubElement(root, "identification")
    if transcription.metadata.artist:
        _text(identification, "creator", transcription.metadata.artist, {"type": "composer"})
    _text(ElementTree.SubElement(identification, "encoding"), "software", "drumline")
    mark = ElementTree.SubElement(identification, "miscellaneous")
    _text(mark, "miscellaneous-field", BLANK, {"name": KEY})
    part = ElementTree.SubElement(ElementTree.SubElement(root, "part-list"), "score-part", id="P1")
    _text(part, "part-name", "Drums")
    for label, notation in _NOTATIONS.items():
        instrument = ElementTree.SubElement(part, "score-instrument", id=_instrument(label))
        _text(instrument, "instrument-name", notation.name)
    for label in _NOTATIONS:
        midi = ElementTree.SubElement(part, "midi-instrument", id=_instrument(label))
        _text(midi, "midi-channel", 10)
        _text(midi, "midi-unpitched", PITCHES[label] + 1)
    return root


def _instrument(label: str) -> str:
    return f"P1-I{PITCHES[label] + 1}"


def _attributes(measure: ElementTree.Element, bar: _Bar, before: _Bar | None) -> None:
    is_new = before is None or (before.numerator, before.denominator) != (bar.numerator, bar.denominator)
    if not is_new:
        return
    attributes = ElementTree.SubElement(measure, "attributes")
    if before is None:
        _text(attributes, "divisions", _DIVISIONS)
    time = ElementTree.SubElement(attributes, "time")
    _text(time, "beats", bar.numerator)
    _text(time, "beat-type", bar.denominator)
    if before is None:
        _text(ElementTree.SubElement(attributes, "clef"), "sign", "percussion")


def _tempo(measure: ElementTree.Element, bar: _Bar, before: _Bar | None) -> None:
    if before is not None and abs(bar.tempo_bpm / before.tempo_bpm - 1) < _NEW_TEMPO:
        return
    direction = ElementTree.SubElement(measure, "direction", placement="above")
    metronome = ElementTree.SubElement(ElementTree.SubElement(direction, "direction-type"), "metronome")
    _text(metronome, "beat-unit", "quarter")
    _text(metronome, "per-minute", f"{bar.tempo_bpm:.0f}")
    ElementTree.SubElement(direction, "sound", tempo=f"{bar.tempo_bpm:.3f}")


def _voice(
    measure: ElementTree.Element,
    bar: _Bar,
    chords: Mapping[tuple[int, bool], Sequence[TranscribedHit]],
    *,
    voice: int,
    is_foot: bool,
) -> None:
    """Notes and rests of one voice; a voice that is silent throughout has one rest, the lower one a hidden one."""
    steps = [step for step in range(bar.start, bar.start + bar.length) if (step, is_foot) in chords]
    if not steps:
        if is_foot:
            _text(ElementTree.SubElement(measure, "forward"), "duration", bar.length)
            return
        rest = ElementTree.SubElement(measure, "note")
        ElementTree.SubElement(rest, "rest", measure="yes")
        _text(rest, "duration", bar.length)
        _text(rest, "voice", voice)
        return
    for start, length in bar.beats():
        inside = [step for step in steps if start <= step < start + length]
        is_triplet = any((step - start) % _STRAIGHT for step in inside)
        events = list(pairwise([*inside, start + length]))
        if not inside or inside[0] > start:
            events.insert(0, (start, inside[0] if inside else start + length))
        written: list[tuple[Sequence[TranscribedHit], int, str, bool]] = []
        for at, until in events:
            first, *rests = _lengths(until - at, is_triplet)
            written += [(chords.get((at, is_foot), ()), *first), *(((), *rest) for rest in rests)]
        beams = _beams([_LEVELS.get(type_, 0) if hits else 0 for hits, _, type_, _ in written])
        for index, (hits, steps_long, type_, dotted) in enumerate(written):
            tuplet = ("start",) if index == 0 else ("stop",) if index == len(written) - 1 else ()
            _note(measure, hits, steps_long, type_, dotted, voice, tuplet if is_triplet else None, beams[index])


def _beams(levels: Sequence[int]) -> list[tuple[str, ...]]:
    """Beams of each note or rest of a beat, from the first level on, by its number of flags.

    Examples
    --------
    >>> _beams([1, 2, 2])
    [('begin',), ('continue', 'begin'), ('end', 'end')]
    """
    found: list[tuple[str, ...]] = []
    for index, level in enumerate(levels):
        before = levels[index - 1] if index else 0
        after = levels[index + 1] if index + 1 < len(levels) else 0
        beams = []
        for depth in range(1, level + 1):
            if before >= depth or after >= depth:
                beams.append("begin" if before < depth else "end" if after < depth else "continue")
            elif beams:
                beams.append("backward hook" if before else "forward hook")
        found.append(tuple(beams))
    return found


def _lengths(steps: int, is_triplet: bool) -> list[tuple[int, str, bool]]:
    """Lengths that fill a gap, longest first: (steps, note type, whether it is dotted)."""
    if is_triplet:
        known = {size: (size, type_, False) for size, type_ in _TRIPLET_TYPES.items()}
    else:
        known = {size: (size, *how) for size, how in _TYPES.items()}
    found = []
    while steps > 0 and (fitting := [size for size in known if size <= steps]):
        found.append(known[max(fitting)])
        steps -= max(fitting)
    return found


def _note(
    measure: ElementTree.Element,
    hits: Sequence[TranscribedHit],
    steps: int,
    type_: str,
    dotted: bool,
    voice: int,
    tuplet: tuple[str, ...] | None,
    beams: Sequence[str],
) -> None:
    """A chord, or a rest without hits."""
    is_accented = any(_velocity(hit) >= _ACCENT for hit in hits)
    for index, hit in enumerate(hits or [None]):
        note = ElementTree.SubElement(measure, "note")
        notation = _NOTATIONS[_class_of(hit)] if hit else None
        if notation is None:
            ElementTree.SubElement(note, "rest")
        else:
            if index:
                ElementTree.SubElement(note, "chord")
            place = ElementTree.SubElement(note, "unpitched")
            _text(place, "display-step", notation.step)
            _text(place, "display-octave", notation.octave)
        _text(note, "duration", steps)
        if hit is not None:
            ElementTree.SubElement(note, "instrument", id=_instrument(_class_of(hit)))
        _text(note, "voice", voice)
        _text(note, "type", type_)
        if dotted:
            ElementTree.SubElement(note, "dot")
        if tuplet is not None:
            modification = ElementTree.SubElement(note, "time-modification")
            _text(modification, "actual-notes", 3)
            _text(modification, "normal-notes", 2)
        if hit is not None and notation is not None:
            _text(note, "stem", "down" if notation.is_foot else "up")
            ghost = {"parentheses": "yes"} if _velocity(hit) < _GHOST else {}
            if ghost or notation.head != "normal":
                _text(note, "notehead", notation.head, ghost)
            if index == 0:
                for depth, beam in enumerate(beams, start=1):
                    _text(note, "beam", beam, {"number": str(depth)})
                _notations(note, tuplet, accent=is_accented)
        elif tuplet:
            _notations(note, tuplet, accent=False)


def _velocity(hit: TranscribedHit) -> float:
    return 0.7 if hit.velocity is None else hit.velocity


def _notations(note: ElementTree.Element, tuplet: tuple[str, ...] | None, *, accent: bool) -> None:
    if not tuplet and not accent:
        return
    notations = ElementTree.SubElement(note, "notations")
    for which in tuplet or ():
        ElementTree.SubElement(notations, "tuplet", type=which, bracket="yes")
    if accent:
        ElementTree.SubElement(ElementTree.SubElement(notations, "articulations"), "accent")


def _text(
    parent: ElementTree.Element, tag: str, value: object, attributes: Mapping[str, str] = MappingProxyType({})
) -> None:
    ElementTree.SubElement(parent, tag, dict(attributes)).text = str(value)
