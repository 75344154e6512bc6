"""Where results go, and in which formats."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drumline.core.errors import ConfigError
from drumline.transcription.formats.registry import Format, named, of_path
from drumline.transcription.ownership import is_own, message, refuse_foreign, write_own
from drumline.transcription.result import Transcription
from drumline.transcription.sources import PIPE, Source

SONG_FOLDER: Final = "folder"
PACKAGES: Final = (SONG_FOLDER, "zip", "sng")
"""Formats with the audio that games play: chart, song.ini and audio as a folder, or in one file."""
BAND: Final = "band"
"""Format of all instruments (`band.archive`), alone: ``drumline transcribe --all``."""
_ENDINGS: Final = {SONG_FOLDER: "", "zip": ".zip", "sng": ".sng", BAND: ".zip"}
DEFAULT: Final = "midi"
_OPTION: Final = "--overwrite"


@dataclass(frozen=True)
class Outputs:
    """Output files of each song."""

    formats: tuple[Format, ...]
    packages: tuple[str, ...]
    """Names in `PACKAGES`, or `BAND`."""
    location: str
    """A folder, the one file there is to be, ``-`` for the pipe; empty: beside each song."""
    is_file: bool
    """Whether ``location`` is that file."""
    overwrite: bool
    """Whether files that drumline did not write are replaced."""

    @property
    def piped(self) -> bool:
        return self.location == PIPE

    def paths(self, source: Source) -> tuple[Path, ...]:
        """Files that `write` makes for a song, in order."""
        if self.piped:
            return ()
        if self.is_file:
            return (Path(self.location),)
        folder = Path(self.location) if self.location else source.folder
        named_ = [folder / each.file_of(source.name) for each in self.formats]
        return (*named_, *(folder / f"{source.name}{_ENDINGS[kind]}" for kind in self.packages))

    def write(self, transcription: Transcription, source: Source) -> None:
        """Write one song's files.

        Raises OSError (ForeignFileError where a person's file is there by now), AudioError where a song folder's audio
        must be encoded anew and cannot be decoded.
        """
        if self.piped:
            sys.stdout.buffer.write(self.formats[0].write(transcription))
            sys.stdout.buffer.flush()
            return
        paths = self.paths(source)
        for each, path in zip(self.formats, paths, strict=False):
            write_own(str(path), each.write(transcription), overwrite=self.overwrite)
        for kind, path in zip(self.packages, paths[len(self.formats) :], strict=True):
            write_package(kind, path, transcription, source.files[0], overwrite=self.overwrite)

    def refuse_foreign(self, sources: Sequence[Source]) -> None:
        """Raise ConfigError where anything would be replaced that drumline did not write."""
        if self.overwrite or self.piped:
            return
        count = len(self.formats)
        paths = {source: self.paths(source) for source in sources}
        refuse_foreign([str(path) for each in paths.values() for path in each[:count]], option=_OPTION)
        foreign = [
            file
            for source in sources
            for kind, path in zip(self.packages, paths[source][count:], strict=True)
            for file in foreign_in_package(kind, path, source.files[0])
        ]
        if foreign:
            raise ConfigError(message(foreign, option=_OPTION, output="--output"))


def foreign_in_package(kind: str, path: Path, audio: Path) -> list[str]:
    """Files that prevent writing a song as one of `PACKAGES`, because drumline did not write them."""
    if kind == SONG_FOLDER:
        from drumline.transcription.formats.song_folder import foreign_files

        return [str(file) for file in foreign_files(path, audio)]
    return [] if is_own(str(path)) else [str(path)]


def write_package(kind: str, path: Path, transcription: Transcription, audio: Path, *, overwrite: bool) -> None:
    """Write a song as one of `PACKAGES`. Raises what `Outputs.write` does."""
    if kind == SONG_FOLDER:
        from drumline.transcription.formats.song_folder import write_song_folder

        write_song_folder(path, transcription, audio, overwrite=overwrite)
        return
    from drumline.transcription.formats.song_package import pack

    write_own(str(path), pack(transcription, audio, ending=f".{kind}", name=path.stem), overwrite=overwrite)


def plan_outputs(formats: str, output: str, sources: Sequence[Source], *, overwrite: bool = False) -> Outputs:
    """Parse the options: comma-separated names of formats, and a file, a folder, ``-`` or nothing.

    A folder is a path that ends with a slash, exists as one, or has no ending. Raises ConfigError where that cannot be,
    where two songs would be written to one file, or a file is there that drumline did not write.
    """
    if not output and any(not source.files for source in sources):
        output = PIPE  # what comes through a pipe goes on through one
    is_folder = output.endswith(("/", os.sep)) or Path(output).is_dir()
    is_file = bool(Path(output).suffix) and not is_folder and output != PIPE
    ending = Path(output).suffix.lower().removeprefix(".")
    if not formats and is_file:
        packages: tuple[str, ...] = (ending,) if ending in PACKAGES else ()
        chosen: tuple[Format, ...] = () if packages else (of_path(output),)
    else:
        names = [name.strip() for name in (formats or DEFAULT).split(",")]
        kinds = (BAND,) if names == [BAND] else PACKAGES
        packages = tuple(dict.fromkeys(name for name in names if name in kinds))
        chosen = tuple(named(name) for name in names if name not in kinds)
    outputs = Outputs(chosen, packages, output, is_file, overwrite)
    if packages == (BAND,) and (outputs.piped or not all(source.files for source in sources)):
        raise ConfigError("a ZIP of all instruments is made of files and written to files, not through a pipe")
    one_file = len(chosen) + len(packages) == 1 and packages != (SONG_FOLDER,) and not (packages and outputs.piped)
    if (is_file or outputs.piped) and (len(sources) > 1 or not one_file):
        raise ConfigError(f"--output {output} takes one song in one format; name a folder, ending with /, for more")
    if packages not in ((), (BAND,)) and any(len(source.files) != 1 for source in sources):
        raise ConfigError("a song folder, .zip or .sng needs the song's audio as one file")
    written = [path for source in sources for path in outputs.paths(source)]
    if len(set(written)) < len(written):
        twice = next(path for path in written if written.count(path) > 1)
        raise ConfigError(f"two songs would be written to {twice}; name them in turns, with an --output for each")
    outputs.refuse_foreign(sources)
    return outputs
