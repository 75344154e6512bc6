"""Our JSON, the one format that keeps all of a transcription. One hit a line; UTF-8.

::

    {"format": "drumline-transcription", "version": 1, "drumline_mark": "drumline-transcription:ab...",
     "audio": {"name": "song.ogg", "duration_s": 215.3, "sha256": "ab...", "rate_hz": 44100},
     "transcriber": {"model": "drumline-1", "version": "1.0", "preset": "default"},
     "metadata": {"title": "...", "artist": "..."},
     "tempo": {"origin": "estimated", "resolution": 480, "tempos": [[0, 120.0]], "time_signatures": [[0, 4, 4]],
               "confidence": 0.97, "other_tempo_bpm": 240.0, "beats": [[0.0, 1], [0.5, 2], [1.0, 3]]},
     "hits": [
       {"time_s": 1.25, "class": "snare_head", "velocity": 0.71, "confidence": 0.93, "branches": {"snare": 0.95}}]}

A recording that was cut off or damaged has ``"truncated": true`` in ``audio``: the hits are those of what is there. One
whose channels cancel in their mean has ``"downmix": "difference"`` (or ``"channel N"``): what was transcribed instead.

``beats`` are seconds and numbers in the bar; they follow from the tempo map and are not read back.
``other_tempo_bpm`` is the next best tempo at another metrical level.

``class`` is a name of `core.taxonomy.LABELS`; velocity, confidence and probabilities are 0 to 1. What is not known is
left out: velocity, confidence, branches, sha256, rate_hz, words of the metadata, and the whole of ``tempo``. A reader
passes over names that it does not know, so that a newer writer may say more; the version rises only where an old
reader would misread. `evaluation.predictions` reads it as it is.
"""

import dataclasses
import json
from typing import Any, Final, cast, get_args

from drumline.charts.annotated_song import Metadata
from drumline.charts.documents import Tree, read_json
from drumline.charts.provenance import BLANK, KEY
from drumline.core.errors import ChartError
from drumline.core.tempo import TempoMap
from drumline.transcription.result import SourceAudio, TempoOrigin, TranscribedHit, Transcriber, Transcription, in_order

FORMAT: Final = "drumline-transcription"
VERSION: Final = 1


def write(transcription: Transcription) -> bytes:
    """The file. `read` gives the same transcription, bit for bit."""
    lines = ",\n  ".join(_dumps(hit_values(hit)) for hit in transcription.hits)
    marked = head(transcription) | {KEY: BLANK}
    return f'{_dumps(marked)[:-1]}, "hits": [\n  {lines}\n]}}\n'.encode()


def head(transcription: Transcription) -> dict[str, Any]:
    """All but the hits, as it is written."""
    values: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "audio": _told(transcription.audio),
        "transcriber": _told(transcription.transcriber),
        "metadata": _told(transcription.metadata),
    }
    if transcription.tempo is not None:
        values["tempo"] = {"origin": transcription.tempo_origin, **dataclasses.asdict(transcription.tempo)}
        if transcription.tempo_confidence is not None:
            values["tempo"]["confidence"] = transcription.tempo_confidence
        if transcription.other_tempo_bpm is not None:
            values["tempo"]["other_tempo_bpm"] = transcription.other_tempo_bpm
        values["tempo"]["beats"] = transcription.beats()
    return values


def hit_values(hit: TranscribedHit) -> dict[str, Any]:
    """One hit as it is written."""
    values = {
        "time_s": hit.time_s,
        "class": hit.label,
        "velocity": hit.velocity,
        "confidence": hit.confidence,
        "branches": dict(hit.branches) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def read(data: bytes, location: str) -> Transcription:
    """The transcription of a file. Raises ChartError with the place of the first fault."""
    tree = read_json(data, location)
    if (found := tree.text("format", "")) != FORMAT:
        raise tree.fault("format", f"is {found!r}, not {FORMAT!r}")
    if (version := tree.whole("version")) > VERSION:
        raise tree.fault("version", f"is {version}, newer than this reader's {VERSION}")
    audio, transcriber, words, tempo = (tree.tree(name) for name in ("audio", "transcriber", "metadata", "tempo"))
    try:
        return Transcription(
            hits=in_order([_hit(each) for each in tree.trees("hits")]),
            audio=SourceAudio(
                audio.text("name"),
                audio.number("duration_s"),
                audio.text("sha256", ""),
                audio.whole("rate_hz", 0),
                truncated=audio.values.get("truncated") is True,
                downmix=audio.text("downmix", ""),
            ),
            transcriber=Transcriber(
                transcriber.text("model"), transcriber.text("version", ""), transcriber.text("preset", "")
            ),
            tempo=_tempo(tempo) if tempo.values else None,
            tempo_origin=_origin(tempo) if tempo.values else "",
            tempo_confidence=tempo.number("confidence") if tempo.has("confidence") else None,
            other_tempo_bpm=tempo.number("other_tempo_bpm") if tempo.has("other_tempo_bpm") else None,
            metadata=Metadata(**{field.name: words.text(field.name, "") for field in dataclasses.fields(Metadata)}),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise ChartError(location, f"not a transcription: {error}") from error


def _hit(tree: Tree) -> TranscribedHit:
    branches = tree.tree("branches")
    return TranscribedHit(
        tree.seconds("time_s"),
        tree.text("class"),
        tree.number("velocity") if tree.has("velocity") else None,
        tree.number("confidence") if tree.has("confidence") else None,
        {name: branches.number(name) for name in branches.values},
    )


def _tempo(tree: Tree) -> TempoMap:
    return TempoMap(
        tree.whole("resolution"),
        tuple((int(tick), float(tempo_bpm)) for tick, tempo_bpm in tree.items("tempos")),
        tuple((int(tick), int(top), int(bottom)) for tick, top, bottom in tree.items("time_signatures")),
    )


def _origin(tempo: Tree) -> TempoOrigin:
    for origin in get_args(TempoOrigin):
        if origin and tempo.text("origin") == origin:
            return cast(TempoOrigin, origin)
    raise tempo.fault("origin", f"is {tempo.text('origin')!r}, neither 'estimated' nor 'given'")


def _told(value: SourceAudio | Transcriber | Metadata) -> dict[str, Any]:
    """The fields that say something."""
    return {
        name: entry
        for name, entry in dataclasses.asdict(value).items()
        if entry or name in ("name", "duration_s", "model")
    }


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
