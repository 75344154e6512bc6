"""Gems and hits: what a chart says was played, and how to chart what was played.

A pad is a majority guess (measured: docs/formats.md): yellow cymbals are hi-hats, blue ones rides, green ones crashes.
Where a chart says more it is believed instead: first an elite-drums track, then Rock Band's animations, then the gem.

Velocity is never told. Charted accents and ghosts are an order among strokes, not a loudness: they stay flags.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import gcd
from typing import Final

from drumline.charts.chart import LANES, Chart, DrumType, Note, Stroke, in_order
from drumline.charts.song import AnnotatedSong, Metadata
from drumline.core.events import FLAGS, Hit, sorted_hits
from drumline.core.tempo import TempoMap

ANIMATION_TOLERANCE_S: Final = 0.012
"""A gem and its animation stand this close."""
_MAX_ANIMATIONS_AT_ONCE: Final = 32
"""More than this within the tolerance is no drummer, but a file made to keep us busy."""

_CYMBAL_LABELS: Final = {"yellow": "hihat", "blue": "ride", "green": "crash"}
_TOM_LABELS: Final = {"yellow": "tom_high", "blue": "tom_mid", "green": "tom_floor"}
_CYMBALS: Final = frozenset({"hihat", "hihat_closed", "hihat_open", "ride", "crash"})
_DRUMS: Final = frozenset({"snare", "tom_high", "tom_mid", "tom_floor"})

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


def label(note: Note, kind: DrumType) -> str:
    """A gem's majority label, after disco flip: flipped red is the yellow cymbal, flipped yellow is the snare."""
    lane, cymbal = note.lane, note.cymbal
    if note.disco:
        # In a four-lane chart the flip swaps the stems alone: red then plays the rest of the kit, no one says what.
        lane, cymbal = ("yellow", kind != "four_lane") if lane == "red" else ("red", False)
    if lane == "kick":
        return "kick"
    if lane == "red":
        return "snare"
    if kind == "four_lane":
        return "tom_or_cymbal"
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
        unannotated=() if elite else ("hihat_pedal",),
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


def compose(hits: Iterable[Hit], tempo: TempoMap, metadata: Metadata) -> Chart:
    """A pro chart of expert difficulty from hits.

    Each goes to the nearest tick, at most half a tick (``30 / (bpm * resolution)`` seconds) away. Hits that no pad can
    say are left out: hat pedals, percussion, and ``tom_or_cymbal``. No lane holds a tom and a cymbal at once: there the
    cymbal stays and the tom goes to the next lane that is free (to none where all are taken). Neither velocity nor
    openness is charted.
    """
    playable = [hit for hit in hits if hit.label in _PADS]
    ticks = tempo.ticks([hit.time_s for hit in playable])
    chords: dict[int, dict[str, Note]] = {}
    # Cymbals first: a tom can move, a cymbal's lane is its name.
    for hit, position in sorted(zip(playable, ticks, strict=True), key=lambda pair: not _PADS[pair[0].label][1]):
        tick = max(0, int(position + 0.5))
        chord = chords.setdefault(tick, {})
        lane, cymbal = _PADS[hit.label]
        if lane in _TOM_LABELS and not cymbal:
            lane = _free_tom_lane(lane, chord)
        if not lane or lane in chord:
            continue
        accent = "accent" in hit.flags
        chord[lane] = Note(
            tick,
            0,
            lane,
            cymbal,
            accent=accent,
            ghost=not accent and "ghost" in hit.flags,
            flam="flam" in hit.flags,
            double_kick=lane == "kick" and "double_kick" in hit.flags,
            roll=lane != "kick" and "roll" in hit.flags,
            approximate="approximate" in hit.flags,
        )
    notes = in_order(note for chord in chords.values() for note in _one_mind(list(chord.values())))
    return Chart("mid", tempo, "pro", {"expert": notes} if notes else {}, metadata)


