"""Gems and hits: what a chart says was played, and how to chart what was played.

A pad is a majority guess (measured: docs/formats.md): yellow cymbals are hi-hats, blue ones rides, green ones crashes.
Where a chart says more it is believed instead: first an elite-drums track, then Rock Band's animations, then the gem.

Velocity is never told. Charted accents and ghosts are an order among strokes, not a loudness: they stay flags.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import gcd
from typing import Final

from drumline.charts.animations import match_animations
from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.chart import Chart, DrumType, Note, PieceNote, in_order, piece_notes_in_order
from drumline.core.hits import CHARTED_FLAGS, Hit, sorted_hits
from drumline.core.tempo import TempoMap

_CYMBAL_LABELS: Final = {"yellow": "hihat", "blue": "ride", "green": "crash"}
_HIHATS: Final = {
    "": "hihat",
    "closed": "hihat_closed",
    "open": "hihat_open",
    "sizzle": "hihat_open",
    "pedal": "hihat_pedal",
}
"""Articulation -> label. What is not closed is open."""
_TOM_LABELS: Final = {"yellow": "tom_high", "blue": "tom_mid", "green": "tom_floor"}

_PADS: Final = {
    "kick": ("kick", False),
    "snare": ("red", False),
    "snare_head": ("red", False),
    "snare_rim": ("red", False),
    "tom": ("yellow", False),
    "tom_high": ("yellow", False),
    "tom_mid": ("blue", False),
    "tom_floor": ("green", False),
    "hihat": ("yellow", True),
    "hihat_closed": ("yellow", True),
    "hihat_open": ("yellow", True),
    "ride": ("blue", True),
    "ride_body": ("blue", True),
    "ride_bell": ("blue", True),
    "cymbal": ("green", True),
    "crash": ("green", True),
}
"""Label -> lane, cymbal. The rest (a pedal, percussion, what may be tom or cymbal) has no pad."""
_ELITE_PIECES: Final = {
    "kick": ("kick", "kick"),
    "snare": ("snare", "snare"),
    "snare_head": ("snare", "snare"),
    "snare_rim": ("snare", "snare"),
    "tom_high": ("tom_high", "tom 1"),
    "tom_mid": ("tom_mid", "tom 2"),
    "tom_floor": ("tom_floor", "tom 3"),
    "hihat": ("hihat", "hi-hat"),
    "hihat_closed": ("hihat_closed", "hi-hat"),
    "hihat_open": ("hihat_open", "hi-hat"),
    "hihat_pedal": ("hihat_pedal", "hat pedal"),
    "ride": ("ride", "ride"),
    "ride_body": ("ride", "ride"),
    "ride_bell": ("ride", "ride"),
    "crash": ("crash", "right crash"),
}
"""Label -> what an elite-drums track keeps of it, and its piece there."""


def label(note: Note, kind: DrumType) -> str:
    """A gem's majority label, after disco flip: flipped red is the yellow cymbal, flipped yellow is the snare."""
    lane, cymbal = note.lane, note.cymbal
    if note.disco:
        # In a four-lane chart the flip swaps the stems alone: red then plays the rest of the kit, no one says what.
        lane, cymbal = ("yellow", kind != "four_lane") if lane == "red" else ("red", False)
    if lane == "kick":
        return "kick"
    if lane == "red":
        return "snare_rim" if note.articulation == "rim" else "snare"
    if kind == "four_lane":
        return "tom_or_cymbal"
    if cymbal and lane == "yellow":
        return _HIHATS[note.articulation]
    return _CYMBAL_LABELS[lane] if cymbal else _TOM_LABELS[lane]


