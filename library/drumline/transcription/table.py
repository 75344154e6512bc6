"""``transcriptions.parquet``: one row a recording. `evaluation.predictions` reads it as it is, by ``key``."""

from typing import Any, Final

import pyarrow as pa

from drumline.dataset.tables import Column
from drumline.transcription.result import Transcription

_TEXT, _FLOAT, _DOUBLE, _INT = pa.string(), pa.float32(), pa.float64(), pa.int32()

HIT: Final = pa.struct(
    [
        pa.field("time_s", _DOUBLE, nullable=False),
        pa.field("label", _TEXT, nullable=False),
        pa.field("velocity", _FLOAT),
        pa.field("confidence", _FLOAT),
        pa.field("branches", pa.map_(_TEXT, _FLOAT)),
    ]
)

COLUMNS: Final = (
    Column("key", _TEXT, "the audio's path below the library's root"),
    Column("audio_name", _TEXT, "file name of the audio"),
    Column("audio_sha256", _TEXT, "of the file's bytes; empty where it is not known"),
    Column("duration_s", _DOUBLE, "of the audio", "s"),
    Column("truncated", pa.bool_(), "whether the file was cut off or damaged: the hits are those of what is there"),
    Column("downmix", _TEXT, "difference or channel N where the channels cancel in their mean, else empty"),
    Column("model", _TEXT, "name of the model, or heuristic"),
    Column("model_version", _TEXT, "of the model"),
    Column("preset", _TEXT, "of the decoding; empty where there is none"),
    Column("tempo_origin", _TEXT, "estimated, given, or empty without a tempo map"),
    Column("tempo_bpm", _DOUBLE, "the mean over the song, weighted by time", "beats/min", True),
    Column("num_hits", _INT, "how many hits there are"),
    Column("hits", pa.list_(HIT), "time_s [s], label, velocity, confidence (0 to 1 or null), branch probabilities"),
)
SCHEMA: Final = pa.schema([pa.field(column.name, column.type, nullable=column.nullable) for column in COLUMNS])


REJECTED_COLUMNS: Final = (
    Column("key", _TEXT, "as in transcriptions.parquet"),
    Column("reason", _TEXT, "one of the reasons of a dataset's rejected.parquet"),
    Column("detail", _TEXT, "the place, the value, the limit, the likely cause"),
)
REJECTED: Final = pa.schema([pa.field(column.name, column.type, nullable=False) for column in REJECTED_COLUMNS])


def row(transcription: Transcription, key: str) -> dict[str, Any]:
    """The row of one recording, for `SCHEMA`."""
    audio, by, tempo = transcription.audio, transcription.transcriber, transcription.tempo
    return {
        "key": key,
        "audio_name": audio.name,
        "audio_sha256": audio.sha256,
        "duration_s": audio.duration_s,
        "truncated": audio.truncated,
        "downmix": audio.downmix,
        "model": by.model,
        "model_version": by.version,
        "preset": by.preset,
        "tempo_origin": transcription.tempo_origin,
        "tempo_bpm": tempo.mean_tempo_bpm(float(tempo.ticks(audio.duration_s))) if tempo else None,
        "num_hits": len(transcription.hits),
        "hits": [
            {
                "time_s": hit.time_s,
                "label": hit.label,
                "velocity": hit.velocity,
                "confidence": hit.confidence,
                "branches": list(hit.branches.items()),
            }
            for hit in transcription.hits
        ],
    }
