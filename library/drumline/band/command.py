"""`drumline transcribe --all`: songs in, a ZIP of MIDI files for each out."""

import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

import click
from tqdm import tqdm

from drumline.band.archive import pack_band
from drumline.band.transcribe import DRUMS, SEPARATION, Band, BandSettings, transcribe_band
from drumline.core.errors import DrumlineError
from drumline.transcription.outputs import Outputs
from drumline.transcription.ownership import write_own
from drumline.transcription.separate import Separation
from drumline.transcription.sources import Source

_BAR: Final = "{desc}: {percentage:3.0f}%|{bar}| {remaining}"


def run(
    sources: Sequence[Source],
    settings: BandSettings,
    outputs: Outputs,
    *,
    separation: Callable[[], Separation],
    quiet: bool,
) -> int:
    """Transcribe all instruments of songs one after the other; returns the number of songs that failed."""
    failed = 0
    for source in sources:
        started = time.monotonic()
        (path,) = outputs.paths(source)
        try:
            with ExitStack() as bars:
                stage = partial(_stage, bars, quiet=quiet)
                band = transcribe_band(source, settings, separation=separation, on_stage=stage)
            write_own(str(path), pack_band(band), overwrite=outputs.overwrite)
        except (DrumlineError, OSError) as error:
            click.echo(f"{source.name}: {error}", err=True)
            failed += 1
            continue
        if not quiet:
            click.echo(f"{summary(band)}; {time.monotonic() - started:.1f} s -> {path}", err=True)
    return failed


def _stage(bars: ExitStack, name: str, duration_s: float, *, quiet: bool) -> Callable[[float], None]:
    """Progress bar of a stage, on terminals; separation is announced, since it takes longest."""
    if name == SEPARATION and not quiet:
        minutes = math.ceil(duration_s / 60)
        click.echo(
            f"separating {minutes} min of audio: as long again on a CPU core or longer, and 4 GB of memory", err=True
        )
    is_hidden = quiet or not sys.stderr.isatty()
    bar = tqdm(total=duration_s, desc=name, unit="s", bar_format=_BAR, file=sys.stderr, disable=is_hidden)
    bars.callback(bar.close)

    def advance(seconds: float) -> None:
        bar.update(min(seconds, bar.total - bar.n))

    return advance


def summary(band: Band) -> str:
    """One line for people: instruments with their number of notes, and stems that were left out."""
    counts = {DRUMS: len(band.drums.hits)} if band.drums else {}
    counts |= {name: len(part.notes) for name, part in band.parts.items()}
    found = ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing that sounds"
    silent = f" (silent: {', '.join(band.silent)})" if band.silent else ""
    return f"{band.audio.name}: {found}{silent}"
