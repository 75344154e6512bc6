"""notes.mid: the charts of Rock Band, Phase Shift, Clone Hero and YARG.

The drums stand on a track named PART DRUMS, four difficulties an octave apart. An unmarked yellow, blue or green gem is
a cymbal; tom markers, flams, rolls and fills are spans ``start <= tick < end`` that speak for all difficulties. Tempo
and metre are on the first track. https://github.com/TheNathannator/GuitarGame_ChartFormats (.mid format).
"""

import io
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from typing import Final

import mido

from drumline.charts import animations, drum_marks, drum_track, elite_drums, real_drums, smf
from drumline.charts.chart import DIFFICULTIES, LANES, Chart, DrumType, Note, capped
from drumline.charts.drum_track import FIFTH, KICK, SECOND_KICK, RawTrack, Span
from drumline.charts.smf import Events, MidiNote, Smf, Track
from drumline.charts.song_ini import SongIni
from drumline.charts.text import plain
from drumline.core.errors import ChartError
from drumline.core.tempo import DEFAULT_TEMPO_BPM, TempoMap

REAL_TRACK: Final = "PART REAL_DRUMS_PS"
"""Phase Shift's Real Drums: the gems of PART DRUMS, with SysEx phrases that tell hi-hats and rims apart."""
DRUM_TRACKS: Final = ("PART DRUMS", "PART DRUM", "PART DRUMS_2X", REAL_TRACK)
"""In the order in which they are preferred; the games read the first."""
ELITE_TRACK: Final = "PART ELITE_DRUMS"
EVENTS_TRACK: Final = "EVENTS"

KICK_PITCHES: Final = dict(zip(DIFFICULTIES, (60, 72, 84, 96), strict=True))
_GEMS: Final = {
    base + step: (difficulty, SECOND_KICK if step < 0 else step)
    for difficulty, base in KICK_PITCHES.items()
    for step in range(-1, 6)
}
_TOM_MARKERS: Final = {110: 2, 111: 3, 112: 4}
_FLAM, _FILL, _ROLL, _SWELL = 109, 120, 126, 127
_FILL_LANES: Final = (120, 121, 122, 123, 124)

# A roll lane holds for expert; low velocities carry it down to the easier difficulties.
_ROLL_VELOCITIES: Final = {"expert": (0, 255), "hard": (21, 50), "medium": (21, 40), "easy": (21, 30)}
_ROLL_VELOCITY_DOWN_TO: Final = {"expert": 100, "hard": 45, "medium": 35, "easy": 25}

_FLIP: Final = re.compile(drum_track.FLIP_EVENT)
_PRACTICE: Final = re.compile(r"\[?(?:section|prc)[ _](.*?)\]?$")
_DYNAMICS: Final = "ENABLE_CHART_DYNAMICS"
"""Without this text on the track, velocities 127 and 1 mean nothing."""


