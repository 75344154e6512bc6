"""Map a function over many rows with Ray Data: bounded, streaming, retried, never silent.

Rows in and out are small (paths and summaries). Whatever is large goes through files that the function
writes, so the object store and the driver stay flat as a library grows.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext

from drumline.core.artifacts import STORAGE_ERRORS
from drumline.core.errors import DrumlineError
from drumline.runtime.causes import cause_of, text_of
from drumline.runtime.ledger import Ledger

log = logging.getLogger("drumline")

_MOST_ROWS_A_TASK = 16  # a task costs Ray some 20 ms of CPU
_TASKS_A_CPU = 2  # still to come when a block is cut
_STALL_NOTICE_S = 60.0


def map_rows(
    rows: Sequence[str],
    step: Callable[[str], Sequence[dict[str, Any]]],
    *,
    schema: pa.Schema,
    ledger: Ledger,
    num_cpus: float = 1.0,
) -> Iterator[dict[str, Any]]:
    """``step`` of every row on the cluster, results as they come (not in order).

    ``step`` takes one row (a string) and gives result rows of ``schema``. Ray runs the block of a worker that died
    again, for ever, so a step must be idempotent and ask the ledger before it does anything dangerous.

    Raises DrumlineError where the run as a whole cannot go on.
    """
    if not rows:
        return
    _configure(ledger)
    blocks = _blocks(rows, cpus=max(1, int(ray.cluster_resources().get("CPU", 1))), most=_MOST_ROWS_A_TASK)
    mapped = ray.data.from_arrow([pa.table({"row": list(block)}) for block in blocks]).map_batches(
        _Step(step, schema),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=num_cpus,
    )
    yield from _stream(mapped, ledger)


def map_actors(
    rows: Sequence[str],
    worker: type,
    *,
    arguments: tuple[Any, ...],
    ledger: Ledger,
    num_actors: int,
    num_cpus: float,
    num_gpus: float,
    rows_a_call: int = 1,
) -> Iterator[dict[str, Any]]:
    """Like `map_rows` with a class that is made once an actor and called for up to ``rows_a_call`` rows: for models.

    0 actors: as many as the cluster's processors, or graphics cards where they use those, allow.

    The pool may start with one actor, whatever its full size: a fixed pool that takes every CPU never
    starts (Ray issue 44687). Ray restarts dead actors for ever: ``worker`` asks the ledger before each call.
    """
    if not rows:
        return
    _configure(ledger)
    if not num_actors:
        kind, share = ("GPU", num_gpus) if num_gpus else ("CPU", num_cpus)
        num_actors = max(1, int(ray.cluster_resources().get(kind, 1) / share))
    blocks = _blocks(rows, cpus=num_actors, most=rows_a_call)
    mapped = ray.data.from_arrow([pa.table({"row": list(block)}) for block in blocks]).map_batches(
        worker,
        fn_constructor_args=arguments,
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=num_cpus,
        num_gpus=num_gpus or None,
        compute=ActorPoolStrategy(min_size=1, max_size=num_actors),
    )
    yield from _stream(mapped, ledger)


def _blocks(rows: Sequence[str], *, cpus: int, most: int) -> Iterator[Sequence[str]]:
    """One block a task: large ones first, for few tasks; single rows last, so that all CPUs are done together.

    Guided self-scheduling (Polychronopoulos, Kuck 1987).
    """
    start = 0
    while start < len(rows):
        size = min(most, max(1, (len(rows) - start) // (cpus * _TASKS_A_CPU)))
        yield rows[start : start + size]
        start += size


class _Step:
    """A block of rows through a function of one row. Defined here and not in a job: workers import it."""

    def __init__(self, step: Callable[[str], Sequence[dict[str, Any]]], schema: pa.Schema) -> None:
        self.step, self.schema = step, schema

    def __call__(self, block: pa.Table) -> pa.Table:
        results = [result for row in block["row"].to_pylist() for result in self.step(row)]
        return pa.Table.from_pylist(results, schema=self.schema)


def _configure(ledger: Ledger) -> None:
    """Set what a dataset takes over from the context when it is made."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True  # else all that arrives is "UDF failed to process a data block"
    # Ray counts finished blocks. The ledger ends stuck rows; what lasts longer than a block with a few of them hangs.
    context.execution_no_progress_timeout_s = int(2 * ledger.max_attempts * ledger.timeout_s + 120)


def _stream(dataset: Any, ledger: Ledger) -> Iterator[dict[str, Any]]:
    watch = StallWatch(ledger, notice_s=_STALL_NOTICE_S)
    watch.start()
    try:
        for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            watch.progress()
            yield from batch.to_pylist()
    except ray.exceptions.RayError as error:
        said = " ".join(text_of(error).split())[:500]
        if not isinstance(cause_of(error), DrumlineError):
            said = f"Ray gave up: {said}. What was finished is kept: run again to resume"
        raise DrumlineError(said) from error
    finally:
        watch.stop()


class StallWatch(threading.Thread):
    """Says what is in flight whenever nothing has come back for a while."""

    def __init__(self, ledger: Ledger, *, notice_s: float) -> None:
        super().__init__(daemon=True)
        self.ledger, self.notice_s = ledger, notice_s
        self._moved = time.monotonic()
        self._stopped = threading.Event()

    def progress(self) -> None:
        self._moved = time.monotonic()

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.wait(self.notice_s):
            quiet_s = time.monotonic() - self._moved
            if quiet_s < self.notice_s:
                continue
            try:
                found = self.ledger.in_flight()[:4]
            except STORAGE_ERRORS:
                continue  # the workers will say so
            doing = ", ".join(f"{label} ({age_s:.0f} s)" for label, age_s in found)
            log.warning("nothing finished for %.0f s; in flight: %s", quiet_s, doing or "nothing (no free CPU?)")
