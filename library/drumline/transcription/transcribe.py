"""A recording to a transcription: strokes, a tempo, and the grid where one is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from drumline.audio.recording import Recording
from drumline.charts.beats import parse_metre
from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.tempo import TempoMap
from drumline.decoding.peak_picking import DecodedHits
from drumline.transcription.beat_tracking import GIVEN_BPM, GridHints, find_beats
from drumline.transcription.engine import HitDetector, OnProgress
from drumline.transcription.quantise import QuantiseConfig, quantised, tempo_of_file
from drumline.transcription.result import SourceAudio, Transcriber, Transcription
from drumline.transcription.sources import open_mix


@dataclass(frozen=True)
class Timing:
    """Tempo and grid settings of a transcription."""

    hints: GridHints = field(default_factory=GridHints)
    """User's statements about tempo and bars; the rest is estimated around them."""
    tempo: TempoMap | None = None
    """A given tempo map."""
    grid: QuantiseConfig | None = None
    """Where hits are moved to; None keeps their times."""
    free: bool = False
    """Whether charts for games keep played times too; else their notes are on the grid."""


def timing_of(tempo: str, grid: QuantiseConfig | None, hints: GridHints | None = None) -> Timing:
    """Parse the tempo option: beats per minute, a file with a tempo map, or nothing.

    Raises ConfigError, or ChartError for a file without a tempo.
    """
    hints = hints or GridHints()
    if not tempo:
        return Timing(hints, grid=grid)
    try:
        tempo_bpm = float(tempo)
    except ValueError:
        path = Path(tempo)
        try:
            return Timing(tempo=tempo_of_file(path.read_bytes(), path.name), grid=grid)
        except OSError as error:
            raise ConfigError(f"{tempo}: neither beats a minute nor a file ({error.strerror})") from error
    if not GIVEN_BPM[0] <= tempo_bpm <= GIVEN_BPM[1]:
        raise ConfigError(f"a tempo of {tempo_bpm:g} bpm is outside {GIVEN_BPM[0]:g} to {GIVEN_BPM[1]:g}")
    return Timing(replace(hints, tempo_bpm=tempo_bpm), grid=grid)


def hints_of(*, downbeat_s: float | None = None, octave: float = 1.0, meter: str = "") -> GridHints:
    """Parse the options about the grid. Raises ConfigError for a meter that is none."""
    signature = parse_metre(meter) if meter else None
    if meter and (signature is None or 8 % signature[1] or 8 * signature[0] // signature[1] < 2):
        raise ConfigError(f"--meter {meter}: expected beats and their note value up to eighths, such as 3/4 or 7/8")
    return GridHints(downbeat_s=downbeat_s, octave=octave, time_signature=signature)


def transcribe(
    recording: Recording, audio: SourceAudio, *, detector: HitDetector, timing: Timing, on_progress: OnProgress
) -> Transcription:
    """The transcription of a recording. A grid is left out where no tempo can be told (hardly any hits)."""
    found = detector.detect(recording, on_progress)
    return transcription_of(found, audio, detector.transcriber, timing=timing)


def hits_of(files: Sequence[Path], detector: HitDetector) -> tuple[Events, float]:
    """The hits of files that sound together, and their duration [s]. Raises AudioError for audio that cannot serve."""
    with open_mix(files) as recording:
        return detector.detect(recording, lambda seconds: None).events, recording.duration_s


def transcription_of(found: DecodedHits, audio: SourceAudio, by: Transcriber, *, timing: Timing) -> Transcription:
    """Transcription of a recording with a tempo, quantised if a grid is given."""
    result = replace(Transcription.of(found.events, audio, by, branches=found.branches), free_timing=timing.free)
    if timing.tempo is not None:
        result = result.with_tempo(timing.tempo, "given")
    else:
        given = timing.hints.tempo_bpm is not None
        beats = find_beats(found.events, audio.duration_s, hints=timing.hints)
        if beats is not None:
            result = result.with_tempo(beats.tempo_map(), "given" if given else "estimated")
            if not given:
                other_bpm = beats.other_tempo_bpm and round(beats.other_tempo_bpm, 2)
                result = replace(result, tempo_confidence=round(beats.confidence, 4), other_tempo_bpm=other_bpm)
    return quantised(result, timing.grid) if timing.grid is not None and result.tempo is not None else result