def read(data: bytes, *, name: str, ini: SongIni) -> Chart:
    """A chart from the bytes of a notes.mid; ``name`` stands in errors and repairs.

    Raises ChartError: not a MIDI file of format 1 with ticks, a zero tempo, a damaged track among those we read.
    """
    midi = smf.read(data, name=name)
    repairs = list(midi.repairs)
    tempo = _tempo_map(midi, name, repairs)
    drums = _events_of(midi, DRUM_TRACKS, name, repairs, holds=_GEMS.keys())
    raws = _raw_tracks(drums)
    marked = (drums, *(real for real in _real_drums(midi, repairs) if real != drums))
    for difficulty, raw in raws.items():
        raw.articulations = real_drums.phrases(marked, difficulty, repairs)
    kind = drum_track.drum_type(
        ini,
        has_markers=any(raw.marked or raw.articulations for raw in raws.values()),
        has_fifth_lane=any(pad == FIFTH for raw in raws.values() for _, _, pad in raw.gems),
    )
    cutoff = ini.sustain_cutoff_ticks
    notes = {
        difficulty: drum_track.resolve(
            raw,
            kind,
            cymbal_unless_marked=True,
            cutoff_ticks=cutoff if cutoff >= 0 else midi.resolution // 3 + 1,
            snap_ticks=ini.chord_snap_ticks,
        )
        for difficulty, raw in raws.items()
    }
    elite = _events_of(midi, (ELITE_TRACK,), name, repairs, holds=elite_drums.ELITE_PITCHES)
    try:
        global_events = _events_of(midi, (EVENTS_TRACK,), name, repairs)
    except ChartError as error:
        global_events = Events()  # words for players: no reason to refuse the drums
        repairs.append(str(error))
    return Chart(
        format="mid",
        tempo=tempo,
        drum_type=kind,
        difficulties=notes,
        metadata=ini.metadata,
        offset_s=ini.offset_s,
        repairs=capped(repairs),
        animations=animations.animations(drums.notes),
        elite=elite_drums.elite(
            elite.notes, rolls=_spans(elite.notes, _ROLL, _SWELL), fills=_spans(elite.notes, _FILL)
        ),
        sections=_practice_sections(global_events),
        end_tick=next((tick for tick, _, text in global_events.texts if text == "[end]"), None),
        unsuitable="modchart" if ini.modchart else "",
    )


def _events_of(
    midi: Smf, names: Sequence[str], name: str, repairs: list[str], *, holds: Container[int] = frozenset()
) -> Events:
    """The first track that has a note of the pitches it ``holds``, the most preferred name first.

    Without any, the first track of those names: an empty one hides no other. No events where there is none.
    """
    known = {*DRUM_TRACKS, ELITE_TRACK, EVENTS_TRACK}

    def title(track: Track) -> str:
        return next((name for name in reversed(track.names) if name in known), "")

    first: Events | None = None
    for wanted in names:
        tracks = [track for track in midi.tracks if title(track) == wanted]
        if len(tracks) > 1:
            repairs.append(f"{name}: {len(tracks)} tracks named {wanted!r} (the first with notes in it is read)")
        for track in tracks:
            events = track.events()
            if not holds or any(note.pitch in holds for note in events.notes):
                repairs += events.repairs
                return events
            first = first or events
    repairs += first.repairs if first else []
    return first or Events()


def _tempo_map(midi: Smf, name: str, repairs: list[str]) -> TempoMap:
    events = midi.tracks[0].events()
    tempos: dict[int, float] = {}
    for tick, microseconds in events.tempos:
        if microseconds == 0:
            raise ChartError(f"{name}: track 0, tick {tick}", "the tempo is infinite (0 microseconds a quarter note)")
        tempos[tick] = 60e6 / microseconds
    signatures = {tick: (top, bottom) for tick, top, bottom in events.time_signatures if top}
    if any(not top for _, top, _ in events.time_signatures):
        repairs.append(f"{name}: track 0: a time signature of no beats (left out)")
    return TempoMap(
        midi.resolution,
        tuple(sorted(({0: DEFAULT_TEMPO_BPM} | tempos).items())),
        tuple((tick, *signature) for tick, signature in sorted(({0: (4, 4)} | signatures).items())),
    )


