"""song.ini: what the folder says about its chart. Keys are case-insensitive; so is the section ``[song]``.

The keys: https://github.com/TheNathannator/GuitarGame_ChartFormats (song.ini, known tags).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drumline.charts.annotated_song import Metadata
from drumline.charts.chart import Chart
from drumline.charts.text import decode, leading_number, plain, split_lines, trimmed

UNSET: Final = -1
"""Value that ``song.ini`` has for "not set", in delays and thresholds alike."""


@dataclass(frozen=True)
class SongIni:
    """The keys that matter to drums. Empty, 0, None or `UNSET` where the file is silent."""

    name: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: str = ""
    charter: str = ""
    delay_ms: float = 0.0
    """Added to chart time to give audio time. `UNSET` and 0 both mean: ask the chart's own Offset."""
    pro_drums: bool | None = None
    five_lane_drums: bool | None = None
    modchart: bool = False
    song_length_ms: int = 0
    """Not to be trusted: charters copy it."""
    diff_drums: int = UNSET
    preview_start_ms: int = UNSET
    track: str = ""
    """Number of the track on its album."""
    sustain_cutoff_ticks: int = UNSET
    """Gems no longer than this have no length. `UNSET`: 0 in .chart, a third of a quarter note and one tick in .mid."""
    chord_snap_ticks: int = 0
    """Gems closer than this to the chord before them join it."""

    @property
    def metadata(self) -> Metadata:
        return Metadata(
            title=self.name,
            artist=self.artist,
            album=self.album,
            genre=self.genre,
            year=self.year,
            charter=self.charter,
        )

    @property
    def offset_s(self) -> float:
        """The delay in seconds; 0 where it is not set."""
        return 0.0 if self.delay_ms == UNSET else self.delay_ms / 1000.0


_TRUTH: Final = re.compile(r"(?:true|false|[01])(?![a-z0-9_])")
_WORDS: Final = ("name", "artist", "album", "genre", "year", "charter")


def read(data: bytes) -> SongIni:
    """A song.ini from its bytes. Never fails: what is not understood is left at its default."""
    values: dict[str, str] = {}
    in_song = True
    for line in map(trimmed, split_lines(decode(data))):
        if line.startswith("["):
            in_song = line[1:].partition("]")[0].strip().casefold() == "song"
        elif in_song and not line.startswith((";", "#")) and "=" in line:
            key, _, value = line.partition("=")
            values[key] = value
    return from_values(values)


def from_values(values: Mapping[str, str]) -> SongIni:
    """A song.ini from its keys and values, as a .sng container holds them."""
    known = {trimmed(key).casefold(): trimmed(value) for key, value in values.items()}
    # "frets" is the old name of "charter".
    words = {word: plain(known.get(word, "")) for word in _WORDS}
    return SongIni(
        **words | {"charter": words["charter"] or plain(known.get("frets", ""))},
        delay_ms=_number(known.get("delay"), 0.0),
        pro_drums=_truth(known.get("pro_drums")),
        five_lane_drums=_truth(known.get("five_lane_drums")),
        modchart=bool(_truth(known.get("modchart"))),
        song_length_ms=int(_number(known.get("song_length"), 0)),
        diff_drums=int(_number(known.get("diff_drums"), UNSET)),
        preview_start_ms=int(_number(known.get("preview_start_time"), UNSET)),
        track=plain(known.get("track", "") or known.get("album_track", "")),
        sustain_cutoff_ticks=int(_number(known.get("sustain_cutoff_threshold"), UNSET)),
        chord_snap_ticks=int(_number(known.get("chord_snap_threshold"), 0)),
    )


def values(ini: SongIni) -> dict[str, str]:
    """The keys and values of a song.ini; what is at its default is left out."""
    numbers = {
        "delay": (ini.delay_ms, 0.0),
        "song_length": (ini.song_length_ms, 0),
        "diff_drums": (ini.diff_drums, UNSET),
        "preview_start_time": (ini.preview_start_ms, UNSET),
        "sustain_cutoff_threshold": (ini.sustain_cutoff_ticks, UNSET),
        "chord_snap_threshold": (ini.chord_snap_ticks, 0),
    }
    truths = {"pro_drums": ini.pro_drums, "five_lane_drums": ini.five_lane_drums, "modchart": ini.modchart or None}
    return (
        {word: getattr(ini, word) for word in (*_WORDS, "track") if getattr(ini, word)}
        | {key: f"{value:.15g}" for key, (value, default) in numbers.items() if value != default}
        | {key: str(value) for key, value in truths.items() if value is not None}
    )


def write(ini: SongIni, *, others: Mapping[str, str] | None = None) -> bytes:
    """A song.ini in UTF-8; ``others`` are keys that no game knows."""
    lines = (f"{key} = {value}\n" for key, value in (values(ini) | dict(others or {})).items())
    return "".join(["[song]\n", *lines]).encode()


def of(chart: Chart) -> SongIni:
    """The song.ini that belongs beside a chart we write, so that readers need not guess its drum type."""
    words = chart.metadata
    return SongIni(
        name=words.title,
        artist=words.artist,
        album=words.album,
        genre=words.genre,
        year=words.year,
        charter=words.charter,
        delay_ms=round(chart.offset_s * 1000.0),
        pro_drums=chart.drum_type == "pro",
        five_lane_drums=chart.drum_type == "five_lane",
    )


def _number(text: str | None, default: float) -> float:
    value = leading_number(text or "")
    # Beyond this it is no delay, length or threshold of any song.
    return value if value is not None and abs(value) < 1e9 else default


def _truth(text: str | None) -> bool | None:
    word = _TRUTH.match((text or "").lstrip('"').casefold())
    return None if word is None else word[0] in ("true", "1")
