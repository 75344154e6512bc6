"""Transcription commands: `transcribe`, `transcribe-library`, and `doctor` for diagnosis."""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import click

from drumline.commands.options import AS_JSON, echo_json, explained, handle_errors


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--format", "formats", default="", help="Formats, with commas between; MIDI if none is named. See below.")
@click.option(
    "--output", "-o", default="", help="A file, a folder/, or - for standard output; beside each song if left out."
)
@click.option("--preset", default="", help="default, conservative, aggressive, or a YAML file.")
@click.option("--model", default="", help="A model package: a folder, or the name of one that comes with drumline.")
@click.option(
    "--precision",
    type=click.Choice(["int8", "float32", "float16"]),
    help="Precision of the model; the fastest by default.",
)
@click.option("--threads", type=click.IntRange(1), default=None, help="Compute threads; two if omitted.")
@click.option(
    "--stem",
    type=click.Choice(["auto", "mix", "separate"]),
    default="auto",
    help="Of a song folder: its drum stems if it has any, or everything. separate: separate the drums first (slow).",
)
@click.option("--all", "all_instruments", is_flag=True, help="All instruments: a ZIP of MIDI files. See below.")
@click.option("--bends", is_flag=True, help="With --all: pitch bends of bass and voice.")
@click.option("--heuristic", is_flag=True, help="Without a model: onsets and spectral bands. Much worse.")
@click.option("--tempo", default="", help="Beats per minute, or a .mid, .chart or .beats file; estimated if omitted.")
@click.option("--beats", default="", help="A .beats, .mid or .chart file with the beats, as --tempo takes it.")
@click.option("--downbeat", type=click.FloatRange(0), default=None, help="A time in seconds at which a bar begins.")
@click.option("--halve", "octave", flag_value=0.5, type=float, help="Half the tempo that would be estimated.")
@click.option("--double", "octave", flag_value=2.0, type=float, help="Twice the tempo that would be estimated.")
@click.option("--meter", default="", help="The meter throughout, such as 3/4; estimated if omitted.")
@click.option("--quantise", type=click.Choice(["4", "8", "16", "32", "64"]), help="Move hits to notes of this length.")
@click.option("--free-timing", is_flag=True, help="Charts for games keep played times; else notes are on the grid.")
@click.option("--triplets", is_flag=True, help="With --quantise: allow triplets.")
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    help="With --quantise: 1 moves hits onto the grid, 0 not at all.",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace files that drumline did not write, or that were changed since."
)
@click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
@handle_errors
def transcribe(
    files: tuple[str, ...],
    formats: str,
    output: str,
    preset: str,
    model: str,
    precision: str | None,
    threads: int | None,
    stem: Literal["auto", "mix", "separate"],
    all_instruments: bool,
    bends: bool,
    heuristic: bool,
    tempo: str,
    beats: str,
    downbeat: float | None,
    octave: float | None,
    meter: str,
    quantise: str | None,
    free_timing: bool,
    triplets: bool,
    strength: float,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Transcribe the drums of songs.

    FILES are audio files, globs, folders of songs, or - for standard input. Formats are midi, json, csv, jams, labels,
    chart, mid (a game's notes.mid), musicxml (sheet music), bsm, and with the audio, for Clone Hero and YARG: folder,
    zip, sng. Exits 1 if any song could not be transcribed.

    --all writes song.zip with drums.mid, bass.mid, vocals.mid, other.mid and all.mid. A file is separated first: set
    DRUMLINE_SEPARATOR_WEIGHTS to htdemucs' weights (see drumline doctor). Of a song folder with
    stems, each stem is transcribed as it is.

    \b
    drumline transcribe song.ogg
    drumline transcribe --all song.mp3
    drumline transcribe 'album/*.flac' --format midi,json --output out/ --preset conservative
    curl -s https://example.org/song.mp3 | drumline transcribe - --format json > song.json
    """
    from drumline.transcription.command import Job, run
    from drumline.transcription.engine import open_engine, open_fallback
    from drumline.transcription.outputs import BAND, plan_outputs
    from drumline.transcription.quantise import QuantiseConfig
    from drumline.transcription.sources import find_sources
    from drumline.transcription.transcribe import hints_of, timing_of

    if tempo and beats:
        raise click.UsageError("--tempo and --beats both state the grid: give one")
    all_instruments = all_instruments or formats == BAND
    if all_instruments and (formats not in ("", BAND) or stem != "auto" or quantise):
        raise click.UsageError("--all takes neither --format, --stem nor --quantise: it writes a ZIP of MIDI files")
    sources = find_sources(files, "mix" if all_instruments else stem)
    outputs = plan_outputs(BAND if all_instruments else formats, output, sources, overwrite=overwrite)
    grid = {"note": int(quantise), "triplets": triplets, "strength": strength} if quantise else None
    timing = replace(
        timing_of(
            tempo or beats,
            QuantiseConfig.model_validate(grid) if grid else None,
            hints_of(downbeat_s=downbeat, octave=octave or 1.0, meter=meter),
        ),
        free=free_timing,
    )
    detector = (
        open_fallback()
        if heuristic
        else open_engine(model, preset=preset, precision=precision or "", threads=threads or 0)
    )
    if all_instruments:
        from drumline.band.command import run as run_band
        from drumline.band.transcribe import BandSettings
        from drumline.transcription.separate import find_separation

        settings = BandSettings(detector, timing, bends=bends, threads=threads or 2)
        sys.exit(1 if run_band(sources, settings, outputs, separation=find_separation, quiet=quiet) else 0)
    sys.exit(1 if run(sources, Job(detector, stem, timing, outputs, quiet)) else 0)


@click.command("transcribe-library")
@click.argument("config", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--dry-run", is_flag=True, help="Count all and finished songs, and stop.")
@click.option("--retry-rejected", is_flag=True, help="Process songs again that an earlier run rejected.")
@click.option(
    "--overwrite", is_flag=True, help="Replace files that drumline did not write, or that were changed since."
)
@explained("drumline.transcription.library.config", "LibraryConfig")
@handle_errors
def transcribe_library(
    config: Path, overrides: tuple[str, ...], dry_run: bool, retry_rejected: bool, overwrite: bool
) -> None:
    """Transcribe the drums of a whole library on Ray.

    CONFIG is a YAML file (configs/transcribe_library/); NAME=VALUE changes one key of it. A run that was interrupted
    goes on where it was when the same command runs again; a song that cannot be read is a row of rejected.parquet.
    Activations are cached: another preset or format needs no inference.

    \b
    drumline transcribe-library configs/transcribe_library/cpu.yaml library=~/music model=out/models/drumline-small-0.1
    drumline transcribe-library my.yaml preset=aggressive output=out/aggressive cache.uri=out/transcribed/_work/cache
    """
    from drumline.core.config import load_config
    from drumline.transcription.library.config import LibraryConfig

    switches = {"run.retry_rejected": retry_rejected, "run.overwrite": overwrite}
    changes = [*overrides, *(f"{name}=true" for name, is_set in switches.items() if is_set)]
    settings = load_config(LibraryConfig, config, changes)
    from drumline.transcription.library.run import plan
    from drumline.transcription.library.run import transcribe_library as run

    if dry_run:
        songs, store = plan(settings)
        finished = store.products.finished()
        done = sum(store.id(song) in finished for song in songs)
        click.echo(f"{len(songs)} songs below {settings.library}; {done} of them are finished in {settings.output}")
        return
    result = run(settings)
    rejected = ", ".join(f"{number} {reason}" for reason, number in result.rejected.items()) or "none"
    click.echo(
        f"\n{result.summary}\n"
        f"  table     {result.output}/transcriptions.parquet ({result.songs} songs)\n"
        f"  rejected  {result.output}/rejected.parquet ({rejected})\n"
        f"  report    {result.report}"
    )


@click.command()
@click.option("--model", default="", help="A model package: a folder, or the name of one that comes with drumline.")
@AS_JSON
@handle_errors
def doctor(model: str, as_json: bool) -> None:
    """Diagnose the installation: versions, model, hardware, and how to get what is missing.

    Exits 1 if a requirement of model-based transcription is missing.
    """
    from drumline.transcription.doctor import examine

    findings = list(examine(model))
    if as_json:
        echo_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{finding.state:8}{finding.what:12}{finding.detail}")
    sys.exit(1 if any(finding.state == "missing" for finding in findings) else 0)
