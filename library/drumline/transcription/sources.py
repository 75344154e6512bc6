"""What to transcribe: audio files, folders of songs, or what comes through a pipe; and which of it to listen to."""

import glob
import hashlib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from drumline.audio.decode import SEPARATION_RATE_HZ, AudioConfig, decode, mix
from drumline.audio.layout import EXTENSIONS, choose
from drumline.audio.recording import MAX_DURATION_S, Recording
from drumline.core.errors import ConfigError
from drumline.transcription.result import SourceAudio

Stem = Literal["auto", "mix", "separate"]
"""``auto``: drum stems where a song folder has them, else everything; ``mix``: everything; ``separate``: the drums that
a separator takes out of everything."""

PIPE: Final = "-"
_PIPED: Final = "stdin"


@dataclass(frozen=True)
class Source:
    """One song."""

    name: str
    """Of its results, without an ending."""
    files: tuple[Path, ...]
    """To be heard together; empty for the pipe."""
    folder: Path
    """Where its results go unless told otherwise."""


def find_sources(arguments: Sequence[str], stem: Stem) -> tuple[Source, ...]:
    """The songs that arguments name: files, globs, song folders, ``-`` for the pipe; each song once.

    Raises ConfigError for what is not there.
    """
    found: dict[str, Source] = {}
    for argument in arguments:
        if argument == PIPE:
            found[PIPE] = Source(_PIPED, (), Path())
            continue
        # Shells that do not know globs hand them on.
        paths = [argument] if os.path.exists(argument) else sorted(glob.glob(argument, recursive=True))
        if not paths:
            raise ConfigError(f"{argument}: no such file")
        for path in map(Path, paths):
            source = _folder(path, stem) if path.is_dir() else Source(path.stem, (path,), path.parent)
            found[str(path)] = source
    return tuple(found.values())


def open_recording(source: Source, stem: Stem) -> tuple[Recording, SourceAudio]:
    """A song as a model hears it; close the recording.

    Raises AudioError for audio that cannot serve, OSError for files that cannot be read, DrumlineError where a
    separator is wanted and there is none.
    """
    if stem == "separate":
        recording, digest = _separated(source)
    elif len(source.files) > 1:
        recording, digest = _summed(source.files)
    else:
        recording, digest = _streamed(source)
    name = source.files[0].name if source.files else _PIPED
    return recording, SourceAudio(name, round(recording.duration_s, 6), digest, recording.source_rate_hz)


def _folder(folder: Path, stem: Stem) -> Source:
    choices = choose([path.name for path in folder.iterdir() if path.is_file()])
    if not choices:
        raise ConfigError(f"{folder}: no audio of a song in it ({', '.join(EXTENSIONS)}); name files, or a glob")
    # Purest first: the drum stems; everything together last.
    choice = choices[0] if stem == "auto" else choices[-1]
    return Source(folder.resolve().name, tuple(folder / name for name in choice.files), folder)


def _streamed(source: Source) -> tuple[Recording, str]:
    if not source.files:
        return _of_file(io.BytesIO(sys.stdin.buffer.read()), _PIPED)
    with source.files[0].open("rb") as file:
        return _of_file(file, source.files[0].name)


def _of_file(file: BinaryIO, name: str) -> tuple[Recording, str]:
    recording = Recording.of_file(file, name=name)
    file.seek(0)
    return recording, hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file


def _summed(files: Sequence[Path]) -> tuple[Recording, str]:
    """Stems together, in memory. The hash is of their bytes, one after the other."""
    config = AudioConfig(min_duration_s=0.4, max_duration_s=MAX_DURATION_S)
    data = [file.read_bytes() for file in files]
    audio = mix([decode(each, name=file.name, config=config) for each, file in zip(data, files, strict=True)])
    return Recording([audio.samples], source_rate_hz=audio.source_rate_hz), _sha256(data)


def _separated(source: Source) -> tuple[Recording, str]:
    """Drums out of the mix, in memory."""
    from drumline.transcription.separate import drums_of  # a separator's imports cost more than a transcription

    data = [file.read_bytes() for file in source.files] or [sys.stdin.buffer.read()]
    names = [file.name for file in source.files] or [_PIPED]
    return Recording([drums_of(data, names)], source_rate_hz=SEPARATION_RATE_HZ), _sha256(data)


def _sha256(parts: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
