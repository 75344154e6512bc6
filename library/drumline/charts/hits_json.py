"""Our own JSON events: hits, and whatever else is known about a song, in one readable file.

The least that is read::

    {"hits": [{"time_s": 1.25, "label": "snare_head"}]}

``class`` may stand for ``label``. Everything else of `Hit` and `AnnotatedSong` is written under its own name
where it is not the default, floats so that they read back bit for bit: ``read(write(song)) == song``.
Unknown names are errors, not extensions: a misspelt ``velocity`` must not be lost in silence.
"""

import dataclasses
import json
from typing import Any, Final

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.documents import Tree, checked_time_s, read_json
from drumline.core.errors import ChartError
from drumline.core.hits import EVIDENCE, FLAGS, Hit, sorted_hits
from drumline.core.taxonomy import LABELS
from drumline.core.tempo import TempoMap

FORMAT: Final = "drumline-hits"
VERSION: Final = 1

_HIT_NAMES: Final = frozenset(field.name for field in dataclasses.fields(Hit)) | {"class"}
_WORDS: Final = tuple(field.name for field in dataclasses.fields(Metadata))
_SONG_TEXTS: Final = ("drum_type", "official_split", "group", "licence", "unsuitable")
_SONG_LISTS: Final = ("unannotated", "repairs")
_SONG_NAMES: Final = frozenset(
    {"format", "version", "source_format", "hits", "metadata", "tempo", "offset_s", "note_signature"}
    | {*_SONG_TEXTS, *_SONG_LISTS}
)


def write_hits_json(song: AnnotatedSong) -> bytes:
    """The file of a song, UTF-8, one hit a line."""
    head: dict[str, Any] = {"format": FORMAT, "version": VERSION, "source_format": song.format}
    if song.metadata != Metadata():
        head["metadata"] = _told(song.metadata)
    if song.tempo is not None:
        head["tempo"] = dataclasses.asdict(song.tempo)
    for name in ("offset_s", *_SONG_TEXTS, *_SONG_LISTS):
        if value := getattr(song, name):
            head[name] = value
    if song.note_signature:
        head["note_signature"] = song.note_signature.hex()
    lines = ",\n  ".join(_dumps(_told(hit)) for hit in song.hits)
    return f'{_dumps(head)[:-1]}, "hits": [\n  {lines}\n]}}\n'.encode()


def read_hits_json(data: bytes, location: str) -> AnnotatedSong:
    """The song of a file. Raises ChartError with the place of the first fault."""
    tree = read_json(data, location)
    _refuse_unknown(tree, _SONG_NAMES)
    if (version := tree.whole("version", VERSION)) > VERSION:
        raise tree.fault("version", f"is {version}, newer than this reader's {VERSION}")
    if not tree.has("hits"):
        raise tree.fault("hits", "missing")
    words = tree.tree("metadata")
    _refuse_unknown(words, frozenset(_WORDS))
    try:
        signature = bytes.fromhex(tree.text("note_signature", ""))
    except ValueError as error:
        raise tree.fault("note_signature", "must be hexadecimal") from error
    return AnnotatedSong(
        format=tree.text("source_format", "hits_json"),
        hits=sorted_hits([_hit(each) for each in tree.trees("hits")]),
        metadata=Metadata(**{name: words.text(name, "") for name in _WORDS}),
        tempo=_tempo(tree.tree("tempo")) if tree.has("tempo") else None,
        offset_s=checked_time_s(tree.number("offset_s", 0.0), f"{tree.location}offset_s"),
        unannotated=tree.texts("unannotated"),
        repairs=tree.texts("repairs"),
        note_signature=signature,
        drum_type=tree.text("drum_type", ""),
        official_split=tree.text("official_split", ""),
        group=tree.text("group", ""),
        licence=tree.text("licence", ""),
        unsuitable=tree.text("unsuitable", ""),
    )


def _hit(tree: Tree) -> Hit:
    _refuse_unknown(tree, _HIT_NAMES)
    label = tree.text("label", "") or tree.text("class")
    if label not in LABELS:
        raise tree.fault("label", f"{label!r} is not one of {', '.join(LABELS)}")
    flags = tree.texts("flags")
    for flag in flags:
        if flag not in FLAGS:
            raise tree.fault("flags", f"{flag!r} is not one of {', '.join(FLAGS)}")
    if (evidence := tree.text("evidence", "annotation")) not in EVIDENCE:
        raise tree.fault("evidence", f"{evidence!r} is not one of {', '.join(EVIDENCE)}")
    return Hit(
        time_s=tree.seconds("time_s"),
        label=label,
        velocity=_fraction(tree, "velocity"),
        flags=tuple(flag for flag in FLAGS if flag in flags),
        evidence=evidence,
        openness=_fraction(tree, "openness"),
        source_name=tree.text("source_name", ""),
        tick=tree.whole("tick") if tree.has("tick") else None,
    )


def _fraction(tree: Tree, name: str) -> float | None:
    if not tree.has(name):
        return None
    if not 0.0 <= (value := tree.number(name)) <= 1.0:
        raise tree.fault(name, f"{value:g} is outside 0..1")
    return value


def _tempo(tree: Tree) -> TempoMap:
    _refuse_unknown(tree, frozenset({"resolution", "tempos", "time_signatures"}))
    try:
        return TempoMap(
            tree.whole("resolution"),
            tuple((_whole(tick), float(bpm)) for tick, bpm in tree.items("tempos")),
            tuple((_whole(t), _whole(n), _whole(d)) for t, n, d in tree.items("time_signatures")),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise ChartError(tree.location.rstrip(". "), f"not a tempo map: {error}") from error


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        raise ValueError(f"{value!r} must be a whole number")
    return value


def _told(value: Hit | Metadata) -> dict[str, Any]:
    """The fields that are not the default."""
    return {
        field.name: getattr(value, field.name)
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != field.default
    }


def _refuse_unknown(tree: Tree, known: frozenset[str]) -> None:
    if unknown := sorted(tree.values.keys() - known):
        raise tree.fault(unknown[0], f"unknown name; known are {', '.join(sorted(known))}")


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