def _raw_tracks(drums: Events) -> dict[str, RawTrack]:
    """Raw tracks of the charted difficulties: what speaks for all of them is handed to each."""
    raws: dict[str, RawTrack] = defaultdict(RawTrack)
    texts = [(tick, text) for tick, kind, text in drums.texts if kind == smf.TEXT]
    has_dynamics = any(text.strip("[]") == _DYNAMICS for _, text in texts)
    for tick, length, pitch, velocity, _ in drums.notes:
        if pitch not in _GEMS:
            continue
        difficulty, pad = _GEMS[pitch]
        raw = raws[difficulty]
        raw.gems.append((tick, length, pad))
        if has_dynamics and velocity in (127, 1):
            marks = raw.accents if velocity == 127 else raw.ghosts
            marks.add((tick, KICK if pad == SECOND_KICK else pad))

    ticks = sorted({tick for raw in raws.values() for tick, _, _ in raw.gems})
    toms = {
        (tick, pad)
        for pitch, pad in _TOM_MARKERS.items()
        for tick in drum_track.covered(_spans(drums.notes, pitch), ticks)
    }
    flams, fills = _spans(drums.notes, _FLAM), _spans(drums.notes, _FILL)
    lanes = [note for note in drums.notes if note.pitch in (_ROLL, _SWELL)]
    for difficulty, raw in raws.items():
        # A marker on any gem of a chord, whatever its lane, makes the chart a pro chart: so scan-chart decides.
        own = {tick for tick, _, _ in raw.gems}
        raw.marked = {(tick, pad) for tick, pad in toms if tick in own}
        raw.flams, raw.fills = flams, fills
        low, high = _ROLL_VELOCITIES[difficulty]
        raw.rolls = [(lane.tick, lane.tick + lane.length_ticks) for lane in lanes if low <= lane.velocity <= high]
        for tick, text in texts:
            flip = _FLIP.fullmatch(text)
            if flip and DIFFICULTIES[int(flip[1])] == difficulty:
                raw.flips.append((tick, drum_track.FLIP_STATES[flip[2]]))
    return {difficulty: raws[difficulty] for difficulty in DIFFICULTIES if difficulty in raws}


def _real_drums(midi: Smf, repairs: list[str]) -> list[Events]:
    """Phase Shift's track, whose marks hold for the gems of the others too; nothing where it is damaged."""
    try:
        return [track.events() for track in midi.tracks if REAL_TRACK in track.names]
    except ChartError as error:
        repairs.append(str(error))
        return []


def _spans(notes: Iterable[MidiNote], *pitches: int) -> list[Span]:
    return [(note.tick, note.tick + note.length_ticks) for note in notes if note.pitch in pitches]


def _practice_sections(events: Events) -> tuple[tuple[int, str], ...]:
    matches = ((tick, _PRACTICE.match(text)) for tick, kind, text in events.texts if kind == smf.TEXT)
    return tuple((tick, plain(match[1])) for tick, match in matches if match)


def write(chart: Chart, *, mark: str = "") -> bytes:
    """A chart as a notes.mid, ``mark`` as a text of its first track.

    Tempos are rounded to whole microseconds a quarter note; words and delay go to song.ini.
    Animations and Phase Shift's marks are left out, and so are rolls of the kick, for which the format has no lane.
    Raises ValueError where difficulties disagree about what the format marks for all of them at once.
    """
    notes = [note for own in chart.difficulties.values() for note in own]
    texts = [(0, f"[{_DYNAMICS}]")] if any(note.accent or note.ghost for note in notes) else []
    sounding = _shared_markers(notes, chart.drum_type) + _roll_lanes(chart)
    for difficulty, own in chart.difficulties.items():
        for gem in own:
            pad = drum_marks.pad(gem, chart.drum_type)
            pitch = KICK_PITCHES[difficulty] + (-1 if pad == SECOND_KICK else pad)
            velocity = 127 if gem.accent else 1 if gem.ghost else 100
            sounding.append(MidiNote(gem.tick, gem.length_ticks, pitch, velocity, 0))
        number = DIFFICULTIES.index(difficulty)
        texts += [(tick, f"[mix {number} drums0{'d' * flipped}]") for tick, flipped in drum_marks.flips(own)]

    drums = _messages(sounding) + [(tick, 1, mido.MetaMessage("text", text=text)) for tick, text in texts]
    conductor = [
        (tick, 0, mido.MetaMessage("time_signature", numerator=top, denominator=bottom))
        for tick, top, bottom in chart.tempo.time_signatures
    ]
    for tick, tempo_bpm in chart.tempo.tempos:
        conductor.append((tick, 0, mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo_bpm))))
    if mark:
        conductor.append((0, 0, mido.MetaMessage("text", text=mark)))
    practice = [(tick, 0, mido.MetaMessage("text", text=f"[section {words}]")) for tick, words in chart.sections]
    if chart.end_tick is not None:
        practice.append((chart.end_tick, 0, mido.MetaMessage("text", text="[end]")))
    file = mido.MidiFile(type=1, ticks_per_beat=chart.tempo.resolution, charset="utf-8")
    file.tracks += [_track("", conductor), _track(EVENTS_TRACK, practice), _track(DRUM_TRACKS[0], drums)]
    if chart.elite:
        elite = elite_drums.elite_notes(chart.elite) + _elite_markers(chart)
        file.tracks.append(_track(ELITE_TRACK, _messages(elite)))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _shared_markers(notes: Sequence[Note], kind: DrumType) -> list[MidiNote]:
    """Tom markers, flams and fills: each speaks for every difficulty."""
    marks = [
        ("flams", (_FLAM,), [(note.tick, note.flam) for note in notes]),
        ("fills", _FILL_LANES, [(note.tick, note.approximate) for note in notes]),
    ]
    if kind == "pro":
        for pitch, pad in _TOM_MARKERS.items():
            lane = LANES[pad]
            marks.append(
                (f"{lane} toms", (pitch,), [(note.tick, not note.cymbal) for note in notes if note.lane == lane])
            )
    markers = []
    for what, pitches, states in marks:
        chosen = {tick for tick, state in states if state}
        if disputed := chosen & {tick for tick, state in states if not state}:
            raise ValueError(f"tick {min(disputed)}: notes disagree about {what}, which a .mid marks for all at once")
        for start, end in drum_marks.spans((tick for tick, _ in states), chosen):
            markers += [MidiNote(start, end - start, pitch, 100, 0) for pitch in pitches]
    return markers


