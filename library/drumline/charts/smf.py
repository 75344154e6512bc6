"""Standard MIDI files as games write them: format 1, ticks a quarter note, read fast and safely.

Unlike general readers this one keeps text events (disco flip, dynamics) and Phase Shift's SysEx phrases, lets running
status go on after meta and SysEx events, takes a track whose length is wrong as far as its own end, and parses only the
tracks that are asked for. Every loop consumes bytes, so work is linear in the file's size.
https://midi.org/standard-midi-files-specification
"""

import contextlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from drumline.charts.chart import MAX_CHART_BYTES, MAX_TICK
from drumline.charts.text import decode, trimmed
from drumline.core.errors import ChartError

TEXT, TRACK_NAME, _END_OF_TRACK, _TEMPO, _TIME_SIGNATURE = 0x01, 0x03, 0x2F, 0x51, 0x58
_END: Final = b"\xff\x2f\x00"
_PHASE_SHIFT: Final = b"PS\0\0"
"""The head of Phase Shift's SysEx events; their last zero: a phrase begins or ends."""


MAX_TRACKS: Final = 1000
MAX_NOTES: Final = 1_000_000
"""In one track. Real charts stay below a tenth of both."""


class MidiNote(NamedTuple):
    tick: int
    length_ticks: int
    pitch: int
    velocity: int
    channel: int

    @property
    def span(self) -> tuple[int, int]:
        """Start and end tick, end excluded."""
        return self.tick, self.tick + self.length_ticks


@dataclass
class Events:
    """Events of one track in file order; notes in order of their start."""

    notes: list[MidiNote] = field(default_factory=list)
    """Those that end: a note without note-off is left out, and counted in ``unended``."""
    texts: list[tuple[int, int, str]] = field(default_factory=list)
    """(tick, kind of meta event 1 to 7, text)"""
    tempos: list[tuple[int, int]] = field(default_factory=list)
    """(tick, microseconds in a quarter note)"""
    time_signatures: list[tuple[int, int, int]] = field(default_factory=list)
    """(tick, numerator, denominator)"""
    phrases: list[tuple[int, int, int, bool]] = field(default_factory=list)
    """Phase Shift's SysEx events: (tick, difficulty 0 to 3 or 255 for all, code, whether it begins)"""
    unended: int = 0
    repairs: list[str] = field(default_factory=list)
    """Repairs, each with its location."""


@dataclass(frozen=True)
class Track:
    """One track, parsed when it is asked for."""

    index: int
    data: bytes
    file_name: str
    missing_bytes: int
    """How many bytes its chunk promises beyond the end of the file, or of the track itself."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Track names at tick 0; later ones exist in the wild and name nothing."""
        events = Events()
        with contextlib.suppress(ChartError):  # a damaged track keeps the name that it still tells
            _parse(self.data, events, location=self.file_name, last_tick=0)
        return tuple(trimmed(text) for _, kind, text in events.texts if kind == TRACK_NAME)

    def events(self) -> Events:
        """Everything in the track. Raises ChartError with the track and the tick.

        A length beyond the file is no fault where the track comes to its own end before, or has lost that alone.
        """
        title = " ".join(repr(name[:40]) for name in self.names[:1])
        location = f"{self.file_name}: track {self.index} {title}".rstrip()
        lost = self.missing_bytes
        # Completed, a track that has lost its end alone comes to it; where notes are lost too, it does not.
        tail = (b"\0" + _END)[-lost:] if 0 < lost <= 1 + len(_END) else b""
        events = Events()
        try:
            ended = _parse(self.data + tail, events, location=location, last_tick=MAX_TICK)
        except ChartError:
            if not lost:
                raise
            ended = False
        if lost and not ended:
            raise ChartError(location, f"{lost:,} of its bytes are missing (was the file cut?)")
        if lost:
            events.repairs.append(f"{location}: its length is wrong by {lost:,} bytes (read to its end)")
        if events.unended:
            events.repairs.append(f"{location}: {events.unended} notes never end (left out)")
        return events


@dataclass(frozen=True)
class Smf:
    """A MIDI file's division and tracks."""

    resolution: int
    tracks: Sequence[Track]
    repairs: tuple[str, ...]


