"""SoundFonts (SF2, SF3): each percussion key struck at several velocities on a synthesiser, and recorded.

A SoundFont holds many programs; those of bank 128 are drum kits. A kit is addressed as ``file.sf2#8``, and
without a number it is the first. They are played by tinysoundfont, velocities included, which must be installed by hand
(`accompaniment.soundfont.tinysoundfont`).

The format: SoundFont Technical Specification 2.04. Names and licence stand in the INFO list, programs in ``phdr``.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumline.charts.drum_maps import GENERAL_MIDI
from drumline.core.errors import ConfigError
from drumline.rendering.accompaniment.soundfont import tinysoundfont
from drumline.rendering.kits.instrument import Instrument, Region
from drumline.rendering.kits.recording import MAX_S, Load, Sound

PERCUSSION_BANK: Final = 128
VELOCITIES: Final = (12, 30, 48, 66, 84, 102, 118, 127)
"""Struck; a layer each."""
_RATE_HZ: Final = 44_100  # of nearly all SoundFonts: what we need is made by a better resampler
_CHUNK_S: Final = 0.5
_SILENCE: Final = 1e-5
_FLUSH_S: Final = 0.1
_HEADER: Final = struct.Struct("<20sHHH")
_HEADER_BYTES: Final = 38


@dataclass(frozen=True)
class SoundFont:
    """Metadata of a SoundFont file."""

    name: str
    author: str
    licence: str
    """Its copyright line and comments."""
    kits: dict[int, str]
    """Program -> name, of the percussion bank."""


def read_soundfont(data: bytes, location: str) -> SoundFont:
    """The file's words. Raises ConfigError where it is no SoundFont, or has no percussion."""
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise ConfigError(f"{location}: not a SoundFont (no RIFF sfbk)")
    words: dict[bytes, str] = {}
    kits: dict[int, str] = {}
    for list_type, chunk, start, size in _chunks(data):
        if list_type == b"INFO":
            words[chunk] = data[start : start + size].split(b"\0")[0].decode("utf-8", "replace").strip()
        elif chunk == b"phdr":
            for at in range(start, start + size - _HEADER_BYTES, _HEADER_BYTES):  # the last record ends the list
                name, program, bank, _ = _HEADER.unpack_from(data, at)
                if bank == PERCUSSION_BANK:
                    kits[program] = name.split(b"\0")[0].decode("latin-1").strip()
    if not kits:
        raise ConfigError(f"{location}: no program in bank {PERCUSSION_BANK}: it holds no drum kit")
    licence = " ".join(words[chunk] for chunk in (b"ICOP", b"ICMT") if words.get(chunk))
    return SoundFont(words.get(b"INAM", ""), words.get(b"IENG", ""), licence, dict(sorted(kits.items())))


def instruments() -> list[Instrument]:
    """Every percussion key of General MIDI; paths are ``key:velocity``. A key that is silent drops out when loaded."""
    edges = [0.0, *((a + b) / 2 / 127.0 for a, b in pairwise(VELOCITIES)), 1.0]
    return [
        Instrument(
            name=name,
            regions=tuple(
                Region(Sound(f"{key}:{velocity}"), low, high)
                for velocity, low, high in zip(VELOCITIES, edges, edges[1:], strict=False)
            ),
            key=key,
        )
        for key, (_, name) in GENERAL_MIDI.items()
    ]


def striker(data: bytes, program: int, location: str) -> Load:
    """A `Load` for paths of `instruments`, which plays them. Raises ConfigError where tinysoundfont is missing."""
    package = tinysoundfont()
    synth: Any = package.Synth(samplerate=_RATE_HZ)
    try:
        font = synth.sfload(data)
        synth.program_select(0, font, PERCUSSION_BANK, program, True)
    except (RuntimeError, package.SoundFontException) as error:
        raise ConfigError(f"{location}: cannot be played ({error})") from error

    def load(path: str) -> tuple[NDArray[np.float32], int]:
        key, velocity = map(int, path.split(":"))
        synth.noteon(0, key, velocity)
        samples = _until_silent(synth)
        synth.sounds_off(0)
        synth.generate(round(_FLUSH_S * _RATE_HZ))  # or the end of this stroke would sound in the next
        return samples, _RATE_HZ

    return load


def _until_silent(synth: Any) -> NDArray[np.float32]:
    chunks: list[NDArray[np.float32]] = []
    for _ in range(round(MAX_S / _CHUNK_S)):
        chunk = np.frombuffer(bytes(synth.generate(round(_CHUNK_S * _RATE_HZ))), dtype=np.float32).reshape(-1, 2)
        if np.max(np.abs(chunk)) < _SILENCE:
            break
        chunks.append(chunk)
    return np.concatenate(chunks) if chunks else np.zeros((0, 2), dtype=np.float32)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int, int]]:
    """(list type, chunk, start, size) of every chunk inside the file's lists; samples are skipped, not read."""
    at = 12
    while at + 12 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"LIST":
            list_type, inner, end = data[at + 8 : at + 12], at + 12, min(len(data), at + 8 + size)
            while inner + 8 <= end:
                length = int.from_bytes(data[inner + 4 : inner + 8], "little")
                yield list_type, data[inner : inner + 4], inner + 8, length
                inner += 8 + length + length % 2  # chunks are padded to even sizes
        at += 8 + size + size % 2