def annotate(chart: Chart, difficulty: str = "expert") -> AnnotatedSong:
    """The chart's hits at one difficulty, with the finest labels it has. No hits where that difficulty is not charted.

    An elite-drums track speaks for its whole difficulty. Animation notes are Rock Band's drummer at the expert chart:
    each refines the label of the gem it stands with; a gem without one keeps the gem's label.
    """
    notes = chart.difficulties.get(difficulty, ())
    elite = chart.elite.get(difficulty, ())
    if elite:
        hits = [
            Hit(
                time_s,
                stroke.label,
                flags=_flags(stroke),
                evidence="elite",
                source_name=stroke.source_name,
                tick=stroke.tick,
            )
            for stroke, time_s in zip(elite, _seconds(elite, chart.tempo), strict=True)
        ]
    else:
        animations = chart.animations if difficulty == "expert" else ()
        hits = list(_gem_hits(notes, animations, chart))
    return AnnotatedSong(
        format=chart.format,
        hits=sorted_hits(hits),
        metadata=chart.metadata,
        tempo=chart.tempo,
        offset_s=chart.offset_s,
        drum_type=chart.drum_type,
        unannotated=() if elite or any(note.articulation == "pedal" for note in notes) else ("hihat_pedal",),
        repairs=chart.repairs,
        unsuitable=chart.unsuitable,
        note_signature=note_signature(chart),
    )


def note_signature(chart: Chart) -> bytes:
    """32 bytes, equal for charts with the same expert gems at the same beats, whatever the format or resolution."""
    gems = [(note.tick, f"{note.lane} {note.cymbal}") for note in chart.difficulties.get("expert", ())]
    gems = gems or [(stroke.tick, stroke.source_name) for stroke in chart.elite.get("expert", ())]
    if not gems:
        return b""
    resolution = chart.tempo.resolution
    digest = hashlib.sha256()
    for tick, gem in gems:
        common = gcd(tick, resolution)
        digest.update(f"{tick // common}/{resolution // common} {gem}\n".encode())
    return digest.digest()


def compose(hits: Iterable[Hit], tempo: TempoMap, metadata: Metadata, *, elite: bool = False) -> Chart:
    """A pro chart of expert difficulty from hits.

    Each goes to the nearest tick, at most half a tick (``30 / (bpm * resolution)`` seconds) away. Hits that no pad can
    say are left out: hat pedals, percussion, and ``tom_or_cymbal``. No lane holds a tom and a cymbal at once: there the
    cymbal stays and the tom goes to the next lane that is free (to none where all are taken). Neither velocity nor
    openness is charted.

    With ``elite`` the strokes also make an elite-drums track, which keeps every tom in its place, and hi-hats open,
    closed or pedalled. Readers take its silence for silence, so the hits must be complete, pedals too.
    Raises ValueError then for a hit that such a track cannot say (``tom``, ``cymbal``, ``tom_or_cymbal``).
    """
    strokes = _strokes(list(hits), tempo)
    chords: dict[int, dict[str, Note]] = {}
    # Cymbals first: a tom can move, a cymbal's lane is its name.
    playable = [stroke for stroke in strokes if stroke.label in _PADS]
    for stroke in sorted(playable, key=lambda stroke: not _PADS[stroke.label][1]):
        chord = chords.setdefault(stroke.tick, {})
        lane, cymbal = _PADS[stroke.label]
        if lane in _TOM_LABELS and not cymbal:
            lane = _free_tom_lane(lane, chord)
        if lane and lane not in chord:
            flags = {flag: getattr(stroke, flag) for flag in CHARTED_FLAGS}
            chord[lane] = Note(stroke.tick, 0, lane, cymbal, **flags)
    notes = in_order(note for chord in chords.values() for note in chord.values())
    track = _elite_track(strokes) if elite else ()
    return Chart(
        "mid",
        tempo,
        "pro",
        {"expert": notes} if notes else {},
        metadata,
        elite={"expert": track} if track else {},
    )


