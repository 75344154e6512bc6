"""MIDI of a band: one track for each instrument on one tempo map."""

from typing import Final

import mido
import numpy as np
import symusic

from drumline.band.part import TranscribedPart
from drumline.charts.general_midi import track_of
from drumline.core.errors import ChartError
from drumline.core.notes import Notes
from drumline.core.tempo import TempoMap

_DRUM_CHANNEL: Final = 9
_CHANNELS: Final = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_BEND_RANGE: Final = 2.0
"""Range of the pitch wheel that every General MIDI instrument starts with [semitones]."""
_WHEEL: Final = 8191
_BEND_STEP: Final = 0.05
"""Smallest change of a bend that is written [semitones]."""

Event = tuple[int, mido.Message | mido.MetaMessage]


def part_track(part: TranscribedPart, tempo: TempoMap, *, index: int) -> mido.MidiTrack:
    """Notes of a part on a channel of their own, with program, name and pitch bends.

    Parameters
    ----------
    part
        The part; notes of one pitch that overlap are shortened.
    tempo
        Tempo map of the file.
    index
        Number of the part in the band, which gives its channel; the drum channel is left out.
    """
    channel = _CHANNELS[index % len(_CHANNELS)]
    events: list[Event] = [
        (0, mido.MetaMessage("track_name", name=part.instrument.name.capitalize())),
        (0, mido.Message("program_change", channel=channel, program=part.instrument.program)),
    ]
    notes = part.notes
    starts = np.round(tempo.ticks(notes.start_s)).astype(np.int64).tolist()
    ends = np.round(tempo.ticks(notes.end_s)).astype(np.int64).tolist()
    next_start: dict[int, int] = {}
    for note in reversed(range(len(notes))):
        pitch, start = int(notes.pitch[note]), starts[note]
        if start == next_start.get(pitch):
            continue  # two notes of one pitch on one tick are one
        end = max(start + 1, min(ends[note], next_start.get(pitch, ends[note])))
        next_start[pitch] = start
        velocity = min(127, max(1, round(127 * float(notes.velocity[note]))))
        events.append((end, mido.Message("note_off", channel=channel, note=pitch, velocity=0)))
        events.append((start, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
    return track_of([*events, *_bends(part, tempo, channel)])


def _bends(part: TranscribedPart, tempo: TempoMap, channel: int) -> list[Event]:
    """Pitch wheel messages where the bend moves; back to the middle at each note's start."""
    events: list[Event] = []
    for start_s, bend in zip(part.notes.start_s.tolist(), part.bends, strict=False):
        last = None
        for time_s, semitones in zip(start_s + part.frame_s * np.arange(len(bend)), bend, strict=True):
            if last is None or abs(semitones - last) >= _BEND_STEP:
                last = float(semitones)
                value = round(_WHEEL * min(1.0, max(-1.0, last / _BEND_RANGE)))
                tick = round(float(tempo.ticks(time_s)))
                events.append((tick, mido.Message("pitchwheel", channel=channel, pitch=value)))
    return events


def read_notes(data: bytes, name: str) -> Notes:
    """Notes of all tracks of a MIDI file but drums. Raises ChartError for a file that is none; ``name`` heads it."""
    try:
        score = symusic.Score.from_midi(data).to("second")
    except (RuntimeError, ValueError) as error:
        raise ChartError(name, f"not a MIDI file that can be read ({error})") from error
    return Notes.of(
        (note.start, note.start + note.duration, note.pitch, note.velocity / 127, 1.0)
        for track in score.tracks
        if not track.is_drum
        for note in track.notes
    )
