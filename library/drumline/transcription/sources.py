"""Sources to transcribe: audio files, folders of songs, or standard input, and the selection of their audio."""

import glob
import hashlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from drumline.audio.decode import MAX_DURATION_S, AudioConfig, decode, mix
from drumline.audio.layout import EXTENSIONS, choose
from drumline.audio.recording import Recording
from drumline.core.errors import ConfigError
from drumline.core.listing import is_hidden
from drumline.transcription.result import SourceAudio

Stem = Literal["auto", "mix", "separate"]
"""``auto``: drum stems where a song folder has them, else everything; ``mix``: everything; ``separate``: the drums that
a separator takes out of everything."""

PIPE: Final = "-"
_PIPED: Final = "stdin"
_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Source:
    """One song."""

    name: str
    """Name of its results, without a suffix."""
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
    names = [file.name for file in source.files] or [_PIPED]
    with ExitStack() as opened:
        files: list[BinaryIO] = [opened.enter_context(file.open("rb")) for file in source.files]
        files = files or [io.BytesIO(sys.stdin.buffer.read())]
        digest = sha256_of(files)
        recording = _separated(files, names) if stem == "separate" else recording_of(files, names)
    return recording, SourceAudio.of(names[0], digest, recording)


def open_mix(files: Sequence[Path]) -> Recording:
    """Open files that sound together as one recording. Raises what `open_recording` does."""
    recording, _ = open_recording(Source(files[0].stem, tuple(files), files[0].parent), "mix")
    return recording


def sha256_of(files: Sequence[BinaryIO]) -> str:
    """SHA-256 of the files' bytes in sequence; each file is rewound."""
    digest = hashlib.sha256()
    for file in files:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
        file.seek(0)
    return digest.hexdigest()


def recording_of(files: Sequence[BinaryIO], names: Sequence[str]) -> Recording:
    """One file, block by block, or several that sound together, in memory. Raises AudioError."""
    if len(files) == 1:
        return Recording.of_file(files[0], name=names[0])
    config = AudioConfig(min_duration_s=0.4, max_duration_s=MAX_DURATION_S)
    audio = mix(
        [
            decode(file.read(), name=name, config=config, allow_truncated=True)
            for file, name in zip(files, names, strict=True)
        ]
    )
    return Recording(
        [audio.samples], source_rate_hz=audio.source_rate_hz, truncated=audio.truncated, downmix=audio.downmix
    )


def _folder(folder: Path, stem: Stem) -> Source:
    choices = choose([path.name for path in folder.iterdir() if path.is_file() and not is_hidden(path.name)])
    if not choices:
        raise ConfigError(f"{folder}: no audio of a song in it ({', '.join(EXTENSIONS)}); name files, or a glob")
    # Purest first: the drum stems; everything together last.
    choice = choices[0] if stem == "auto" else choices[-1]
    return Source(folder.resolve().name, tuple(folder / name for name in choice.files), folder)


def _separated(files: Sequence[BinaryIO], names: Sequence[str]) -> Recording:
    """Drums out of the mix, in memory."""
    from drumline.transcription.separate import find_separation  # its imports cost more than a transcription

    return find_separation().drums_of([file.read() for file in files], names)
