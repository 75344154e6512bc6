"""How fast: the same songs through a plain loop, a process pool, Ray Data and a whole build, taking turns."""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.bench.library import make_library
from tests.bench.processes import measured
from tests.bench.tables import table

_INTERVAL_S: Final = 1.0  # sampling must not cost what it measures
SMALL: Final = 12


@dataclass(frozen=True)
class Run:
    """One way, once."""

    way: str
    repetition: int
    songs: int
    audio_hours: float
    startup_s: float
    """Until the first song could be worked on; for Ray, a whole session with nothing to do."""
    work_s: float
    cpu_s: float
    """Of all processes, their start included."""
    stages_s: dict[str, float]
    """Of a whole build."""

    @property
    def total_s(self) -> float:
        return self.startup_s + self.work_s


def run_ways(
    folder: Path, ways: Sequence[str], *, num_songs: int, repetitions: int, workers: int, say: Callable[[str], None]
) -> list[Run]:
    """Every way as often as asked, each time in a fresh process and a fresh folder, the order turning."""
    library = make_library(folder, num_songs=num_songs, num_processes=workers)
    runs = []
    for repetition in range(repetitions):
        turn = repetition % len(ways)
        for way in [*ways[turn:], *ways[:turn]]:
            run = _run(folder, way, library, repetition=repetition, workers=workers)
            if way == "ray":
                idle = _run(folder, "idle", library, repetition=repetition, workers=workers)
                run = replace(run, startup_s=idle.work_s, work_s=run.work_s - idle.work_s)
            runs.append(run)
            say(f"{way}, {num_songs} songs: start-up {runs[-1].startup_s:.1f} s, work {runs[-1].work_s:.1f} s")
    return runs


def _run(folder: Path, way: str, library: Path, *, repetition: int, workers: int) -> Run:
    output = folder / "output"
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "tests.bench.ways", "--workers", str(workers), way, str(library), str(output)]
    usage = measured(command, interval_s=_INTERVAL_S)
    shutil.rmtree(output)
    told = usage.result
    if told["rejected"]:
        raise RuntimeError(f"{way} rejected {told['rejected']} of the songs, which are all sound")
    return Run(
        way=way,
        repetition=repetition,
        songs=told["songs"],
        audio_hours=told["audio_hours"],
        startup_s=told["startup_s"],
        work_s=told["work_s"],
        cpu_s=usage.cpu_s,
        stages_s=told.get("stages_s", {}),
    )


def ratio(runs: Sequence[Run], *, of: str, to: str, seconds: Callable[[Run], float]) -> float:
    """The median over repetitions of one way's time by another's."""
    times = {(run.way, run.repetition): seconds(run) for run in runs}
    return median(times[of, run.repetition] / times[to, run.repetition] for run in runs if run.way == to)


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Medians by way, and ratios of times (above 1: Ray is slower)."""
    ways: dict[str, Any] = {}
    for way in dict.fromkeys(run.way for run in sorted(runs, key=lambda run: run.repetition)):
        own = [run for run in runs if run.way == way]
        ways[way] = {
            "startup_s": median(run.startup_s for run in own),
            "work_s": median(run.work_s for run in own),
            "songs_a_minute": median(60 * run.songs / run.work_s for run in own),
            "audio_hours_a_minute": median(60 * run.audio_hours / run.work_s for run in own),
            "cpu_s": median(run.cpu_s for run in own),
        }
    ratios = {
        f"ray/{other}": {
            "work": ratio(runs, of="ray", to=other, seconds=lambda run: run.work_s),
            "with start-up": ratio(runs, of="ray", to=other, seconds=lambda run: run.total_s),
        }
        for other in ("pool", "loop")
        if other in ways
    }
    return {"songs": runs[0].songs, "ways": ways, "ratios": ratios}


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """The summary for people."""
    headers = [f"{found['songs']} songs", "start-up s", "work s", "songs/min", "audio h/min", "CPU s"]
    tables = [table(headers, [[way, *row.values()] for way, row in found["ways"].items()], markdown=markdown)]
    headers = ["time of", "work", "with start-up"]
    tables.append(table(headers, [[name, *row.values()] for name, row in found["ratios"].items()], markdown=markdown))
    return "\n\n".join(tables)
