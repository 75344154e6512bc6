"""The dashboards for Grafana, as the series that they draw."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
DASHBOARDS: Final = sorted((ROOT / "configs" / "cluster" / "grafana").glob("*.json"))
NOT_ALWAYS: Final = frozenset(
    {"ray_node_gpus_utilization", "ray_node_gram_used", "ray_memory_manager_worker_eviction_total"}
)
"""Told by nodes with graphics cards alone, and once it happens."""
_SERIES: Final = re.compile(r"\b(ray_\w+)\b")


def panels(path: Path) -> list[dict[str, Any]]:
    """All of a dashboard."""
    return list(json.loads(path.read_text(encoding="utf-8"))["panels"])


def queries(path: Path) -> Iterator[str]:
    """In PromQL, as they are."""
    for panel in panels(path):
        yield from (target["expr"] for target in panel["targets"])


def series(path: Path) -> set[str]:
    """The names that its queries ask for."""
    return {name for query in queries(path) for name in _SERIES.findall(query)}
