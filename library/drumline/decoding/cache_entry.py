"""The file of a cached recording: activations as raw numbers behind a header in JSON.

::

    8 bytes   b"DRUMACT2"
    4 bytes   CRC-32 of everything that follows, little endian, as is the next number
    4 bytes   length of the header
    header    JSON: hop, rate_hz, classes, num_frames, num_samples, source_rate_hz, truncated, downmix
    rest      zlib: probability [T, C], onset [T], offset [T], velocity [T, C], little-endian float16, row by row

Reading needs no parser of Python expressions, as NumPy's own format does: its `ast.literal_eval` has raised SystemError
in worker threads.
"""

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from drumline.core.documents import parse_json
from drumline.core.errors import DrumlineError
from drumline.core.grid import Grid
from drumline.decoding.activations import Activations

ENDING: Final = ".act"

_MAGIC: Final = b"DRUMACT2"
_PREFIX: Final = struct.Struct("<II")
_MAX_HEADER_BYTES: Final = 65_536
_FLOAT16: Final = np.dtype("<f2")
_ARRAYS: Final = ("probability", "onset", "offset", "velocity")


def pack(activations: Activations, facts: Mapping[str, int | str]) -> bytes:
    """The file. Equal activations and facts give equal bytes."""
    header = {
        "hop": activations.grid.hop,
        "rate_hz": activations.grid.rate_hz,
        "classes": activations.classes,
        "num_frames": len(activations.onset),
        **facts,
    }
    text = json.dumps(header, sort_keys=True).encode()
    raw = b"".join(getattr(activations, name).astype(_FLOAT16).tobytes() for name in _ARRAYS)
    body = text + zlib.compress(raw)
    length = len(text).to_bytes(4, "little")
    return _MAGIC + zlib.crc32(length + body).to_bytes(4, "little") + length + body


def unpack(data: bytes, location: str) -> tuple[Activations, Mapping[str, Any]]:
    """Activations and header of a file. Raises DrumlineError where it is none, or damaged."""
    try:
        return _unpacked(data)
    except (ValueError, TypeError, KeyError, struct.error, zlib.error, OverflowError, MemoryError) as error:
        raise DrumlineError(f"{location}: not an entry of a cache ({error or type(error).__name__})") from error


def _unpacked(data: bytes) -> tuple[Activations, Mapping[str, Any]]:
    start = len(_MAGIC) + _PREFIX.size
    if data[: len(_MAGIC)] != _MAGIC:
        raise ValueError("it begins otherwise")
    checksum, length = _PREFIX.unpack_from(data, len(_MAGIC))
    if zlib.crc32(data[start - 4 :]) != checksum:
        raise ValueError("its checksum is another")
    header = parse_json(data[start : start + length], max_bytes=_MAX_HEADER_BYTES)
    classes, num_frames = tuple(str(name) for name in header["classes"]), int(header["num_frames"])
    shapes = ((num_frames, len(classes)), (num_frames,), (num_frames,), (num_frames, len(classes)))
    sizes = [math.prod(shape) for shape in shapes]
    if num_frames < 0:
        raise ValueError(f"{num_frames} frames")
    stream = zlib.decompressobj()
    raw = stream.decompress(data[start + length :], sum(sizes) * _FLOAT16.itemsize + 1)  # never more than is promised
    if len(raw) != sum(sizes) * _FLOAT16.itemsize or not stream.eof:
        raise ValueError(f"it does not hold {num_frames} frames of {len(classes)} classes")
    values = np.frombuffer(raw, _FLOAT16).astype(np.float32)
    parts = np.split(values, np.cumsum(sizes)[:-1])
    arrays = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
    return Activations(Grid(int(header["hop"]), int(header["rate_hz"])), classes, *arrays), header