def _gem_hits(notes: Sequence[Note], animations: Sequence[PieceNote], chart: Chart) -> Iterator[Hit]:
    labels = [label(note, chart.drum_type) for note in notes]
    times_s = _seconds(notes, chart.tempo)
    refined = match_animations(labels, times_s, animations, _seconds(animations, chart.tempo))
    for note, gem_label, time_s, animated in zip(notes, labels, times_s, refined, strict=True):
        stroke = None if note.articulation else animated
        detail = stroke.source_name if stroke else note.articulation
        name = " ".join([note.lane, *_kind(note, chart.drum_type), *["flipped"] * note.disco])
        hit = Hit(
            time_s,
            stroke.label if stroke else gem_label,
            flags=_flags(note),
            evidence="animation" if stroke else "annotation" if note.articulation else "gem",
            source_name=f"{name}, {detail}" if detail else name,
            tick=note.tick,
        )
        yield hit
        if note.both:
            yield replace(hit, label=_TOM_LABELS[note.lane], evidence="annotation", source_name=f"{name} and tom")


def _seconds(events: Sequence[Note] | Sequence[PieceNote], tempo: TempoMap) -> list[float]:
    times_s: list[float] = tempo.seconds([event.tick for event in events]).tolist()
    return times_s


def _kind(note: Note, kind: DrumType) -> list[str]:
    is_told = kind != "four_lane" and note.lane in _TOM_LABELS
    return ["cymbal" if note.cymbal else "tom"] if is_told else []


def _flags(event: Note | PieceNote) -> tuple[str, ...]:
    return tuple(flag for flag in CHARTED_FLAGS if getattr(event, flag))


def _free_tom_lane(lane: str, chord: dict[str, Note]) -> str:
    """The lane, or the nearest below that is free, or any; empty where there is none."""
    lanes = list(_TOM_LABELS)
    order = lanes[lanes.index(lane) :] + lanes[: lanes.index(lane)]
    return next((free for free in order if free not in chord), "")


def _strokes(hits: Sequence[Hit], tempo: TempoMap) -> list[PieceNote]:
    """Hits on ticks. Flams and fills hold for whole chords and rolls for all hands in one: formats mark them so."""
    chords: dict[int, list[Hit]] = {}
    for hit, position in zip(hits, tempo.ticks([hit.time_s for hit in hits]), strict=True):
        chords.setdefault(max(0, int(position + 0.5)), []).append(hit)
    strokes = []
    for tick, chord in sorted(chords.items()):
        together = {flag for hit in chord for flag in hit.flags}
        for hit in chord:
            is_kick, is_struck = hit.label == "kick", hit.label != "hihat_pedal"
            stroke = PieceNote(
                tick,
                hit.label,
                hit.source_name,
                accent=is_struck and "accent" in hit.flags,
                ghost=is_struck and "ghost" in hit.flags and "accent" not in hit.flags,
                flam="flam" in together,
                double_kick=is_kick and "double_kick" in hit.flags,
                roll=not is_kick and "roll" in together,
                approximate="approximate" in together,
            )
            strokes.append(stroke)
    return strokes


def _elite_track(strokes: Sequence[PieceNote]) -> tuple[PieceNote, ...]:
    """One stroke a piece and tick, the first of equals. A pedal that goes down with a struck hi-hat is not heard."""
    hats = {stroke.tick for stroke in strokes if stroke.label in ("hihat_open", "hihat_closed")}
    found: dict[tuple[int, str], PieceNote] = {}
    for stroke in strokes:
        if stroke.label in ("other", "unclear") or (stroke.label == "hihat_pedal" and stroke.tick in hats):
            continue
        if stroke.label not in _ELITE_PIECES:
            raise ValueError(f"{stroke.label!r} at tick {stroke.tick}: an elite-drums track cannot say it")
        label, piece = _ELITE_PIECES[stroke.label]
        name = "elite kick 2x" if stroke.double_kick else f"elite {piece}"
        found.setdefault((stroke.tick, piece), replace(stroke, label=label, source_name=name))
    return piece_notes_in_order(found.values())
