"""Export parity: the released package's graphs beside torch on one rendered song: how far apart, how fast."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tests.bench.recordings import rendered
from tests.bench.tables import table
from threadpoolctl import threadpool_limits

from drumline.core.grid import RATE_HZ
from drumline.decoding.model_package import GRAPHS, WEIGHTS, find_package, read_package
from drumline.transcription.engine import Engine, open_engine

_TURNS: Final = 3


def measure(*, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """One row a graph, on one thread, the weights on torch first."""
    folder = find_package()
    samples = rendered(1, kit=1, mixed=True, num_bars=12 if quick else 90).samples
    with threadpool_limits(1):
        truth, torch_s = _heard(open_engine(str(folder), runtime="torch", threads=1), samples)
        rows = [{"graph": "torch", "mb": (folder / WEIGHTS).stat().st_size / 1e6, "cpu_s": torch_s}]
        for precision in read_package(folder).precisions:
            found, cpu_s = _heard(open_engine(str(folder), precision=precision, threads=1), samples)
            apart = np.abs(found - truth)
            rows.append(
                {
                    "graph": precision,
                    "mb": (folder / GRAPHS[precision]).stat().st_size / 1e6,
                    "cpu_s": cpu_s,
                    "largest": float(apart.max()),
                    "mean": float(apart.mean(dtype=np.float64)),
                }
            )
            say(f"{precision}: {torch_s / cpu_s:.1f} times as fast as torch, {rows[-1]['largest']:.1e} apart")
    return {"package": folder.name, "seconds": len(samples) / RATE_HZ, "rows": rows}


def _heard(engine: Engine, samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Probabilities of the whole song [T, C], and the median CPU time of features and network [s]."""

    def infer() -> NDArray[np.float32]:
        pieces = engine.network.infer(lambda start, stop: samples[start:stop], len(samples))
        return np.concatenate([piece.probability for piece in pieces])

    outputs, spent_s = infer(), []
    for _ in range(_TURNS):
        since = time.process_time()
        infer()
        spent_s.append(time.process_time() - since)
    return outputs, median(spent_s)


def report(found: dict[str, Any], *, markdown: bool) -> str:
    """Beside torch."""
    base = found["rows"][0]["cpu_s"]
    head = [
        f"{found['package']}, {found['seconds']:.0f} s, one thread",
        *("MB", "CPU s", "times as fast as torch", "largest difference of a probability", "mean"),
    ]
    rows = [
        [row["graph"], row["mb"], row["cpu_s"], base / row["cpu_s"], row.get("largest"), row.get("mean")]
        for row in found["rows"]
    ]
    return table(head, rows, markdown=markdown)
