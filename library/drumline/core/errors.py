"""Errors for a bad run, rows for a bad song."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


class DrumlineError(Exception):
    """Something the user can act on: shown as one message, without a traceback."""


class ConfigError(DrumlineError):
    """A configuration that cannot be run. Told before any work."""


class ChartError(DrumlineError):
    """A chart that cannot be read. ``location`` is ``file:line`` or ``file: track NAME, tick N``."""

    def __init__(self, location: str, reason: str) -> None:
        super().__init__(f"{location}: {reason}")
        self.location, self.reason = location, reason

    def __reduce__(self) -> tuple[type["ChartError"], tuple[str, str]]:
        return type(self), (self.location, self.reason)


class ArchiveError(DrumlineError):
    """An archive, or a file in one, that cannot be read: damaged, encrypted, or too large."""


class SongError(DrumlineError):
    """A song that cannot serve. ``reason`` is a key of `REASONS`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[type["SongError"], tuple[str, str]]:
        return type(self), (self.reason, self.detail)


class AudioError(SongError):
    """Audio that cannot serve."""


REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chart_unreadable": "the chart breaks its format's rules beyond repair",
        "chart_without_drums": "no drum part, or no hit in it",
        "chart_unsuitable": "readable, but it must not be trained on (a modchart, say)",
        "chart_transcribed": "drumline transcribed it from the audio: no label unless `transcriptions: include`",
        "chart_superseded": "another chart of the audio in its folder, whose notes.mid or notes.chart is the song",
        "source_unreadable": "a file of the song is missing or may not be read",
        "container_unreadable": "a .sng or an archive is damaged or hostile",
        "audio_missing": "no file that can hold the drums",
        "audio_undecodable": "no decoder reads it",
        "audio_silent": "nothing above the silence threshold",
        "audio_truncated": "the file is cut off or damaged, or ends before the chart does",
        "audio_clipped": "too many samples stand at full scale",
        "audio_too_short": "shorter than the configured minimum",
        "audio_too_long": "longer than the configured maximum",
        "alignment_failed": "the chart does not fit the audio: wrong file, or another edit",
        "drift_too_large": "the audio runs away from the chart and no warp mends it",
        "duplicate_exact": "the same chart or audio, byte for byte, as the survivor",
        "duplicate_near": "the same recording or performance as the survivor",
        "split_conflict": "it would tie together songs that already stand in different splits",
        "timed_out": "it took longer than the limit for one song, in every attempt",
        "worker_crashed": "its worker died, in every attempt (memory, or a decoder's fault)",
        "unexpected_error": "an error nobody foresaw: the detail holds its text, please report it",
    }
)
"""Every reason for which a song is rejected."""

FAILURES: Final = ("source_unreadable", "timed_out", "worker_crashed", "unexpected_error")
"""Reasons that may lie in the run and not in the song."""


@dataclass(frozen=True)
class Rejected:
    """A song left out of a dataset."""

    reason: str
    """A key of `REASONS`."""
    detail: str
    """The place, the value, the limit, the likely cause."""
    survivor: str = ""
    """For duplicates: the song id that was kept."""

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"unknown rejection reason {self.reason!r}")
