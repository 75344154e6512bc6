"""JAMS, the JSON Annotated Music Specification, written by its schema: jams.readthedocs.io.

One annotation in the namespace ``onset``, whose values are free: ``{"class": ..., "velocity": ...}``, with the hit's
confidence as the observation's. A tempo map is a second one, in ``beat``: a marker on each quarter note. The library of
that name would bring pandas; here it only checks our files, in a test.
"""

import json
from typing import Any, Final

import numpy as np

from drumline.charts.provenance import BLANK, KEY
from drumline.core.tempo import TempoMap
from drumline.transcription.result import TranscribedHit, Transcription

JAMS_VERSION: Final = "0.3.4"
"""The version of the specification that is written."""


def write(transcription: Transcription) -> bytes:
    """The file. Probabilities of branches and the metre have no place in it."""
    duration_s = max(transcription.audio.duration_s, *(hit.time_s for hit in transcription.hits[-1:]), 0.0)
    annotations = [_annotation(transcription, "onset", [_observation(hit) for hit in transcription.hits])]
    if transcription.tempo is not None:
        annotations.append(_annotation(transcription, "beat", _beats(transcription.tempo, duration_s)))
    words = transcription.metadata
    document = {
        "annotations": annotations,
        "file_metadata": {
            "title": transcription.title,
            "artist": words.artist,
            "release": words.album,
            "duration": duration_s,
            "identifiers": {"sha256": transcription.audio.sha256} if transcription.audio.sha256 else {},
            "jams_version": JAMS_VERSION,
        },
        "sandbox": {KEY: BLANK},
    }
    return (json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _annotation(transcription: Transcription, namespace: str, data: list[dict[str, Any]]) -> dict[str, Any]:
    by = transcription.transcriber
    facts = {"model": by.model, "version": by.version, "preset": by.preset}
    return {
        "namespace": namespace,
        "annotation_metadata": {
            "annotation_tools": "drumline",
            "annotator": {name: value for name, value in facts.items() if value},
            "data_source": "automatic transcription",
        },
        "data": data,
        "sandbox": {},
        "time": 0.0,
        "duration": transcription.audio.duration_s,
    }


def _observation(hit: TranscribedHit) -> dict[str, Any]:
    value: dict[str, Any] = {"class": hit.label}
    if hit.velocity is not None:
        value["velocity"] = hit.velocity
    return {"time": hit.time_s, "duration": 0.0, "value": value, "confidence": hit.confidence}


def _beats(tempo: TempoMap, end_s: float) -> list[dict[str, Any]]:
    """Quarter notes from second 0 on."""
    ticks = np.arange(0, float(tempo.ticks(end_s)), tempo.resolution)
    times_s = np.round(tempo.seconds(ticks), 6).tolist()
    return [{"time": time_s, "duration": 0.0, "value": None, "confidence": None} for time_s in times_s]