def _roll_lanes(chart: Chart) -> list[MidiNote]:
    """Roll lanes; their velocity says down to which difficulty they hold."""
    hands = [
        (rank, note)
        for rank, difficulty in enumerate(DIFFICULTIES)
        for note in chart.difficulties.get(difficulty, ())
        if drum_marks.is_hand(note)
    ]
    easiest: dict[int, int] = {}
    for rank, note in hands:
        if drum_marks.is_in_roll_lane(note, chart.drum_type):
            easiest[note.tick] = min(rank, easiest.get(note.tick, rank))
    for rank, note in hands:
        if not note.roll and rank >= easiest.get(note.tick, len(DIFFICULTIES)):
            raise ValueError(f"tick {note.tick}: a roll lane of an easier difficulty covers {DIFFICULTIES[rank]} too")
    lanes = []
    for rank, difficulty in enumerate(DIFFICULTIES):
        chosen = {tick for tick, lowest in easiest.items() if lowest == rank}
        for start, end in drum_marks.spans((note.tick for _, note in hands), chosen):
            lanes.append(MidiNote(start, end - start, _ROLL, _ROLL_VELOCITY_DOWN_TO[difficulty], 0))
    return lanes


def _elite_markers(chart: Chart) -> list[MidiNote]:
    own = [note for track in chart.elite.values() for note in track]
    markers = []
    for pitch, chosen in (
        (_FILL, {stroke.tick for stroke in own if stroke.approximate}),
        (_ROLL, {stroke.tick for stroke in own if stroke.roll}),
    ):
        spans = drum_marks.spans((stroke.tick for stroke in own), chosen)
        markers += [MidiNote(start, end - start, pitch, 100, 0) for start, end in spans]
    return markers


def _messages(notes: Iterable[MidiNote]) -> list[tuple[int, int, mido.Message]]:
    """(tick, order within the tick, message): what sounded before ends (0), texts stand between (1), what begins begins
    (2), and what begins and ends at once ends (3)."""
    messages = []
    for tick, length, pitch, velocity, _ in notes:
        messages.append((tick, 2, mido.Message("note_on", note=pitch, velocity=velocity)))
        messages.append((tick + length, 0 if length else 3, mido.Message("note_off", note=pitch)))
    return messages


def _track(name: str, events: Iterable[tuple[int, int, mido.MetaMessage]]) -> mido.MidiTrack:
    """A track from (tick, order within the tick, message)."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track"))
    return track
