"""Parquet tables of a dataset, each column with its unit and meaning; `docs/formats.md` is generated from them.

A *recording* is one song in one domain (stem, stems, mix, separated, rendered): a song kept in two domains has two
rows, with the same ``song_id`` and ``split``.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import pyarrow as pa

from drumline.core.grid import HIGH
from drumline.core.hits import FLAGS
from drumline.core.taxonomy import BRANCHES
from drumline.labels.targets import LabelConfig, targets

SCHEMA_VERSION: Final = 2
"""Version of the tables; raised whenever an old reader would misread a new table."""


class Column(NamedTuple):
    """A column with its type, meaning and unit."""

    name: str
    type: pa.DataType
    meaning: str
    unit: str = ""
    nullable: bool = False


def _fields(columns: Iterable[Column]) -> list[pa.Field]:
    return [pa.field(column.name, column.type, nullable=column.nullable) for column in columns]


_TEXT, _TEXTS, _WORD = pa.string(), pa.list_(pa.string()), pa.dictionary(pa.int32(), pa.string())
_INT, _LONG, _FLOAT, _DOUBLE, _BYTES = pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.binary()

SONG_COLUMNS: Final = (
    Column("song_id", _TEXT, "of the hashes of chart and audio, 24 hexadecimal digits"),
    Column("domain", _TEXT, "how the drums are heard: stem, stems, mix, separated, rendered"),
    Column("key", _TEXT, "where it came from: the root's name and a path"),
    Column("format", _TEXT, "chart, mid, sng, midi_json, beatsight, events_jsonl, hits_json, or the name of a corpus"),
    Column("title", _TEXT, "empty where the source is silent, like all words here"),
    Column("artist", _TEXT, "of a corpus of performances: the drummer"),
    Column("album", _TEXT, "as the source spells it"),
    Column("genre", _TEXT, "as the source spells it"),
    Column("year", _TEXT, "as the source spells it"),
    Column("charter", _TEXT, "who charted or performed it; crosses no split but official ones"),
    Column("licence", _TEXT, "of a corpus, or as a hits.json states it; empty for charts, which state none"),
    Column("may_train", pa.bool_(), "false where the corpus is for evaluation only"),
    Column("official_split", _TEXT, "train, validation or test where a corpus defines it"),
    Column("group", _TEXT, "songs of one group share a split (one performance on many kits)"),
    Column("drum_type", _TEXT, "of a game chart: four_lane, pro, five_lane"),
    Column("unannotated", _TEXTS, "classes that the source leaves out even where they sound"),
    Column("repairs", _TEXTS, "what had to be mended to read it, each with its place"),
    Column("audio_files", _TEXTS, "the files that were summed, as the source names them"),
    Column("source_rate_hz", _INT, "sampling rate of the source", "Hz"),
    Column("source_channels", _INT, "channels of the source"),
    Column(
        "stem_to_mix_db", _FLOAT, "energy of the separated stem over that of its mix; null if none was made", "dB", True
    ),
    Column("duration_s", _DOUBLE, "length of the audio", "s"),
    Column("num_samples", _LONG, "length of the audio: mono, at 22,050 Hz", "samples"),
    Column("loudness_lufs", _FLOAT, "integrated loudness before any gain", "LUFS"),
    Column("gain_db", _FLOAT, "from the source's loudness to -14 LUFS", "dB"),
    Column("headroom_db", _FLOAT, "taken off again before 16-bit storage: add it after decoding", "dB"),
    Column("tempo_bpm", _FLOAT, "mean tempo up to the last hit; null where the source has none", "beats/min", True),
    Column("num_hits", _INT, "hits inside the audio: rows of events.parquet"),
    Column("label_counts", pa.map_(_TEXT, _INT), "hits by label"),
    Column("prior_offset_s", _DOUBLE, "the offset that the chart claims", "s"),
    Column("measured_offset_s", _DOUBLE, "the offset that alignment found; NaN where it found nothing", "s"),
    Column("offset_s", _DOUBLE, "the offset that was applied: `audio_s = chart_s + offset_s`", "s"),
    Column("drift_ppm", _DOUBLE, "the steady drift that was applied", "parts per million"),
    Column("residual_ms", _DOUBLE, "median absolute error of the onsets heard; NaN where unknown", "ms"),
    Column("fit", _DOUBLE, "how well chart and audio belong together; NaN where unknown"),
    Column("alignment", _TEXT, "aligned, warped, forced, trusted, unconfirmed, exact (see below)"),
    Column("warp", pa.list_(pa.list_(_DOUBLE, 2)), "(chart_s, audio_s) knots of the warp; empty for none", "s"),
    Column("chart_sha256", _TEXT, "of the chart's bytes"),
    Column("audio_sha256", _TEXT, "of the audio files' bytes"),
)
"""Columns of a recording before splits and shards."""

HIT_COLUMNS: Final = (
    Column("time_s", _DOUBLE, "in the audio", "s"),
    Column("chart_s", _DOUBLE, "on the source's own clock", "s"),
    Column("frame_128", _INT, "nearest frame of the training grid", "128 samples"),
    Column("frame_64", _INT, "nearest frame of the micro grid", "64 samples"),
    Column("tick", _LONG, "position in the source; null where it has no ticks", "ticks", True),
    Column("beat", _DOUBLE, "position by the source's tempo map; null where it has none", "quarter notes", True),
    Column("label", _TEXT, "a class, or a set of classes where the source cannot tell (see labels)"),
    Column("evidence", _TEXT, "what the label rests on: gem, animation, elite, performance, annotation, transcription"),
    Column("velocity", _FLOAT, "loudness of the stroke; null where the source does not tell", "0 to 1", True),
    Column("openness", _FLOAT, "of a struck hi-hat; null where unknown", "0 closed to 1 open", True),
    Column("flags", _TEXTS, ", ".join(FLAGS)),
    Column("source_name", _TEXT, "the source's own word: RDB, china, pitch 26, yellow cymbal"),
)
"""Columns of a hit."""

HIT: Final = pa.struct(_fields(HIT_COLUMNS))

_SPLIT = Column("split", _TEXT, "train, validation or test; the same for all recordings of a song")

SONGS_COLUMNS: Final = (*SONG_COLUMNS, _SPLIT, Column("shard", _TEXT, "path of its shard in the dataset"))

SONGS: Final = pa.schema(_fields(SONGS_COLUMNS))

REJECTED_COLUMNS: Final = (
    Column("key", _TEXT, "of the song left out: the root's name and a path"),
    Column("format", _TEXT, "as in songs.parquet"),
    Column("reason", _TEXT, "one of the reasons below"),
    Column("detail", _TEXT, "the place, the value, the limit, the likely cause"),
    Column("survivor", _TEXT, "for duplicates: the key of the song that was kept"),
)

REJECTED: Final = pa.schema(_fields(REJECTED_COLUMNS))

EVENTS_COLUMNS: Final = (
    Column("song_id", _WORD, "as in songs.parquet"),
    Column("domain", _WORD, "as in songs.parquet"),
    Column("split", _WORD, "as in songs.parquet"),
    *HIT_COLUMNS,
)

EVENTS: Final = pa.schema(_fields(EVENTS_COLUMNS))

WORK_COLUMNS: Final = (
    Column("source_rank", _INT, "what its labels rest on, 0 the best (`dataset.duplicates`)"),
    Column("note_signature", _BYTES, "equal for equal performances"),
    Column("audio_sketch", _BYTES, "of the audio fingerprint, to find copies: little-endian uint64"),
    Column("note_sketch", _BYTES, "of the notes, to find copies: little-endian uint64"),
    Column("fingerprint", _BYTES, "of the audio: little-endian uint32"),
    Column("hits", pa.list_(HIT), "as in a shard"),
    Column("payload_bytes", _LONG, "size of the FLAC", "bytes"),
    Column("content_sha256", _TEXT, "of everything else in the row"),
    Column("audio_flac", _BYTES, "as in a shard"),
)

PRODUCT: Final = pa.schema(_fields((*SONG_COLUMNS, *WORK_COLUMNS)))
"""Schema of a song's product, one row per recording: the unit of resumption (``_work/songs``)."""

