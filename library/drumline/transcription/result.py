"""A transcription: what was heard in one recording, and by what.

Times are seconds of the audio. Numbers are rounded once, where a transcription is made: times to microseconds,
velocities and probabilities to ten-thousandths. So every export, from whichever process, says the same.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Final, Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from drumline.audio.downmix import MEAN
from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.core.hit_arrays import Events
from drumline.core.hits import Hit, sorted_hits
from drumline.core.taxonomy import LABELS
from drumline.core.tempo import TempoMap
from drumline.core.vocabularies import LABEL_NAMES

RAW_TEMPO: Final = TempoMap(960)
"""Tempo for formats that need one if none is known: 120 bpm, in ticks of half a millisecond."""

TempoOrigin = Literal["", "estimated", "given"]

_TIME_DECIMALS: Final = 6
_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class TranscribedHit:
    """One stroke."""

    time_s: float
    """Seconds from the start of the audio, never negative."""
    label: str
    """One of the twelve classes, or where the transcriber tells no more a partial label (`core.taxonomy.LABELS`)."""
    velocity: float | None = None
    """0 to 1; None where it is not told. Likewise the confidence."""
    confidence: float | None = None
    branches: Mapping[str, float] = field(default_factory=dict)
    """Branch of the model -> its probability here, 0 to 1. Empty where the transcriber has none."""

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ValueError(f"label {self.label!r} is not one of {', '.join(LABELS)}")
        if not 0.0 <= self.time_s < math.inf:
            raise ValueError(f"{self.label} at {self.time_s} s: a recording starts at second 0")
        for name, value in {"velocity": self.velocity, "confidence": self.confidence, **self.branches}.items():
            if value is not None and not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} {value} of {self.label} at {self.time_s} s is outside 0..1")


class Recorded(Protocol):
    """A recording, or what a cache keeps of one."""

    @property
    def duration_s(self) -> float: ...
    @property
    def source_rate_hz(self) -> int: ...
    @property
    def truncated(self) -> str: ...
    @property
    def downmix(self) -> str: ...


@dataclass(frozen=True)
class SourceAudio:
    """The recording."""

    name: str
    """Its file name, without folders."""
    duration_s: float
    sha256: str = ""
    """SHA-256 of the file's bytes, hexadecimal; empty if unknown."""
    rate_hz: int = 0
    """Samples a second in the file; 0 where it is not known."""
    truncated: bool = False
    """Whether the file was cut off or damaged: the hits are those of what is there."""
    downmix: str = ""
    """``difference`` or ``channel N`` where the channels cancel in their mean (`audio.downmix`); empty for the mean."""

    @classmethod
    def of(cls, name: str, sha256: str, recorded: Recorded) -> Self:
        """The facts of a recording."""
        downmix = "" if recorded.downmix == MEAN else recorded.downmix
        return cls(
            name,
            round(recorded.duration_s, _TIME_DECIMALS),
            sha256,
            recorded.source_rate_hz,
            truncated=bool(recorded.truncated),
            downmix=downmix,
        )


@dataclass(frozen=True)
class Transcriber:
    """Who says so."""

    model: str
    """Name of the model, or ``heuristic``."""
    version: str = ""
    preset: str = ""
    """Name of the decoding preset; empty where there is none."""


