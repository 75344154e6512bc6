"""`drumline transcribe`: songs in, files out, a line for each."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import click

from drumline.audio.downmix import MEAN
from drumline.audio.recording import Recording
from drumline.core.errors import DrumlineError
from drumline.transcription.engine import HitDetector
from drumline.transcription.heuristic import NAME as HEURISTIC
from drumline.transcription.outputs import Outputs
from drumline.transcription.result import Transcription
from drumline.transcription.sources import Source, Stem, open_recording
from drumline.transcription.transcribe import Timing, transcribe

_OCTAVES: Final = {"--halve": 0.5, "--double": 2.0}
_NEAR: Final = 0.05
_SPARSE_PER_MINUTE: Final = 30
_DRUMS: Final = ("kick", "snare", "tom", "hihat", "ride", "crash", "cymbal")


@dataclass(frozen=True)
class Job:
    """How songs are transcribed."""

    detector: HitDetector
    stem: Stem
    timing: Timing
    outputs: Outputs
    quiet: bool
    """Whether to say nothing of songs that went well."""


def run(sources: Sequence[Source], job: Job) -> int:
    """Transcribe songs one after the other; gives how many could not be. Those are told, and the others go on."""
    failed = 0
    for source in sources:
        started = time.monotonic()
        try:
            result = _transcribe(source, job)
            job.outputs.write(result, source)
        except (DrumlineError, OSError) as error:
            click.echo(f"{source.name}: {error}", err=True)
            failed += 1
            continue
        if not job.quiet:
            click.echo(summary(result, source, job.outputs, seconds=time.monotonic() - started), err=True)
            if hint := sparse_hint(result):
                click.echo(f"{source.name}: {hint}", err=True)
    return failed


def _transcribe(source: Source, job: Job) -> Transcription:
    recording, audio = open_recording(source, job.stem)
    for warning in _warnings(recording):
        click.echo(f"{audio.name}: warning: {warning}", err=True)
    hidden = job.quiet or not sys.stderr.isatty()
    with (
        recording,
        click.progressbar(
            length=round(recording.duration_s),
            label=source.name,
            file=sys.stderr,
            hidden=hidden,
        ) as bar,
    ):
        return transcribe(
            recording,
            audio,
            detector=job.detector,
            timing=job.timing,
            on_progress=lambda seconds: bar.update(round(seconds)),
        )


def _warnings(recording: Recording) -> Iterator[str]:
    """Warnings about a recording that is transcribed all the same."""
    if recording.truncated:
        yield f"truncated: {recording.truncated}; what is there is transcribed"
    if recording.downmix != MEAN:
        yield f"the channels cancel in their mean: {recording.downmix} is transcribed"


def sparse_hint(result: Transcription) -> str:
    """Advice where a model finds hardly any hits; empty otherwise.

    Models know recorded drums; clicks and test tones are better found by `transcription.heuristic`.
    """
    per_minute = 60 * len(result.hits) / max(result.audio.duration_s, 1.0)
    if per_minute >= _SPARSE_PER_MINUTE or result.transcriber.model == HEURISTIC:
        return ""
    return f"hardly any hits ({per_minute:.0f} a minute); if there are drums: --heuristic, or --preset aggressive"


def summary(result: Transcription, source: Source, outputs: Outputs, *, seconds: float) -> str:
    """One line: what was found in which song, how fast, and where it is."""
    counts = Counter(_drum(hit.label) for hit in result.hits)
    found = ", ".join(f"{drum} {counts[drum]}" for drum in _DRUMS if counts[drum]) or "no hits"
    minutes, rest = divmod(round(result.audio.duration_s), 60)
    tempo = _tempo(result) if result.tempo is not None else ""
    places = ", ".join(str(path) for path in outputs.paths(source)) or "standard output"
    return f"{result.audio.name} ({minutes}:{rest:02d}): {found}{tempo}; {seconds:.1f} s -> {places}"


def _tempo(result: Transcription) -> str:
    """Tempo for people, with the option that gives the next best one where that is half or twice of it."""
    assert result.tempo is not None
    tempo_bpm = result.tempo.mean_tempo_bpm(float(result.tempo.ticks(result.audio.duration_s)))
    ratio = (result.other_tempo_bpm or 0.0) / tempo_bpm
    option = next((name for name, octave in _OCTAVES.items() if abs(ratio / octave - 1) < _NEAR), "")
    other = f" ({option}: {result.other_tempo_bpm:.0f})" if option else ""
    return f", {tempo_bpm:.0f} bpm {result.tempo_origin}{other}"


def _drum(label: str) -> str:
    return label.split("_")[0]
