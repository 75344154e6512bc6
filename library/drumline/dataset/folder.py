"""Charts of one folder that are songs, and the audio files that belong to them, by file name alone."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from posixpath import splitext
from typing import Final

from drumline.audio import layout
from drumline.audio.layout import Choice
from drumline.charts.midi_json import EXPORT_NAME

NOTES: Final = ("notes.mid", "notes.midi", "notes.chart")
"""Chart names that games look for, in the games' order of preference."""

_ENDINGS: Final = {
    ".chart": "chart",
    ".mid": "mid",
    ".midi": "mid",
    ".sng": "sng",
    ".bsm": "beatsight",
    ".bs": "beatsight",
    "events.jsonl": "events_jsonl",
    "hits.json": "hits_json",
}
_GAME_FORMATS: Final = ("chart", "mid", "beatsight")


def format_of(name: str) -> str:
    """Chart format by file name; empty for other files."""
    if EXPORT_NAME.fullmatch(name):
        return "midi_json"
    ending = max((end for end in _ENDINGS if name.lower().endswith(end)), key=len, default="")
    return _ENDINGS.get(ending, "")


def is_audio(name: str) -> bool:
    """Whether a file name has the ending of a supported audio format."""
    return splitext(name)[1].lower() in layout.EXTENSIONS


class Folder:
    """Files of one folder, by name."""

    def __init__(self, members: Sequence[str]) -> None:
        self.members = tuple(sorted(members))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Charts with the games' own names, in the games' order."""
        by_lower = {member.lower(): member for member in self.members}
        return tuple(by_lower[name] for name in NOTES if name in by_lower)

    @cached_property
    def charts(self) -> dict[str, str]:
        """Format of each chart by name; of the games' own names only the first is included."""
        charts = {member: format_of(member) for member in self.members if member not in self.notes[1:]}
        return {member: format_ for member, format_ in charts.items() if format_}

    @cached_property
    def alternatives(self) -> dict[str, None]:
        """Alternative charts of the song with the games' own name: charts without audio of another name."""
        if not self.notes:
            return {}
        audio = {file for choice in self._audio for file in choice.files}
        others = [chart for chart, format_ in self.charts.items() if format_ in _GAME_FORMATS]
        same = [chart for chart in others if chart not in self.notes and audio.issuperset(self._of_stem(chart))]
        return dict.fromkeys((*self.notes[1:], *same))

    def audio_of(self, chart: str) -> tuple[Choice, ...]:
        """Audio of a chart: the folder's for the games' own name, else the files with the chart's stem.

        A chart without either gets the folder's audio if it is the only one without.
        """
        if chart in self.notes:
            return self._audio
        if named := self._of_stem(chart):
            return tuple(Choice("mix", (file,)) for file in named)
        return self._audio if self._without_audio == [chart] else ()

    @cached_property
    def _audio(self) -> tuple[Choice, ...]:
        return layout.choose(self.members)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for member in self.members:
            if is_audio(member):
                found[splitext(member)[0]].append(member)
        return dict(found)

    def _of_stem(self, chart: str) -> list[str]:
        return self._by_stem.get(splitext(chart)[0], [])

    @cached_property
    def _without_audio(self) -> list[str]:
        # Exports of a chart are no other songs; their audio is found with all of them (`exports`).
        charts = [chart for chart, format_ in self.charts.items() if format_ != "midi_json"]
        return [chart for chart in charts if chart in self.notes or not self._of_stem(chart)]
