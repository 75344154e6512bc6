"""The formats by name and by file ending. A writer is imported when it is first asked for.

A module of a format has ``write(transcription) -> bytes``.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import Final

from drumline.charts.provenance import finish
from drumline.core.errors import ConfigError
from drumline.transcription.result import Transcription


@dataclass(frozen=True)
class Format:
    """One way to write a transcription."""

    name: str
    ending: str
    """File suffix in lower case with the dot, or the fixed file name."""
    media_type: str
    """For HTTP."""
    title: str
    """Name of the format for people."""
    module: str
    """Below `drumline.transcription.formats`."""

    def file_of(self, name: str) -> str:
        """File name for a song: a format with a fixed file name is prefixed by the song's name."""
        return f"{name}.{self.ending.removeprefix('.')}"

    def write(self, transcription: Transcription) -> bytes:
        """The whole file, marked as machine-made unless a person edited it. Equal transcriptions give equal bytes."""
        data: bytes = import_module(f"drumline.transcription.formats.{self.module}").write(transcription)
        return finish(data, is_edited=transcription.is_edited)


FORMATS: Final = (
    Format("midi", ".mid", "audio/midi", "General MIDI", "midi"),
    Format("json", ".json", "application/json", "JSON", "json"),
    Format("csv", ".csv", "text/csv", "CSV", "csv"),
    Format("jams", ".jams", "application/vnd.jams+json", "JAMS", "jams"),
    Format("labels", ".txt", "text/plain", "Audacity labels", "labels"),
    Format("chart", ".chart", "application/vnd.clonehero.chart", "Clone Hero and YARG, notes.chart", "chart"),
    Format("mid", "notes.mid", "application/vnd.rockband.midi", "Clone Hero and YARG, notes.mid", "mid"),
    Format("musicxml", ".musicxml", "application/vnd.recordare.musicxml+xml", "Sheet music (MusicXML)", "musicxml"),
    Format("bsm", ".bsm", "application/vnd.beatsight+json", "BeatSight beatmap", "bsm"),
)
"""In the order in which they are told."""


def named(name: str) -> Format:
    """A format by its name. Raises ConfigError with the names there are."""
    for each in FORMATS:
        if each.name == name:
            return each
    raise ConfigError(f"format {name!r} is not one of {', '.join(each.name for each in FORMATS)}")


def of_path(path: str) -> Format:
    """The format that a file's name asks for: by its ending, whatever the case; ``notes.mid`` is a game's chart.

    Raises ConfigError with the endings there are.
    """
    name = PurePath(path).name.lower()
    # The longest first: notes.mid before .mid.
    for each in sorted(FORMATS, key=lambda each: -len(each.ending)):
        if name == each.ending or (each.ending.startswith(".") and name.endswith(each.ending)):
            return each
    raise ConfigError(f"{path}: no format has such an ending; known are {', '.join(each.ending for each in FORMATS)}")
