"""`python -m tests.bench [NAME ...]`: measure on this machine what docs/benchmarks.md states, and make one page of it.

Each benchmark runs in a process of its own, watched from here: its memory and processor time stand beside its numbers.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from tests.bench import (
    alignment,
    evaluation,
    fingerprints,
    hostile_load,
    kernels,
    kits,
    limits,
    memory,
    parity,
    quality,
    rendering,
    separation,
    serving,
    sizing,
    sweep,
    throughput,
    training,
    transcription,
)
from tests.bench.page import Page, cost
from tests.bench.processes import measured

_INTERVAL_S = 1.0
CLAIMS = {
    "alignment": alignment,
    "evaluation": evaluation,
    "fingerprints": fingerprints,
    "hostile_load": hostile_load,
    "kernels": kernels,
    "kits": kits,
    "limits": limits,
    "parity": parity,
    "quality": quality,
    "rendering": rendering,
    "separation": separation,
    "serving": serving,
    "sizing": sizing,
    "sweep": sweep,
    "training": training,
    "transcription": transcription,
}
BENCHMARKS = ("build", "small", "memory", *CLAIMS)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option("--songs", default=1500, show_default=True, help="Songs of `build`, of about a minute each.")
@click.option("--sizes", default="200,2000", show_default=True, help="Songs of `memory`.")
@click.option("--repetitions", default=1, show_default=True, help="How often each way of `build` and `small` runs.")
@click.option("--workers", default=2, show_default=True, help="Processes of the pool, CPUs of Ray.")
@click.option("--quick", is_flag=True, help="A few songs, once: only to see that it works.")
@click.option("--folder", default="out/bench", show_default=True, type=click.Path(path_type=Path))
@click.option("--markdown", is_flag=True, help="Tables for docs/benchmarks.md.")
@click.option("--into", type=click.Path(path_type=Path), hidden=True, help="Of one benchmark, in this very process.")
def main(
    names: tuple[str, ...],
    songs: int,
    sizes: str,
    repetitions: int,
    workers: int,
    quick: bool,
    folder: Path,
    markdown: bool,
    into: Path | None,
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
    limits   what this machine could do at best: multiply-adds, copying, decoding; beside it what each stage does
    parity   the released package's graphs beside torch: how far apart, how large, how fast
    kits     sampled kits: label to acoustic onset by class, time to open, memory, rendering speed
    quality  the checks of a dataset of a million events, and the tools on as many lines
    rendering
             whole runs of drumline render-corpus, effects off and all on
    separation
             Demucs on rebuilt mixes, with DRUMLINE_SEPARATOR_WEIGHTS set
    serving  the HTTP endpoint: windows batched and not, cold answers and cached ones, rising rates until it is full
    sizing   what a library costs a build's driver and a bucket's listing, at two sizes; what a million songs would
    sweep    trainings by Ray Tune beside a plain loop; decodings judged a second
    training Ray Train beside a plain PyTorch loop, and either half alone; precisions where there is a GPU
    transcription
             one song by each runtime, a library by loop and job, cached beside cold, the decoder beside a naive one

    All of them if none is named, and FOLDER/page.md of them. With the defaults, seventy minutes on two cores that do
    nothing else.
    """
    if quick:
        songs, sizes, repetitions = 30, "12,30", 1

    folder.mkdir(parents=True, exist_ok=True)
    if into is not None:
        (name,) = names
        tables, result = _measure(name, folder, songs, sizes, repetitions, workers, quick=quick)
        into.write_text(json.dumps({"tables": tables, "result": result}))
        return
    own = ["--songs", songs, "--sizes", sizes, "--repetitions", repetitions, "--workers", workers, "--folder", folder]
    page = Page(folder, quick=quick, workers=workers)
    for name in names or BENCHMARKS:
        click.echo(f"{name} ...", err=True)
        command = [sys.executable, "-m", "tests.bench", name, *map(str, own), *(["--quick"] if quick else []), "--into"]
        usage = measured(command, interval_s=_INTERVAL_S, with_pss=True, aloud=True)
        page.add(name, usage)
        click.echo(f"\n{usage.result['tables'][int(markdown)]}\n{cost(usage)}\n")
    click.echo(page.distances(markdown=markdown))
    click.echo(f"\nthe whole page: {page.write()}")


def _measure(
    name: str, folder: Path, songs: int, sizes: str, repetitions: int, workers: int, *, quick: bool
) -> tuple[list[str], dict[str, Any]]:
    """A benchmark's tables, for a terminal and in Markdown, and its numbers."""

    def say(line: str) -> None:
        click.echo(f"  {line}", err=True)

    result: dict[str, Any]
    report: Callable[..., str]
    if name in CLAIMS:
        result, report = CLAIMS[name].measure(quick=quick, say=say), CLAIMS[name].report
        return [report(result, markdown=markdown) for markdown in (False, True)], result
    if name == "memory":
        peaks = memory.peaks(folder, [int(size) for size in sizes.split(",")], workers=workers, say=say)
        return [memory.report(peaks, markdown=markdown) for markdown in (False, True)], {"sizes": peaks}
    small = name == "small"
    runs = throughput.run_ways(
        folder,
        ("loop", "ray") if small else ("loop", "pool", "ray", "build"),
        num_songs=throughput.SMALL if small else songs,
        repetitions=repetitions,
        workers=workers,
        say=say,
    )
    found = throughput.summary(runs)
    return [throughput.report(found, markdown=markdown) for markdown in (False, True)], {
        **found,
        "runs": [asdict(run) for run in runs],
    }


if __name__ == "__main__":
    main()