@dataclass(frozen=True)
class Transcription:
    """The hits of one recording, in time order."""

    hits: tuple[TranscribedHit, ...]
    audio: SourceAudio
    transcriber: Transcriber
    tempo: TempoMap | None = None
    tempo_origin: TempoOrigin = ""
    """How the tempo is known; empty without one."""
    tempo_confidence: float | None = None
    """Confidence of an estimated tempo, 0 to 1: its lead over the next best. None if given or unknown."""
    other_tempo_bpm: float | None = None
    """The next best tempo at another metrical level (twice, half ...) of an estimated tempo, where there is one."""
    metadata: Metadata = field(default_factory=Metadata)
    """The song's words where they are known."""
    free_timing: bool = False
    """Whether charts for games keep played times instead of the grid's."""
    is_edited: bool = False
    """Whether a person has edited the hits or the tempo: files of it are that person's, not a machine's."""

    def __post_init__(self) -> None:
        if bool(self.tempo_origin) != (self.tempo is not None):
            raise ValueError("a tempo map and its origin come together")

    @classmethod
    def of(
        cls,
        events: Events,
        audio: SourceAudio,
        transcriber: Transcriber,
        *,
        branches: Mapping[str, ArrayLike] | None = None,
        metadata: Metadata | None = None,
    ) -> Self:
        """The transcription of decoded events [N]; ``branches`` holds an array [N] for each, NaN where unknown.

        A hit that was moved before the start of the audio (by a calibration) is put there.
        """
        columns = {name: _numbers(values) for name, values in (branches or {}).items()}
        hits = [
            TranscribedHit(
                max(0.0, round(time_s, _TIME_DECIMALS)),
                LABEL_NAMES[number],
                velocity,
                confidence,
                {name: value for name, values in columns.items() if (value := values[index]) is not None},
            )
            for index, (time_s, number, velocity, confidence) in enumerate(
                zip(
                    events.time_s.tolist(),
                    events.label.tolist(),
                    _numbers(events.velocity),
                    _numbers(events.confidence),
                    strict=True,
                )
            )
        ]
        return cls(in_order(hits), audio, transcriber, metadata=metadata or Metadata())

    @property
    def title(self) -> str:
        """The song's title, else the name of its file without the ending; on one line."""
        return " ".join((self.metadata.title or PurePath(self.audio.name).stem).split())

    def edited(self, hits: Sequence[TranscribedHit], tempo: TempoMap | None) -> Self:
        """The transcription with a person's hits in any order, and tempo map if there is one."""
        changed = replace(self, hits=in_order(hits), is_edited=True)
        return changed if tempo is None else changed.with_tempo(tempo, "given")

    def with_tempo(self, tempo: TempoMap, origin: Literal["estimated", "given"]) -> Self:
        """The same hits on a tempo map."""
        return replace(self, tempo=tempo, tempo_origin=origin, tempo_confidence=None, other_tempo_bpm=None)

    def beats(self) -> list[tuple[float, int]]:
        """Time [s] of each beat within the audio, and its number in the bar, from 1; none without a tempo."""
        if self.tempo is None:
            return []
        ticks, numbers = self.tempo.beats(float(self.tempo.ticks(self.audio.duration_s)))
        times_s = np.round(self.tempo.seconds(ticks), _TIME_DECIMALS)
        return list(zip(times_s.tolist(), numbers.tolist(), strict=True))

    def with_times(self, times_s: ArrayLike) -> Self:
        """The same hits at other times [N], in the order of ``hits``; quantisation, say."""
        moved = np.round(np.asarray(times_s, dtype=np.float64), _TIME_DECIMALS).tolist()
        return replace(
            self, hits=in_order([replace(hit, time_s=time_s) for hit, time_s in zip(self.hits, moved, strict=True)])
        )

    def events(self) -> Events:
        """The hits as arrays."""

        def or_nan(values: list[float | None]) -> list[float]:
            return [math.nan if value is None else value for value in values]

        return Events.of(
            [hit.time_s for hit in self.hits],
            [hit.label for hit in self.hits],
            velocity=or_nan([hit.velocity for hit in self.hits]),
            confidence=or_nan([hit.confidence for hit in self.hits]),
        )

    def song(self) -> AnnotatedSong:
        """The hits as a song, as the writers of `charts` take them. Confidences stay behind."""
        return AnnotatedSong(
            format="transcription",
            hits=sorted_hits([Hit(hit.time_s, hit.label, hit.velocity) for hit in self.hits]),
            metadata=replace(self.metadata, title=self.title),
            tempo=self.tempo,
        )


def in_order(hits: Sequence[TranscribedHit]) -> tuple[TranscribedHit, ...]:
    """By time, then by label: equal hits in any order give equal bytes."""
    return tuple(sorted(hits, key=lambda hit: (hit.time_s, hit.label)))


def _numbers(values: ArrayLike) -> list[float | None]:
    """Numbers [N] as they are written: rounded, None where they are NaN."""
    rounded = np.round(np.asarray(values, dtype=np.float64), _DECIMALS).tolist()
    return [None if math.isnan(value) else value for value in rounded]
