"""Drum performances in standard MIDI files: played notes to hits, and hits to a General MIDI drum track.

Ticks and tempo marks of the file become seconds through one `TempoMap`, all tempo changes counted. Notes are
read by symusic: mido counts the same notes some 140 times slower, and pretty_midi, on which mirdata builds,
loses one note in 300 of Groove MIDI. symusic drops text events, so game charts have their own reader.

Hi-hat pedals send controller 4 between strokes. Which way it runs depends on the module: on Roland's TD-11
it is *high when closed*: 90 at the median of Groove's closed strokes (pitches 22, 42), about 30 at that of the
open ones (26, 46), 0 fully open. So ``openness = 1 - value / closed_cc4``, clipped to 0..1.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import mido
import numpy as np
import symusic
from numpy.typing import NDArray

from drumline.charts.documents import checked_time_s
from drumline.charts.drum_maps import GENERAL_MIDI, DrumMap, piece_of
from drumline.core.errors import ChartError
from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import DEFAULT_TEMPO_BPM, TempoMap

ROLAND_CLOSED_CC4: Final = 90
"""Controller 4 of a closed hi-hat on Roland's TD-11 and TD-17, as recorded in Groove MIDI and E-GMD."""

PITCHES: Final = {
    "kick": 36, "snare_head": 38, "snare_rim": 37, "snare": 40,
    "tom_high": 50, "tom_mid": 47, "tom_floor": 43, "tom": 47,
    "hihat_closed": 42, "hihat_open": 46, "hihat_pedal": 44, "hihat": 42,
    "ride_body": 51, "ride_bell": 53, "ride": 51, "crash": 49, "cymbal": 49, "tom_or_cymbal": 47,
    "unclear": 56, "other": 56,
}  # fmt: skip
"""Label -> General MIDI pitch. A partial label takes the pitch of its commonest class."""

BACKING_SUFFIX: Final = ".backing.flac"
"""Ending of a recording that plays with the performance ``NAME.mid`` beside it."""

_STRUCK_HIHATS: Final = frozenset({"hihat_closed", "hihat_open", "hihat"})
_OPENNESS_CONTROLLER: Final = 4
_NOTE_TICKS: Final = 60
_UNTOLD_VELOCITY: Final = 100
_DRUM_CHANNEL: Final = 9


@dataclass(frozen=True)
class Performance:
    """Performance of a drummer, as recorded over MIDI."""

    hits: tuple[Hit, ...]
    tempo: TempoMap


def read_performance(
    data: bytes, location: str, *, drum_map: DrumMap = GENERAL_MIDI, closed_cc4: int | None = None
) -> Performance:
    """The hits of all drum tracks (channel 10) of a MIDI file.

    ``closed_cc4`` is the controller 4 value of a closed hi-hat, None where the source does not send it. A
    stroke takes the last value at or before its tick. Raises ChartError where the file is no MIDI file, counts
    time in SMPTE frames, or has notes but on no drum track.
    """
    score = _score(data, location)
    tempo = _tempo_map(score, location)
    tracks = [track for track in score.tracks if track.is_drum]
    if score.tracks and not tracks:  # symusic leaves out tracks without a note
        raise ChartError(location, "no track on the drum channel (10), though others have notes")
    hits: list[Hit] = []
    for track in tracks:
        notes = track.notes.numpy()
        ticks = np.asarray(notes["time"], dtype=np.int64)
        times_s = tempo.seconds(ticks)
        if times_s.size:
            checked_time_s(float(times_s.max()), f"{location}: tick {ticks.max()}")
        openness = _openness(track, ticks, closed_cc4)
        for tick, time_s, pitch, velocity, opened in zip(
            ticks.tolist(), times_s.tolist(), notes["pitch"].tolist(), notes["velocity"].tolist(), openness, strict=True
        ):
            label, name = piece_of(pitch, drum_map)
            hits.append(
                Hit(
                    time_s=time_s,
                    label=label,
                    velocity=min(max(velocity, 0) / 127, 1.0),
                    evidence="performance",
                    openness=opened if label in _STRUCK_HIHATS else None,
                    source_name=name,
                    tick=tick,
                )
            )
    return Performance(sorted_hits(hits), tempo)


def read_tempo(data: bytes, location: str) -> TempoMap:
    """The tempo map of any MIDI file, whatever its tracks play. Raises ChartError as `read_performance` does."""
    return _tempo_map(_score(data, location), location)


def write_performance(hits: Sequence[Hit], *, tempo: TempoMap | None = None, mark: str = "") -> bytes:
    """A format 1 MIDI file with a conductor track and a General MIDI drum track; ``mark`` is a text on the former.

    Read back, hits of the twelve classes are the same, in time to half a tick (0.5 ms at 120 bpm) and in
    velocity to 1/254; a hit whose velocity is not told comes back with 100/127. A partial label is written as
    its commonest class. Two hits of one pitch on one tick cannot be told apart in MIDI: the louder is kept.
    Tempos are rounded to whole microseconds a quarter note, as the format stores them, before times become
    ticks. Raises ValueError for a hit before second 0, or a tempo or resolution that the format cannot hold.
    """
    tempo = storable(tempo or TempoMap(480))
    return write_tracks([drum_track(hits, tempo)], tempo, mark=mark)


