"""`python -m tests.bench [NAME ...]`: measure on this machine what docs/results.md states."""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import ray
from tests.bench import (
    alignment,
    evaluation,
    fingerprints,
    kernels,
    kits,
    memory,
    quality,
    rendering,
    separation,
    serving,
    sweep,
    throughput,
    training,
    transcription,
)

CLAIMS = {
    "alignment": alignment,
    "evaluation": evaluation,
    "fingerprints": fingerprints,
    "kernels": kernels,
    "kits": kits,
    "quality": quality,
    "rendering": rendering,
    "separation": separation,
    "serving": serving,
    "sweep": sweep,
    "training": training,
    "transcription": transcription,
}
BENCHMARKS = ("build", "small", "memory", *CLAIMS)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option("--songs", default=1500, show_default=True, help="Songs of `build`, of about a minute each.")
@click.option("--sizes", default="200,2000", show_default=True, help="Songs of `memory`.")
@click.option("--repetitions", default=3, show_default=True, help="How often each way of `build` and `small` runs.")
@click.option("--workers", default=2, show_default=True, help="Processes of the pool, CPUs of Ray.")
@click.option("--quick", is_flag=True, help="A few songs, once: only to see that it works.")
@click.option("--folder", default="out/bench", show_default=True, type=click.Path(path_type=Path))
@click.option("--markdown", is_flag=True, help="Tables for docs/results.md.")
def main(
    names: tuple[str, ...],
    songs: int,
    sizes: str,
    repetitions: int,
    workers: int,
    quick: bool,
    folder: Path,
    markdown: bool,
) -> None:
    """Measure the build's speed and memory, and what its parts claim; results also go to FOLDER/NAME.json.

    \b
    build    songs and hours of audio a minute: Ray Data beside a plain loop and a process pool doing the same
             work on single songs, in turns; and the whole build
    small    the same for a job of twelve songs
    memory   peak memory of whole builds of two sizes
    alignment, fingerprints
             precision on rendered and real songs; right and wrong pairs; copies and different recordings
    evaluation
             a dataset of 3,000 songs judged by drumline evaluate, start to page
    kernels  log-mel and MIDI readers beside librosa and mido
    kits     sampled kits: label to acoustic onset by class, time to open, memory, rendering speed
    quality  the checks of a dataset of a million events, and the tools on as many lines
    rendering
             whole runs of drumline render-corpus, effects off and all on
    separation
             Demucs on rebuilt mixes, with DRUMLINE_SEPARATOR_WEIGHTS set
    serving  the HTTP endpoint: windows batched and not, cold answers and cached ones
    sweep    trainings by Ray Tune beside a plain loop; decodings judged a second
    training Ray Train beside a plain PyTorch loop, and either half alone; precisions where there is a GPU
    transcription
             one song by each runtime, a library by loop and job, cached beside cold, the decoder beside a naive one

    All of them if none is named. With the defaults, about an hour on two cores that do nothing else.
    """
    if quick:
        songs, sizes, repetitions = 30, "12,30", 1

    def tell_run(line: str) -> None:
        click.echo(f"  {line}", err=True)

    folder.mkdir(parents=True, exist_ok=True)
    for name in names or BENCHMARKS:
        click.echo(f"{name} ...", err=True)
        if name in CLAIMS:
            result = CLAIMS[name].measure(quick=quick, say=tell_run)
            text = CLAIMS[name].report(result, markdown=markdown)
        elif name == "memory":
            peaks = memory.peaks(folder, [int(size) for size in sizes.split(",")], workers=workers, say=tell_run)
            text, result = memory.report(peaks, markdown=markdown), {"sizes": peaks}
        else:
            text, result = _speed(
                folder,
                small=name == "small",
                songs=songs,
                repetitions=repetitions,
                workers=workers,
                markdown=markdown,
                say=tell_run,
            )
        about = {
            "workers": workers,
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "ray": ray.__version__,
        }
        (folder / f"{name}.json").write_text(json.dumps({"about": about, **result}, indent=1))
        click.echo(f"\n{text}\n")


def _speed(
    folder: Path,
    *,
    small: bool,
    songs: int,
    repetitions: int,
    workers: int,
    markdown: bool,
    say: Callable[[str], None],
) -> tuple[str, dict[str, Any]]:
    runs = throughput.run_ways(
        folder,
        ("loop", "ray") if small else ("loop", "pool", "ray", "build"),
        num_songs=throughput.SMALL if small else songs,
        repetitions=repetitions,
        workers=workers,
        say=say,
    )
    found = throughput.summary(runs)
    return throughput.report(found, markdown=markdown), {**found, "runs": [asdict(run) for run in runs]}


if __name__ == "__main__":
    main()
