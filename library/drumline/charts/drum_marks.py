"""The way back from `Note` to a file: which pad to write, and which spans and flip events reproduce the flags."""

from collections.abc import Iterable, Iterator, Set

from drumline.charts.chart import LANES, DrumType, Note
from drumline.charts.drum_track import FIFTH, SECOND_KICK, Span


def pad(note: Note, kind: DrumType) -> int:
    """The pad number of a note, as `drum_track` counts them."""
    if note.double_kick:
        return SECOND_KICK
    if kind == "five_lane" and note.lane == "green" and not note.cymbal:
        return FIFTH
    return LANES.index(note.lane)


def is_hand(note: Note) -> bool:
    return note.lane != "kick"


def is_in_roll_lane(note: Note, kind: DrumType) -> bool:
    """A roll that needs a lane to say so: a long five-lane gem says it by itself."""
    return note.roll and not (kind == "five_lane" and note.length_ticks > 0)


def spans(ticks: Iterable[int], chosen: Set[int]) -> Iterator[Span]:
    """Spans (start, end), end excluded, that hold all the chosen ticks and none of the others."""
    start = end = None
    for tick in sorted(set(ticks)):
        if tick in chosen:
            start, end = (tick if start is None else start), tick
        elif start is not None and end is not None:
            yield start, end + 1
            start = None
    if start is not None and end is not None:
        yield start, end + 1


def flips(notes: Iterable[Note]) -> Iterator[tuple[int, bool]]:
    """(tick, flipped) at each change of disco flip."""
    state = False
    for note in notes:
        if note.lane in ("red", "yellow") and note.disco != state:
            state = note.disco
            yield note.tick, state
