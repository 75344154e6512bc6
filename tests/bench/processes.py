"""Run a command and measure it from outside: the CPU time and memory of all its processes.

Sampled, because Ray's processes leave no account when they end: CPU time misses what a process did after its last
sample, memory a peak shorter than the interval. Memory counts pages, so the shared object store counts in every
process that touched it (RSS) or in parts (PSS).
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

MIB = 2**20


@dataclass
class Usage:
    """What a command and its descendants used. Memory in MiB, each a peak over time."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    driver_mb: float = 0.0
    """RSS of the command's own process."""
    worker_mb: float = 0.0
    """RSS of the largest worker."""
    ray_mb: float = 0.0
    """RSS of the largest of Ray's own processes, less its object store."""
    total_rss_mb: float = 0.0
    """All processes together; shared pages count more than once."""
    total_pss_mb: float | None = None
    """All processes together, shared pages once; None where the system does not tell or nobody asked."""
    object_store_mb: float | None = None
    """Pages of Ray's object store that were ever touched; None where the system does not tell."""
    result: dict[str, Any] = field(default_factory=dict)
    """What the command itself reported."""


def measured(command: Sequence[str], *, interval_s: float, with_pss: bool = False, aloud: bool = False) -> Usage:
    """Run a command that takes one more argument, the path to which it writes a JSON object of its own.

    ``aloud``: what it says on standard error is heard here.
    Raises RuntimeError with the end of its output where it fails.
    """
    usage, cpu_s = Usage(), dict[tuple[int, float], float]()
    with tempfile.TemporaryDirectory(prefix="drumline-bench-") as folder:
        report, log = Path(folder, "report.json"), Path(folder, "log.txt")
        started = time.monotonic()
        with (
            log.open("wb") as sink,
            subprocess.Popen(
                [*command, str(report)], stdout=sink, stderr=None if aloud else subprocess.STDOUT
            ) as child,
        ):
            driver = psutil.Process(child.pid)
            while child.poll() is None:
                _sample(driver, usage, cpu_s, with_pss=with_pss)
                time.sleep(interval_s)
        usage.wall_s = time.monotonic() - started
        if child.returncode:
            tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{tail}")
        usage.result = json.loads(report.read_bytes())
    usage.cpu_s = sum(cpu_s.values())
    return usage


def _sample(driver: psutil.Process, usage: Usage, cpu_s: dict[tuple[int, float], float], *, with_pss: bool) -> None:
    rss_mb = pss_mb = 0.0
    try:
        family = [driver, *driver.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            with process.oneshot():
                times, title = process.cpu_times(), " ".join(process.cmdline()[:1])
                mb = process.memory_info().rss / MIB
                pss_mb += process.memory_full_info().pss / MIB if with_pss and psutil.LINUX else 0.0
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it ended while we looked
        cpu_s[process.pid, process.create_time()] = times.user + times.system
        rss_mb += mb
        if process == driver:
            usage.driver_mb = max(usage.driver_mb, mb)
        elif title.startswith("ray::"):
            usage.worker_mb = max(usage.worker_mb, mb)
        else:
            store_mb = _object_store_mb(process.pid) if title.endswith("raylet") else None
            if store_mb is not None:
                usage.object_store_mb = max(usage.object_store_mb or 0.0, store_mb)
            usage.ray_mb = max(usage.ray_mb, mb - (store_mb or 0.0))
    usage.total_rss_mb = max(usage.total_rss_mb, rss_mb)
    if with_pss and psutil.LINUX:
        usage.total_pss_mb = max(usage.total_pss_mb or 0.0, pss_mb)


def _object_store_mb(raylet_pid: int) -> float | None:
    """Shared memory that the raylet has mapped and touched: the object store lives in it."""
    try:
        lines = Path(f"/proc/{raylet_pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssShmem:")), None)
