"""Where results go, and in which formats."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drumline.core.artifacts import write_bytes
from drumline.core.errors import ConfigError
from drumline.transcription.formats.registry import Format, named, of_path
from drumline.transcription.result import Transcription
from drumline.transcription.sources import PIPE, Source

SONG_FOLDER: Final = "folder"
"""Asks for a song folder that games play: chart, song.ini and the audio."""
DEFAULT: Final = "midi"


@dataclass(frozen=True)
class Outputs:
    """What is written for each song."""

    formats: tuple[Format, ...]
    song_folder: bool
    place: str
    """A folder, the one file there is to be, ``-`` for the pipe; empty: beside each song."""
    is_file: bool
    """Whether ``place`` is that file."""

    @property
    def piped(self) -> bool:
        return self.place == PIPE

    def paths(self, source: Source) -> tuple[Path, ...]:
        """What `write` writes for a song, in order."""
        if self.piped:
            return ()
        if self.is_file:
            return (Path(self.place),)
        folder = Path(self.place) if self.place else source.folder
        named_ = [folder / each.file_of(source.name) for each in self.formats]
        return (*named_, *([folder / source.name] if self.song_folder else []))

    def write(self, transcription: Transcription, source: Source) -> None:
        """Write one song's files. Raises OSError, or AudioError where a song folder's audio must be encoded anew."""
        if self.piped:
            sys.stdout.buffer.write(self.formats[0].write(transcription))
            sys.stdout.buffer.flush()
            return
        paths = self.paths(source)
        for each, path in zip(self.formats, paths, strict=False):
            write_bytes(str(path), each.write(transcription))
        if self.song_folder:
            from drumline.transcription.formats.song_folder import write_song_folder

            write_song_folder(paths[-1], transcription, source.files[0])


def plan_outputs(formats: str, output: str, sources: Sequence[Source]) -> Outputs:
    """What the options ask for: names of formats with commas between, and a file, a folder, ``-`` or nothing.

    Raises ConfigError where that cannot be, or two songs would be written to one file.
    """
    if not output and any(not source.files for source in sources):
        output = PIPE  # what comes through a pipe goes on through one
    suffix = Path(output).suffix
    is_file = bool(suffix) and not Path(output).is_dir() and output != PIPE
    if not formats and is_file:
        chosen: tuple[Format, ...] = (of_path(output),)
        song_folder = False
    else:
        names = [name.strip() for name in (formats or DEFAULT).split(",")]
        song_folder = SONG_FOLDER in names
        chosen = tuple(named(name) for name in names if name != SONG_FOLDER)
    outputs = Outputs(chosen, song_folder, output, is_file)
    if (is_file or outputs.piped) and (len(sources) > 1 or len(chosen) != 1 or song_folder):
        raise ConfigError(f"--output {output} takes one song in one format; name a folder for more")
    if song_folder and any(len(source.files) != 1 for source in sources):
        raise ConfigError("a song folder needs the song's audio as one file")
    written = [path for source in sources for path in outputs.paths(source)]
    if len(set(written)) < len(written):
        twice = next(path for path in written if written.count(path) > 1)
        raise ConfigError(f"two songs would be written to {twice}; name them in turns, with an --output for each")
    return outputs
