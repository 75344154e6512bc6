"""One page of a run's benchmarks: each one's tables, what it cost, and how far from the machine's limits it is."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import ray
from tests.bench import limits
from tests.bench.processes import Usage

import drumline


def cost(usage: Usage) -> str:
    """What a benchmark took, for people."""
    shared_once = f", shared pages once {usage.total_pss_mb:,.0f} MiB" if usage.total_pss_mb else ""
    return (
        f"Peak memory of all its processes {usage.total_rss_mb:,.0f} MiB{shared_once}; "
        f"{usage.wall_s:,.0f} s, {usage.cpu_s:,.0f} CPU s."
    )


class Page:
    """The page as it grows: what is measured is written at once, so that a run that is ended leaves what it found."""

    def __init__(self, folder: Path, *, quick: bool, workers: int) -> None:
        self.folder = folder
        self.about = {
            "drumline": drumline.__version__,
            "quick": quick,
            "workers": workers,
            "cpus": os.cpu_count(),
            "load": os.getloadavg()[0],
            "python": platform.python_version(),
            "ray": ray.__version__,
        }
        self.parts: list[str] = []
        self.results: dict[str, dict[str, Any]] = {}

    def add(self, name: str, usage: Usage) -> None:
        """A benchmark that has ended: its result is ``{"tables": [plain, Markdown], "result": ...}``."""
        result = usage.result["result"]
        self.results[name] = result
        self.parts.append(f"## {name}\n\n{usage.result['tables'][1]}\n\n{cost(usage)}")
        took = {"wall_s": usage.wall_s, "cpu_s": usage.cpu_s, "peak_rss_mb": usage.total_rss_mb}
        told = {"about": self.about, "cost": {**took, "peak_pss_mb": usage.total_pss_mb}, **result}
        (self.folder / f"{name}.json").write_text(json.dumps(told, indent=1))
        self.write()

    def distances(self, *, markdown: bool) -> str:
        """Every stage beside its limit; nothing where either was not measured."""
        return limits.distances(self.results, markdown=markdown)

    def write(self) -> Path:
        """The page as a file."""
        location = self.folder / "page.md"
        about = ", ".join(f"{name} {value}" for name, value in self.about.items())
        parts = ["# Performance", f"One run of `python -m tests.bench`: {about}.", *self.parts]
        if distances := self.distances(markdown=True):
            parts += ["## Distance to the limits", distances]
        location.write_text("\n\n".join(parts) + "\n")
        return location