SUMMARY: Final = pa.schema([field for field in PRODUCT if field.name not in ("fingerprint", "hits", "audio_flac")])
"""Columns of a product that the driver keeps in memory for each recording."""


def _grid_meaning(name: str) -> tuple[str, str]:
    """Meaning and unit of a column of `labels.targets`."""
    branch, _, kind = name.partition("_")
    if name == "onset_any":
        return "any stroke of a predicted class: 1, 0, or -1 masked", ""
    if name == "onset_offset":
        return "from the frame's centre to the onset where onset_any is 1; elsewhere NaN", "frames"
    if kind == "presence":
        return f"{branch}: 1 struck, 0 silent, -1 masked", ""
    if kind == "velocity":
        return f"of the loudest {branch} stroke there; 255 where absent or unknown", "0 to 127"
    states = ", ".join(f"{state} {class_}" for class_, state in BRANCHES[branch].items())
    return f"{states}; -1 where nothing sounds or the kind is unknown", ""


GRID_COLUMNS: Final = tuple(
    Column(name, pa.list_(pa.from_numpy_dtype(column.dtype)), *_grid_meaning(name))
    for name, column in targets((), grid=HIGH, num_frames=0, unannotated=(), config=LabelConfig()).columns().items()
)
"""Columns of a label grid (`labels.targets`), each a list with one value per frame."""

PAYLOAD_COLUMNS: Final = {
    "flac": (Column("audio_flac", _BYTES, "a FLAC file: mono, 16 bits, 22,050 Hz"),),
    "logmel": (
        Column("logmel", _BYTES, "log-mel frames: little-endian float16 [frames, bands], row by row"),
        Column("num_bands", _INT, "mel bands of each frame"),
    ),
}
"""Audio columns of a shard by ``shards.payload``."""


def shard_columns(payload: str, hops: tuple[int, ...]) -> tuple[Column, ...]:
    """Columns of a training shard, one row per recording; label grid columns end with their hop."""
    grids = (
        column
        for hop in hops
        for column in (
            Column(f"num_frames_{hop}", _INT, f"length of each list of hop {hop}", "frames"),
            *(grid._replace(name=f"{grid.name}_{hop}") for grid in GRID_COLUMNS),
        )
    )
    hits = Column("hits", pa.list_(HIT), "every stroke, in order of time", nullable=True)
    return (*SONG_COLUMNS, _SPLIT, *PAYLOAD_COLUMNS[payload], hits, *grids)


def shard_schema(payload: str, hops: tuple[int, ...]) -> pa.Schema:
    """Arrow schema of `shard_columns`."""
    metadata = {"drumline.schema_version": str(SCHEMA_VERSION)}
    return pa.schema(_fields(shard_columns(payload, hops)), metadata=metadata)
