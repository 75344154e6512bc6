"""The .sng container: a song folder in one file, as Chorus Encore serves every chart. Masked, not encrypted.

Little-endian: ``SNGPKG`` | u32 version | 16-byte mask | u64 length, metadata: u64 count, (i32 length, key, i32 length,
value)... | u64 length, index: u64 count, (u8 length, name, u64 size, u64 absolute offset)... | u64 length, the files.
Byte i of a file is stored as ``byte ^ mask[i % 16] ^ (i & 255)``. https://github.com/mdsitton/SngFileFormat

Hostile files are refused before anything is allocated for them: every count and size is held against the bytes that are
there, names that leave the folder are errors, and so are files that overlap.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import numpy as np

from drumline.charts import song_ini
from drumline.charts.song_ini import SongIni
from drumline.core.errors import ChartError

MAGIC: Final = b"SNGPKG"
VERSION: Final = 1
MAX_SNG_BYTES: Final = 2**30
"""Larger containers are refused: a song with its stems and a video stays far below."""
_MASK: Final = bytes(range(0x21, 0x31))
"""The mask we write: any 16 bytes will do, fixed ones give the same bytes for the same song."""


@dataclass(frozen=True)
class Sng:
    """An opened container; files are unmasked when they are asked for."""

    metadata: Mapping[str, str]
    """Key-value pairs of ``song.ini``."""
    index: Mapping[str, tuple[int, int]]
    """File name, lower case -> (offset, size)."""
    data: bytes
    mask: bytes

    @property
    def ini(self) -> SongIni:
        return song_ini.from_values(self.metadata)

    def file(self, name: str) -> bytes:
        """One file's bytes. Raises KeyError."""
        offset, size = self.index[name]
        return _masked(self.data[offset : offset + size], self.mask)


def read(data: bytes, *, name: str) -> Sng:
    """Open a container. Raises ChartError: not a .sng, damaged, cut short, or hostile."""
    if len(data) > MAX_SNG_BYTES:
        raise ChartError(name, f"{len(data):,} bytes, limit {MAX_SNG_BYTES:,}")
    if data[:6] != MAGIC:
        raise ChartError(name, "not a .sng (no SNGPKG at its head)")
    cursor = _Cursor(data, name, at=6)
    if (version := cursor.number("<I")) != VERSION:
        raise ChartError(name, f".sng version {version}: only {VERSION} is known")
    mask = cursor.bytes(16)
    metadata = {}
    cursor.number("<Q")
    for _ in range(cursor.count(smallest=8)):
        key = cursor.bytes(cursor.number("<i"))
        metadata[_text(key)] = _text(cursor.bytes(cursor.number("<i")))
    index: dict[str, tuple[int, int]] = {}
    cursor.number("<Q")
    for _ in range(cursor.count(smallest=17)):
        file_name = _safe(_text(cursor.bytes(cursor.number("<B"))), name)
        size, offset = cursor.number("<Q"), cursor.number("<Q")
        if offset + size > len(data):
            raise ChartError(name, f"{file_name!r} ends at byte {offset + size:,} of {len(data):,} (was the file cut?)")
        if file_name in index:
            raise ChartError(name, f"{file_name!r} stands twice in the index")
        index[file_name] = (offset, size)
    reached = cursor.at
    for file_name, (offset, size) in sorted(index.items(), key=lambda item: item[1]):
        if offset < reached:
            raise ChartError(name, f"{file_name!r} begins at byte {offset:,}, inside what stands before it")
        reached = offset + size
    return Sng(metadata, index, data, mask)


def write(files: Mapping[str, bytes], metadata: Mapping[str, str]) -> bytes:
    """A container of files by name (at most 255 bytes of UTF-8 each) with song.ini's keys and values."""
    pairs = [part.encode() for pair in metadata.items() for part in pair]
    described = struct.pack("<Q", len(metadata)) + b"".join(struct.pack("<i", len(part)) + part for part in pairs)
    head = MAGIC + struct.pack("<I", VERSION) + _MASK + struct.pack("<Q", len(described)) + described
    names = {name: _safe(name, "written .sng").encode() for name in files}
    index_length = 8 + sum(17 + len(encoded) for encoded in names.values())
    offset = len(head) + 8 + index_length + 8
    index = struct.pack("<Q", len(files))
    for name, content in files.items():
        index += struct.pack("<B", len(names[name])) + names[name] + struct.pack("<QQ", len(content), offset)
        offset += len(content)
    body = b"".join(_masked(content, _MASK) for content in files.values())
    return head + struct.pack("<Q", len(index)) + index + struct.pack("<Q", len(body)) + body


@dataclass
class _Cursor:
    data: bytes
    name: str
    at: int

    def bytes(self, length: int) -> bytes:
        if not 0 <= length <= len(self.data) - self.at:
            raise ChartError(self.name, f"{length:,} bytes are due at byte {self.at:,} of {len(self.data):,} (cut?)")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.bytes(struct.calcsize(layout)))[0]
        return value

    def count(self, *, smallest: int) -> int:
        """A number of entries, each of at least ``smallest`` bytes."""
        count = self.number("<Q")
        if count * smallest > len(self.data) - self.at:
            raise ChartError(
                self.name, f"{count:,} entries are announced at byte {self.at - 8:,}: more than it can hold"
            )
        return count


def _masked(content: bytes, mask: bytes) -> bytes:
    """Masked bytes, or unmasked ones: it is its own inverse."""
    # The whole mask repeats every 256 bytes, because 16 divides 256.
    pattern = np.frombuffer(mask * 16, np.uint8) ^ np.arange(256, dtype=np.uint8)
    return (np.frombuffer(content, np.uint8) ^ np.resize(pattern, len(content))).tobytes()


def _safe(file_name: str, container: str) -> str:
    """The name in lower case. Raises ChartError if, joined to a folder, it could mean anything outside it."""
    path = PurePosixPath(file_name)
    is_inside = file_name not in ("", ".") and not path.is_absolute() and ".." not in path.parts
    if not is_inside or any(char in '\\:*?"<>|' or ord(char) < 32 for char in file_name):
        raise ChartError(container, f"file name {file_name!r} may leave the song's folder")
    return file_name.lower()


def _text(encoded: bytes) -> str:
    return encoded.decode("utf-8", errors="replace")
