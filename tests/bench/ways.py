"""The same work in four ways, each in a process of its own: `python -m tests.bench.ways WAY LIBRARY OUTPUT REPORT`.

``loop``, ``pool`` and ``ray`` do all the work on single songs, products published; ``build`` is the whole build. What
each calls start-up ends when its workers could begin on the first song: Ray connected, processes there, our
modules imported.
"""

import json
import logging
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import click

from drumline.core.artifacts import join
from drumline.dataset.build import _work_on_songs, build, plan
from drumline.dataset.config import BuildConfig
from drumline.dataset.sources import SongSource
from drumline.dataset.stems import Stems
from drumline.dataset.steps import OUTCOME, SongStep
from drumline.runtime.ledger import Ledger
from drumline.runtime.mapping import map_rows
from drumline.runtime.report import RunReport
from drumline.runtime.session import session

Outcomes = list[dict[str, Any]]
_ROWS_A_CPU: Final = 2
_READY_S: Final = 0.1


class _Ready(SongStep):
    """Does nothing: its arrival has made a worker and imported all that the work imports."""

    def __call__(self, row: str) -> Sequence[dict[str, Any]]:
        time.sleep(_READY_S)  # so that one worker does not take every row
        nothing: dict[str, Any] = {"reused": False, "cpu_s": 0.0, "peak_mb": 0.0, "recordings": []}
        return [{"key": row, "format": "", "reason": "", "detail": "", "product": "", **nothing}]


def loop(sources: Sequence[SongSource], step: SongStep, num_workers: int) -> tuple[float, Outcomes]:
    """One process; (start-up [s], outcomes)."""
    return 0.0, [outcome for source in sources for outcome in step(source.to_json())]


def pool(sources: Sequence[SongSource], step: SongStep, num_workers: int) -> tuple[float, Outcomes]:
    """A pool of fresh processes."""
    started = time.monotonic()
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(num_workers + 1)
    with spawn.Pool(num_workers, initializer=_meet, initargs=(ready,)) as workers:
        ready.wait()
        startup_s = time.monotonic() - started
        results = workers.imap_unordered(step, [source.to_json() for source in sources])
        return startup_s, [outcome for result in results for outcome in result]


def ray(sources: Sequence[SongSource], step: SongStep, num_workers: int) -> tuple[float, Outcomes]:
    """A Ray session that works on the songs, as the build does."""
    with session(step.config.run.ray):
        return 0.0, _work_on_songs(sources, step, RunReport("build"))


def idle(sources: Sequence[SongSource], step: SongStep, num_workers: int) -> tuple[float, Outcomes]:
    """The same session with nothing to do: what Ray costs before and after any work. Told as `ray`'s start-up."""
    with session(step.config.run.ray):
        rows = [str(number) for number in range(_ROWS_A_CPU * num_workers)]
        list(map_rows(rows, _Ready(step.config, step.stems, step.ledger), schema=OUTCOME, ledger=step.ledger))
    return 0.0, []


Way = Callable[[Sequence[SongSource], SongStep, int], tuple[float, Outcomes]]
WAYS: Final[Mapping[str, Way]] = MappingProxyType({"loop": loop, "pool": pool, "ray": ray, "idle": idle})


def _meet(ready: Barrier) -> None:
    ready.wait()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("way", type=click.Choice([*WAYS, "build"]))
@click.argument("library", type=click.Path(exists=True, path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("report", type=click.Path(path_type=Path))
@click.option("--workers", default=2, show_default=True, help="Processes, or Ray's CPUs.")
def main(way: str, library: Path, output: Path, report: Path, workers: int) -> None:
    """Work on LIBRARY in one WAY, into the new folder OUTPUT; write what was measured to REPORT (JSON)."""
    logging.basicConfig(level=logging.WARNING)
    tree = {
        "name": "bench",
        "roots": [{"uri": str(library), "name": "songs"}],
        "output": str(output),
        "run": {"ray": {"address": "local", "num_cpus": workers}},
    }
    config = BuildConfig.model_validate(tree, strict=False)
    started = time.monotonic()
    if way == "build":
        told = json.loads(Path(build(config).report).read_bytes())
        found = {"songs": told["songs"], "rejected": told["songs_rejected"], "audio_hours": told["audio_hours"]}
        found["stages_s"] = told["stages_s"]
        startup_s = time.monotonic() - started - sum(told["stages_s"].values())
    else:
        step = SongStep(
            config,
            Stems.open(config),
            Ledger(join(config.work_uri, "attempts"), config.run.song_timeout_s, max_attempts=1),
        )
        startup_s, outcomes = WAYS[way](plan(config), step, workers)
        hours = sum(recording["duration_s"] for outcome in outcomes for recording in outcome["recordings"]) / 3600
        rejected = sum(bool(outcome["reason"]) for outcome in outcomes)
        found = {"songs": len(outcomes), "rejected": rejected, "audio_hours": hours}
    elapsed_s = time.monotonic() - started
    report.write_text(json.dumps({**found, "startup_s": startup_s, "work_s": elapsed_s - startup_s}))


if __name__ == "__main__":
    main()
