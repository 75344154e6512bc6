"""Every Parquet schema of a dataset. `docs/formats.md` describes them to readers.

Times are seconds, levels decibels. A *recording* is one song in one domain (stem, stems, mix, separated,
rendered): a song kept in two domains has two rows, with the same ``song_id`` and ``split``.
"""

from typing import Final

import pyarrow as pa

from drumline.core.grid import HIGH
from drumline.labels.targets import LabelConfig, targets

SCHEMA_VERSION: Final = 1
"""Raised whenever a table changes in a way that an old reader would misread."""

_WORD = pa.dictionary(pa.int32(), pa.string())

SONG_FIELDS: Final = (
    pa.field("song_id", pa.string(), nullable=False),  # SHA-256 of the chart's and the audio's bytes, 24 hex digits
    pa.field("domain", pa.string(), nullable=False),
    pa.field("key", pa.string(), nullable=False),  # where it came from: root name and path
    pa.field("format", pa.string(), nullable=False),
    pa.field("title", pa.string(), nullable=False),
    pa.field("artist", pa.string(), nullable=False),
    pa.field("album", pa.string(), nullable=False),
    pa.field("genre", pa.string(), nullable=False),
    pa.field("year", pa.string(), nullable=False),
    pa.field("charter", pa.string(), nullable=False),
    pa.field("licence", pa.string(), nullable=False),  # of the corpus; empty for charts
    pa.field("may_train", pa.bool_(), nullable=False),
    pa.field("official_split", pa.string(), nullable=False),
    pa.field("group", pa.string(), nullable=False),
    pa.field("drum_type", pa.string(), nullable=False),
    pa.field("unannotated", pa.list_(pa.string()), nullable=False),
    pa.field("repairs", pa.list_(pa.string()), nullable=False),
    pa.field("audio_files", pa.list_(pa.string()), nullable=False),
    pa.field("source_rate_hz", pa.int32(), nullable=False),
    pa.field("source_channels", pa.int32(), nullable=False),
    pa.field("stem_to_mix_db", pa.float32()),  # separated (or gated) recordings only
    pa.field("duration_s", pa.float64(), nullable=False),
    pa.field("num_samples", pa.int64(), nullable=False),  # at 22,050 Hz, mono
    pa.field("loudness_lufs", pa.float32(), nullable=False),  # before the gain
    pa.field("gain_db", pa.float32(), nullable=False),  # from the source to the target loudness
    pa.field("headroom_db", pa.float32(), nullable=False),  # taken off again for 16 bits: add it back after decoding
    pa.field("tempo_bpm", pa.float32()),
    pa.field("num_hits", pa.int32(), nullable=False),
    pa.field("label_counts", pa.map_(pa.string(), pa.int32()), nullable=False),
    pa.field("prior_offset_s", pa.float64(), nullable=False),  # what the chart claims
    pa.field("measured_offset_s", pa.float64(), nullable=False),  # what alignment found; NaN where it found nothing
    pa.field("offset_s", pa.float64(), nullable=False),  # what was applied: audio_s = chart_s + offset_s
    pa.field("drift_ppm", pa.float64(), nullable=False),
    pa.field("residual_ms", pa.float64(), nullable=False),
    pa.field("fit", pa.float64(), nullable=False),
    pa.field("alignment", pa.string(), nullable=False),  # aligned, warped, forced, trusted, unconfirmed, exact
    pa.field("warp", pa.list_(pa.list_(pa.float64(), 2)), nullable=False),  # (chart_s, audio_s) knots
    pa.field("chart_sha256", pa.string(), nullable=False),
    pa.field("audio_sha256", pa.string(), nullable=False),
)
"""What is known of a recording before splits and shards."""

HIT: Final = pa.struct(
    [
        pa.field("time_s", pa.float64(), nullable=False),  # in the audio
        pa.field("chart_s", pa.float64(), nullable=False),  # on the source's clock
        pa.field("frame_128", pa.int32(), nullable=False),
        pa.field("frame_64", pa.int32(), nullable=False),
        pa.field("tick", pa.int64()),
        pa.field("label", pa.string(), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),
        pa.field("velocity", pa.float32()),
        pa.field("openness", pa.float32()),
        pa.field("flags", pa.list_(pa.string()), nullable=False),
        pa.field("source_name", pa.string(), nullable=False),
    ]
)

PRODUCT: Final = pa.schema(
    [
        *SONG_FIELDS,
        pa.field("note_signature", pa.binary(), nullable=False),
        pa.field("audio_sketch", pa.binary(), nullable=False),  # little-endian uint64
        pa.field("note_sketch", pa.binary(), nullable=False),  # little-endian uint64
        pa.field("fingerprint", pa.binary(), nullable=False),  # little-endian uint32
        pa.field("hits", pa.list_(HIT), nullable=False),
        pa.field("payload_bytes", pa.int64(), nullable=False),
        pa.field("content_sha256", pa.string(), nullable=False),  # of everything else in the row
        pa.field("audio_flac", pa.binary(), nullable=False),
    ]
)
"""One song's finished work, one row a recording: the unit of resumption (``_work/songs``)."""

SUMMARY: Final = pa.schema([field for field in PRODUCT if field.name not in ("fingerprint", "hits", "audio_flac")])
"""The part of a product that the driver keeps in memory for each recording."""

REJECTED: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("format", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("survivor", pa.string(), nullable=False),  # key of the song kept instead, for duplicates
    ]
)

SONGS: Final = pa.schema(
    [
        *SONG_FIELDS,
        pa.field("split", pa.string(), nullable=False),
        pa.field("shard", pa.string(), nullable=False),
    ]
)

EVENTS: Final = pa.schema(
    [
        pa.field("song_id", _WORD, nullable=False),
        pa.field("domain", _WORD, nullable=False),
        pa.field("split", _WORD, nullable=False),
        *HIT,
    ]
)

GRID_COLUMNS: Final = {
    name: pa.from_numpy_dtype(column.dtype)
    for name, column in targets((), grid=HIGH, num_frames=0, unannotated=(), config=LabelConfig()).columns().items()
}
"""The columns of a label grid (`labels.targets`), each a list with one value a frame."""


def shard_schema(payload: str, hops: tuple[int, ...]) -> pa.Schema:
    """The schema of a training shard: one row a recording.

    ``payload`` is ``flac`` (column ``audio_flac``: mono 16-bit FLAC at 22,050 Hz) or ``logmel`` (columns
    ``logmel``: float16 little-endian, [num_frames, num_bands] row-major, and ``num_bands``).
    """
    grids = [
        field
        for hop in hops
        for field in (
            pa.field(f"num_frames_{hop}", pa.int32(), nullable=False),
            *(pa.field(f"{name}_{hop}", pa.list_(kind), nullable=False) for name, kind in GRID_COLUMNS.items()),
        )
    ]
    data = (
        [pa.field("audio_flac", pa.binary(), nullable=False)]
        if payload == "flac"
        else [pa.field("logmel", pa.binary(), nullable=False), pa.field("num_bands", pa.int32(), nullable=False)]
    )
    fields = [
        *SONG_FIELDS,
        pa.field("split", pa.string(), nullable=False),
        *data,
        pa.field("hits", pa.list_(HIT)),
        *grids,
    ]
    return pa.schema(fields, metadata={"drumline.schema_version": str(SCHEMA_VERSION)})