def read(data: bytes, *, name: str) -> Smf:
    """The tracks of a MIDI file, not yet parsed.

    Raises ChartError: not MIDI, format 0 or 2, SMPTE time, no resolution, no track, more than `MAX_CHART_BYTES`.
    """
    if len(data) > MAX_CHART_BYTES:
        raise ChartError(name, f"{len(data):,} bytes, limit {MAX_CHART_BYTES:,}")
    if len(data) < 14 or data[:4] != b"MThd":
        raise ChartError(name, "not a MIDI file (no MThd header)")
    header_length, midi_format, num_tracks, division = struct.unpack(">IHHH", data[4:14])
    if midi_format != 1:
        raise ChartError(name, f"MIDI format {midi_format}: charts are format 1")
    if division & 0x8000:
        raise ChartError(name, "time in SMPTE frames: charts count ticks in a quarter note")
    if division == 0:
        raise ChartError(name, "resolution is zero")

    tracks: list[Track] = []
    repairs: list[str] = []
    at = 8 + max(header_length, 6)
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        start, at = at + 8, at + 8 + length
        if kind == b"MTrk" and (end := data.find(_END + b"MTrk", start, at + 4)) >= 0:
            at = end + len(_END)  # the length reaches into the next track
        if len(tracks) >= MAX_TRACKS or len(repairs) >= MAX_TRACKS:
            raise ChartError(name, f"more than {MAX_TRACKS:,} tracks or unknown chunks")
        if kind == b"MTrk":
            track = data[start:at]
            tracks.append(Track(len(tracks), track, name, length - len(track)))
        else:
            repairs.append(f"{name}: unknown chunk {kind!r} at byte {start - 8} (left out)")
    if not tracks:
        raise ChartError(name, "no track in it")
    if len(tracks) != num_tracks:
        repairs.append(f"{name}: {len(tracks)} tracks where the header says {num_tracks}")
    return Smf(division, tracks, tuple(repairs))


def _parse(data: bytes, events: Events, *, location: str, last_tick: int) -> bool:
    """Add the events up to and including ``last_tick``; whether the track came to its end event.

    One loop with few calls: all of a chart passes it.
    """
    started: list[list[int]] = []  # [tick, length or -1, pitch, velocity, channel]
    is_open: dict[int, list[int]] = {}  # channel and pitch -> indices into started, the latest last
    at, tick, status, end = 0, 0, 0, len(data)
    ended = False
    try:
        while at < end:
            # A variable-length quantity: seven bits a byte, the top bit says that more follow.
            byte = data[at]
            at += 1
            delta = byte & 0x7F
            while byte & 0x80:
                byte = data[at]
                at += 1
                delta = delta << 7 | byte & 0x7F
                if delta > MAX_TICK:
                    raise ChartError(f"{location}, tick {tick}", f"the next event is more than {MAX_TICK} ticks away")
            tick += delta
            if tick > last_tick:
                if last_tick == MAX_TICK:
                    raise ChartError(f"{location}, tick {tick}", f"beyond tick {MAX_TICK}")
                break

            byte = data[at]
            if byte >= 0xF0:
                at += 1
                kind = -1
                if byte == 0xFF:
                    kind = data[at]
                    at += 1
                elif byte not in (0xF0, 0xF7):
                    raise ChartError(
                        f"{location}, tick {tick}", f"no MIDI file holds status {byte:#x} (is it damaged?)"
                    )
                length = 0
                while True:
                    byte = data[at]
                    at += 1
                    length = length << 7 | byte & 0x7F
                    if byte < 0x80:
                        break
                    if length > end:
                        raise IndexError
                body = data[at : at + length]
                at += length
                if at > end:
                    raise IndexError
                if kind == _END_OF_TRACK:
                    ended = True
                    break
                _add_meta(events, tick, kind, body)
                continue
            if byte >= 0x80:
                status = byte
                at += 1
            elif not status:
                raise ChartError(f"{location}, tick {tick}", f"data byte {byte:#x} where a status must stand")
            command = status & 0xF0
            if command in (0xC0, 0xD0):
                at += 1
                continue
            if command in (0x80, 0x90):
                pitch, velocity = data[at], data[at + 1]
                key = (status & 0x0F) << 8 | pitch
                if command == 0x90 and velocity:
                    if len(started) >= MAX_NOTES:
                        raise ChartError(f"{location}, tick {tick}", f"more than {MAX_NOTES:,} notes")
                    is_open.setdefault(key, []).append(len(started))
                    started.append([tick, -1, pitch, velocity, status & 0x0F])
                elif stack := is_open.get(key):
                    note = started[stack.pop()]
                    note[1] = tick - note[0]
            at += 2
            if at > end:
                raise IndexError
    except IndexError:
        raise ChartError(f"{location}, tick {tick}", "the track ends inside an event (was the file cut?)") from None
    events.notes = [MidiNote._make(note) for note in started if note[1] >= 0]
    events.unended = len(started) - len(events.notes)
    return ended


def _add_meta(events: Events, tick: int, kind: int, body: bytes) -> None:
    if 1 <= kind <= 7:
        events.texts.append((tick, kind, decode(body)))
    elif kind == _TEMPO and len(body) >= 3:
        events.tempos.append((tick, int.from_bytes(body[:3], "big")))
    elif kind == -1 and body.startswith(_PHASE_SHIFT) and len(body) >= 7:
        events.phrases.append((tick, body[4], body[5], bool(body[6])))
    elif kind == _TIME_SIGNATURE and len(body) >= 2:
        events.time_signatures.append((tick, body[0], 2 ** (body[1] & 0x0F)))
