"""Read the hits that a system estimated for one song, in several formats. Times are seconds of the audio.

- **JSON**: ``{"hits": [{"time_s": 1.25, "label": "snare", "velocity": 0.7, "confidence": 0.9}]}``. ``class`` may stand
  for ``label``; velocity and confidence (0 to 1) may be missing, other names are passed over. A document of
  `charts.hits_json` is one of these, its ``offset_s`` added.
- **JAMS** (https://jams.readthedocs.io): every annotation in the namespaces `JAMS_NAMESPACES`. A value is a word, an
  object with ``label`` or ``class`` and perhaps ``velocity``, or in ``note_midi`` a General MIDI pitch; ``confidence``
  is taken over. Other namespaces (beat, tempo, chord ...) are passed over. JAMS is JSON and is read as such: the
  library of that name would bring pandas for it.
- **MIDI**: the notes of the drum channel by General MIDI's map, velocities as velocities.

Words are the labels of `core.taxonomy` or MDB's abbreviations (KD, SD, CHH ...), whatever their case.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from drumline.charts.documents import Tree, as_tree, checked_time_s, read_json
from drumline.charts.drum_maps import GENERAL_MIDI, piece_of
from drumline.charts.general_midi import read_performance
from drumline.charts.mdb import CLASS_WORDS, SUBCLASSES
from drumline.core.errors import ChartError
from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import LABELS

ENDINGS: Final = (".json", ".jams", ".mid", ".midi")
GENERIC_NAMES: Final = ("hits", "notes", "events", "transcription", "predictions")
"""File names that do not identify a song: its folder's name is used."""
JAMS_NAMESPACES: Final = ("tag_open", "onset", "segment_open", "note_midi")
_WORDS: Final = {word.lower(): label for word, label in (CLASS_WORDS | SUBCLASSES).items()} | {
    label: label for label in LABELS
}


class EstimatedHit(NamedTuple):
    """A hit as written in a file."""

    time_s: float
    label: str
    velocity: float
    """0 to 1, or NaN if the file has none, as for the confidence."""
    confidence: float


def events_of(hits: Iterable[EstimatedHit]) -> Events:
    """Convert hits in any order to `Events`."""
    rows = sorted(hits, key=lambda hit: (hit.time_s, hit.label))
    return Events.of(
        [hit.time_s for hit in rows],
        [hit.label for hit in rows],
        velocity=[hit.velocity for hit in rows],
        confidence=[hit.confidence for hit in rows],
    )


def label_of(word: str, location: str) -> str:
    """Label that a name in a file stands for. Raises ChartError for an unknown name."""
    try:
        return _WORDS[word.lower()]
    except KeyError as error:
        known = ", ".join([*LABELS, *CLASS_WORDS, *SUBCLASSES])
        raise ChartError(location, f"{word[:30]!r} is no drum we know (known are {known})") from error


def read_events(data: bytes, location: str) -> Events:
    """Read the events of a file by its ending. Raises ChartError with the location of the first fault."""
    if PurePosixPath(location).suffix.lower() in (".mid", ".midi"):
        hits = read_performance(data, location).hits
        return events_of([EstimatedHit(hit.time_s, hit.label, _or_nan(hit.velocity), math.nan) for hit in hits])
    tree = read_json(data, location)
    if tree.has("hits"):
        return events_of_hits(tree)
    if tree.has("annotations"):
        return events_of(_jams_hits(tree))
    raise ChartError(location, 'holds neither "hits" (our JSON) nor "annotations" (JAMS)')


def events_of_hits(tree: Tree) -> Events:
    """Events of an object with ``hits``."""
    offset_s = tree.number("offset_s", 0.0)
    hits = []
    for hit in tree.trees("hits"):
        label = label_of(hit.text("label", "") or hit.text("class"), f"{hit.location}label")
        hits.append(
            EstimatedHit(
                hit.seconds("time_s") + offset_s, label, _fraction(hit, "velocity"), _fraction(hit, "confidence")
            )
        )
    return events_of(hits)


def _jams_hits(tree: Tree) -> Iterator[EstimatedHit]:
    annotations = [each for each in tree.trees("annotations") if each.text("namespace", "") in JAMS_NAMESPACES]
    if not annotations:
        found = ", ".join(sorted({each.text("namespace", "none") for each in tree.trees("annotations")})) or "none"
        raise tree.fault("annotations", f"no drums: namespaces read are {', '.join(JAMS_NAMESPACES)}, found: {found}")
    for annotation in annotations:
        for observation in _observations(annotation):
            yield _jams_hit(observation, in_midi=annotation.text("namespace") == "note_midi")


def _observations(annotation: Tree) -> list[Tree]:
    """Rows of an annotation, which older writers store as columns."""
    columns = annotation.values.get("data")
    if not isinstance(columns, dict):
        return annotation.trees("data")
    location = f"{annotation.location}data."
    lists = as_tree(columns, location)
    times, values = lists.items("time"), lists.items("value")
    sure = lists.items("confidence") or [None] * len(times)
    if not len(times) == len(values) == len(sure):
        raise lists.fault("value", f"{len(times)} times, {len(values)} values, {len(sure)} confidences")
    rows = zip(times, values, sure, strict=True)
    return [Tree(dict(zip(("time", "value", "confidence"), row, strict=True)), location) for row in rows]


def _jams_hit(observation: Tree, *, in_midi: bool) -> EstimatedHit:
    time_s = checked_time_s(observation.number("time"), f"{observation.location}time")
    value: Any = observation.values.get("value")
    velocity = math.nan
    if in_midi:
        label = piece_of(observation.whole("value"), GENERAL_MIDI)[0]
    elif isinstance(value, dict):
        content = observation.tree("value")
        label = label_of(content.text("label", "") or content.text("class"), f"{content.location}label")
        velocity = _fraction(content, "velocity")
    else:
        label = label_of(observation.text("value"), f"{observation.location}value")
    return EstimatedHit(time_s, label, velocity, _fraction(observation, "confidence"))


def _fraction(tree: Tree, name: str) -> float:
    if not tree.has(name):
        return math.nan
    if not 0.0 <= (value := tree.number(name)) <= 1.0:
        raise tree.fault(name, f"{value:g} is outside 0..1")
    return value


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
