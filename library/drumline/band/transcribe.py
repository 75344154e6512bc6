"""Transcription of all instruments of a song: drums by the drum model, the rest by pitch, one part for each stem."""

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np

from drumline.audio import layout
from drumline.audio.loudness import amplify
from drumline.audio.recording import Recording
from drumline.audio.separation.protocol import FLOOR_DB, SOURCES
from drumline.band.instruments import INSTRUMENTS, Instrument
from drumline.band.note_creation import NoteConfig
from drumline.band.part import TranscribedPart, transcribe_part
from drumline.band.pitch_network import PitchNetwork
from drumline.transcription.engine import HitDetector
from drumline.transcription.result import SourceAudio, Transcription
from drumline.transcription.separate import Separation, recording_of_stem
from drumline.transcription.sources import Source, open_mix, open_recording
from drumline.transcription.transcribe import Timing, transcribe

SILENT_DB: Final = -35.0
"""Energy of a stem over that of the mix under which it counts as silent [dB]."""
DRUMS: Final = "drums"
SEPARATION: Final = "separation"
"""Name of the first stage of a file."""
_OF_FILE: Final[Mapping[str, str]] = MappingProxyType(
    {"bass": "bass", "guitar": "guitar", "rhythm": "guitar", "keys": "keys"}
    | dict.fromkeys(("vocals", "vocals_1", "vocals_2"), "vocals")
)
"""Stem files of a song folder -> instrument; others hold several."""

OnStage = Callable[[str, float], Callable[[float], None]]
"""Start of a stage, by its name and duration in seconds of audio; returns its progress callback."""


@dataclass(frozen=True)
class InstrumentStem:
    """Audio of one instrument."""

    name: str
    """Name of the part."""
    instrument: Instrument | None
    """Its instrument; None for drums."""
    recording: Recording
    level_db: float
    """Energy over that of the mix [dB]."""


@dataclass(frozen=True)
class Band:
    """All instruments of a song."""

    audio: SourceAudio
    """The recording, of a folder all stems together."""
    drums: Transcription | None
    """Drums, and the tempo of all parts; None if the drums are silent."""
    parts: Mapping[str, TranscribedPart]
    """Parts of the pitched instruments by name."""
    silent: tuple[str, ...] = ()
    """Stems that were left out as silent."""


@dataclass(frozen=True)
class BandSettings:
    """Settings of a whole band's transcription."""

    detector: HitDetector
    """Detector of drum hits."""
    timing: Timing
    """Tempo and grid."""
    notes: NoteConfig = field(default_factory=NoteConfig)
    """Thresholds of note creation."""
    bends: bool = False
    """Whether to follow the pitch within notes of the bass and the voice."""
    threads: int = 1
    """Compute threads of the pitch network."""


def transcribe_band(
    source: Source, settings: BandSettings, *, separation: Callable[[], Separation], on_stage: OnStage
) -> Band:
    """Transcribe all instruments of a file, or of a song folder with stems.

    Parameters
    ----------
    source
        A file, which is separated; or a folder's files, of which each is a stem (``bass``, ``guitar``, ``rhythm``,
        ``keys``, ``vocals``, ``drums``; ``song`` holds the others).
    settings
        Detector, tempo and thresholds.
    separation
        Opens the separator; a folder with stems needs none.
    on_stage
        Called at the start of each stage.

    Raises
    ------
    DrumlineError
        If a file is given and there is no separator, or its weights are damaged.
    AudioError
        If the audio cannot be decoded.
    """
    network = PitchNetwork(threads=settings.threads)
    with ExitStack() as opened:
        mix, audio = open_recording(source, "mix")
        opened.enter_context(mix)
        stems = (
            _of_folder(source, opened)
            if len(source.files) > 1
            else _of_file(source, separation(), mix.duration_s, on_stage, opened)
        )
        drums = None
        for stem in stems:
            if stem.instrument is None and stem.level_db >= SILENT_DB:
                # A separator's drums are no better to the model than the mix; a folder's own are.
                recording = stem.recording if len(source.files) > 1 else mix
                on_progress = on_stage(DRUMS, recording.duration_s)
                drums = transcribe(
                    recording, audio, detector=settings.detector, timing=settings.timing, on_progress=on_progress
                )
        parts = {
            stem.name: transcribe_part(
                stem.recording,
                stem.instrument,
                network,
                config=settings.notes,
                level_db=stem.level_db,
                bends=settings.bends,
                on_progress=on_stage(stem.name, stem.recording.duration_s),
            )
            for stem in stems
            if stem.instrument and stem.level_db >= SILENT_DB
        }
    silent = tuple(stem.name for stem in stems if stem.level_db < SILENT_DB)
    return Band(audio, drums, {name: part for name, part in parts.items() if len(part.notes)}, silent)


def _of_file(
    source: Source, separation: Separation, duration_s: float, on_stage: OnStage, opened: ExitStack
) -> list[InstrumentStem]:
    """Stems that the separator takes out of a file."""
    (file,) = source.files
    on_progress = on_stage(SEPARATION, duration_s)
    found = separation.stems_of([file.read_bytes()], [file.name], SOURCES)
    on_progress(duration_s)
    return [
        InstrumentStem(name, INSTRUMENTS.get(name), opened.enter_context(recording_of_stem(stem)), stem.ratio_db)
        for name, stem in zip(SOURCES, found, strict=True)
    ]


def _of_folder(source: Source, opened: ExitStack) -> list[InstrumentStem]:
    """The stems of a song folder. Numbered drums are one stem."""
    recordings: dict[str, Recording] = {}
    drums = [file for file in source.files if file.stem.lower() in (layout.DRUMS, *layout.NUMBERED_DRUMS)]
    if drums:
        recordings[DRUMS] = opened.enter_context(open_mix(drums))
    for file in source.files:
        if file not in drums and file.stem.lower() != layout.CROWD:
            recordings[file.stem.lower()] = opened.enter_context(open_mix([file]))
    energies = {name: _energy(recording) for name, recording in recordings.items()}
    total = max(sum(energies.values()), 1e-12)
    return [
        InstrumentStem(
            name,
            None if name == DRUMS else INSTRUMENTS[_OF_FILE.get(name, "other")],
            recording,
            max(FLOOR_DB, 10 * math.log10(max(energies[name], 1e-12) / total)),
        )
        for name, recording in recordings.items()
    ]


def _energy(recording: Recording) -> float:
    samples = amplify(recording.read(0, recording.num_samples), -recording.gain_db)
    return float(np.sum(np.square(samples, dtype=np.float64)))