def _gem_hits(notes: Sequence[Note], animations: Sequence[Stroke], chart: Chart) -> Iterator[Hit]:
    labels = [label(note, chart.drum_type) for note in notes]
    times_s = _seconds(notes, chart.tempo)
    refined = _refined(labels, times_s, animations, _seconds(animations, chart.tempo))
    for note, gem_label, time_s, stroke in zip(notes, labels, times_s, refined, strict=True):
        name = " ".join([note.lane, *_kind(note, chart.drum_type), *["flipped"] * note.disco])
        yield Hit(
            time_s,
            stroke.label if stroke else gem_label,
            flags=_flags(note),
            evidence="animation" if stroke else "gem",
            source_name=f"{name}, {stroke.source_name}" if stroke else name,
            tick=note.tick,
        )


def _refined(
    labels: Sequence[str], times_s: Sequence[float], animations: Sequence[Stroke], animation_times_s: Sequence[float]
) -> list[Stroke | None]:
    """For each gem the animation that stands with it, each used once. The best agreement in a chord is settled first.

    An animation that contradicts its gem (a cymbal for a drum) is not believed: often it is a movement without one.
    """
    pairs = []
    for gem, (gem_label, time_s) in enumerate(zip(labels, times_s, strict=True)):
        first = bisect_left(animation_times_s, time_s - ANIMATION_TOLERANCE_S)
        for index in range(first, min(first + _MAX_ANIMATIONS_AT_ONCE, len(animations))):
            distance_s = abs(animation_times_s[index] - time_s)
            if distance_s > ANIMATION_TOLERANCE_S:
                break
            rank = _disagreement(gem_label, animations[index].label)
            if rank is not None:
                pairs.append((rank, distance_s, gem, index))
    found: list[Stroke | None] = [None] * len(labels)
    used: set[int] = set()
    for _, _, gem, index in sorted(pairs):
        if found[gem] is None and index not in used:
            found[gem] = animations[index]
            used.add(index)
    return found


def _disagreement(gem_label: str, animated: str) -> int | None:
    """0 the same piece, 1 one of the same family, 2 percussion on any pad; None where they cannot be one stroke."""
    if animated == gem_label or (gem_label == "hihat" and animated.startswith("hihat")):
        return 0
    if "kick" in (gem_label, animated):
        return None
    if gem_label == "tom_or_cymbal":
        return None if animated == "snare" else 2 if animated == "other" else 1
    if any(gem_label in family and animated in family for family in (_CYMBALS, _DRUMS)):
        return 1
    return 2 if animated == "other" else None


def _seconds(events: Sequence[Note] | Sequence[Stroke], tempo: TempoMap) -> list[float]:
    times_s: list[float] = tempo.seconds([event.tick for event in events]).tolist()
    return times_s


def _kind(note: Note, kind: DrumType) -> list[str]:
    is_told = kind != "four_lane" and note.lane in _TOM_LABELS
    return ["cymbal" if note.cymbal else "tom"] if is_told else []


def _flags(event: Note | Stroke) -> tuple[str, ...]:
    return tuple(flag for flag in FLAGS if getattr(event, flag))


def _free_tom_lane(lane: str, chord: dict[str, Note]) -> str:
    """The lane, or the nearest below that holds no cymbal, or any; empty where there is none."""
    lanes = list(_TOM_LABELS)
    order = lanes[lanes.index(lane) :] + lanes[: lanes.index(lane)]
    return next((free for free in order if free not in chord), "")


def _one_mind(chord: list[Note]) -> list[Note]:
    """A chord whose notes agree on what formats mark for whole chords: flams, rolls of the hands, fills."""
    flam, approximate = any(note.flam for note in chord), any(note.approximate for note in chord)
    roll = any(note.roll for note in chord)
    return [replace(note, flam=flam, approximate=approximate, roll=roll and note.lane in LANES[1:]) for note in chord]
