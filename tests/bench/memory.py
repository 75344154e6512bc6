"""How much memory: whole builds of different sizes side by side. It should not grow with the number of songs."""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.bench.library import make_library
from tests.bench.processes import measured
from tests.bench.tables import table

_INTERVAL_S: Final = 0.2
_TOLD: Final = {
    "driver_mb": "driver, RSS",
    "worker_mb": "largest worker, RSS",
    "ray_mb": "largest process of Ray itself, RSS less object store",
    "object_store_mb": "object store, touched",
    "total_pss_mb": "all processes, PSS",
    "total_rss_mb": "all processes, sum of RSS",
}


def peaks(folder: Path, sizes: Sequence[int], *, workers: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Peak memory [MiB] of a whole build of each size, each in processes of its own."""
    found = []
    for size in sizes:
        library = make_library(folder, num_songs=size, num_processes=workers)
        output = folder / "output"
        shutil.rmtree(output, ignore_errors=True)
        command = [sys.executable, "-m", "tests.bench.ways", "--workers", str(workers), "build", str(library)]
        usage = measured([*command, str(output)], interval_s=_INTERVAL_S, with_pss=True)
        shutil.rmtree(output)
        found.append({"songs": size, **asdict(usage)})
        say(f"build of {size} songs: {usage.wall_s:.0f} s")
    return found


def report(found: Sequence[dict[str, Any]], *, markdown: bool) -> str:
    """The peaks for people."""
    headers = ["peak memory, MiB", *(f"{size['songs']} songs" for size in found)]
    rows = [[title, *(size[name] for size in found)] for name, title in _TOLD.items()]
    return table(headers, rows, markdown=markdown)