def drum_track(hits: Sequence[Hit], tempo: TempoMap) -> mido.MidiTrack:
    """Hits on the drum channel, as `write_performance` writes them. Raises ValueError for a hit before second 0."""
    ticks = np.round(tempo.ticks([hit.time_s for hit in hits])).astype(np.int64)
    if ticks.size and ticks.min() < 0:
        raise ValueError("MIDI cannot hold a hit before second 0")
    loudest: dict[tuple[int, int], int] = {}
    for tick, hit in zip(ticks.tolist(), hits, strict=True):
        velocity = _UNTOLD_VELOCITY if hit.velocity is None else max(1, round(hit.velocity * 127))
        note = (tick, _pitch(hit))
        loudest[note] = max(loudest.get(note, 0), velocity)
    events = [(0, mido.MetaMessage("track_name", name="Drums"))]
    next_of_pitch: dict[int, int] = {}
    for (tick, pitch), velocity in sorted(loudest.items(), reverse=True):
        # A stroke ends before the next of its pitch begins, or readers would pair the wrong notes.
        end = min(tick + _NOTE_TICKS, next_of_pitch.get(pitch, tick + _NOTE_TICKS))
        next_of_pitch[pitch] = tick
        events.append((end, mido.Message("note_off", channel=_DRUM_CHANNEL, note=pitch, velocity=0)))
        events.append((tick, mido.Message("note_on", channel=_DRUM_CHANNEL, note=pitch, velocity=velocity)))
    return track_of(events)


def write_tracks(tracks: Sequence[mido.MidiTrack], tempo: TempoMap, *, mark: str = "") -> bytes:
    """A format 1 MIDI file of a conductor track, with ``mark`` as a text on it if given, and other tracks."""
    file = mido.MidiFile(type=1, ticks_per_beat=tempo.resolution)
    marks = [(0, mido.MetaMessage("text", text=mark))] if mark else []
    marks += [(tick, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))) for tick, bpm in tempo.tempos]
    marks += [
        (tick, mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
        for tick, numerator, denominator in tempo.time_signatures
    ]
    file.tracks.extend([track_of(marks), *tracks])
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _score(data: bytes, location: str) -> symusic.Score:
    try:
        return symusic.Score.from_midi(data)
    except (RuntimeError, ValueError) as error:
        raise ChartError(
            location, f"not a MIDI file that can be read ({' '.join(str(error).split())[:200]})"
        ) from error


def _tempo_map(score: symusic.Score, location: str) -> TempoMap:
    """The file's tempo marks, the last one of a tick counting; MIDI's own defaults before the first."""
    tempos = {0: DEFAULT_TEMPO_BPM}
    for mark in score.tempos:
        if mark.mspq <= 0:
            raise ChartError(f"{location}: tick {mark.time}", "a tempo of zero microseconds a quarter note")
        tempos[int(mark.time)] = 60e6 / mark.mspq
    metres = {0: (4, 4)}
    for metre in score.time_signatures:
        metres[int(metre.time)] = (int(metre.numerator), int(metre.denominator))
    try:
        return TempoMap(
            int(score.ticks_per_quarter),
            tuple(sorted(tempos.items())),
            tuple((tick, *metre) for tick, metre in sorted(metres.items())),
        )
    except ValueError as error:
        raise ChartError(location, str(error)) from error


def _openness(track: symusic.Track, ticks: NDArray[np.int64], closed_cc4: int | None) -> list[float | None]:
    controls = track.controls.numpy()
    mine = np.asarray(controls["number"]) == _OPENNESS_CONTROLLER
    if closed_cc4 is None or not mine.any():
        return [None] * ticks.size
    order = np.argsort(controls["time"][mine], kind="stable")
    changes, values = controls["time"][mine][order], controls["value"][mine][order]
    last = np.searchsorted(changes, ticks, side="right") - 1
    opened = np.clip(1.0 - values[np.clip(last, 0, None)].astype(np.float64) / closed_cc4, 0.0, 1.0)
    return [value if known else None for value, known in zip(opened.tolist(), (last >= 0).tolist(), strict=True)]


def _pitch(hit: Hit) -> int:
    """The pitch of the same piece by name if General MIDI has it (a splash, a cowbell), else of the label."""
    return _PITCH_OF_PIECE.get((hit.label, hit.source_name), PITCHES[hit.label])


_PITCH_OF_PIECE: Final = {piece: pitch for pitch, piece in GENERAL_MIDI.items()}


def storable(tempo: TempoMap) -> TempoMap:
    """The tempo map with tempos as MIDI stores them. Raises ValueError for what the format cannot hold."""
    if tempo.resolution >= 2**15:
        raise ValueError(f"MIDI cannot hold {tempo.resolution} ticks a quarter note, limit {2**15 - 1}")
    microseconds = [round(60e6 / bpm) for _, bpm in tempo.tempos]
    if not all(0 < each < 2**24 for each in microseconds):
        raise ValueError("MIDI cannot hold a tempo under 3.6 or over 60,000,000 beats per minute")
    marks = tuple((tick, 60e6 / each) for (tick, _), each in zip(tempo.tempos, microseconds, strict=True))
    return TempoMap(tempo.resolution, marks, tempo.time_signatures)


def track_of(events: list[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    """A track of (tick, message) in order of tick, note-offs first."""
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(events, key=lambda event: (event[0], event[1].type == "note_on")):
        track.append(message.copy(time=tick - now))
        now = tick
    return track
