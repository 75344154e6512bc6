"""Map a function over many rows with Ray Data: bounded memory, streaming results, retries, stall warnings.

Rows are small (paths and summaries). Large data goes through files that the function writes, so that memory of the
object store and the driver does not grow with a library.
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
from drumline.runtime.ledger import Ledger
from drumline.runtime.ray_errors import error_message, unwrap_error

log = logging.getLogger("drumline")

_MAX_ROWS_PER_TASK = 16  # a task costs Ray some 20 ms of CPU
_TASKS_PER_CPU = 2  # remaining when a block is cut
_STALL_NOTICE_S = 60.0


def map_rows(
    rows: Sequence[str],
    step: Callable[[str], Sequence[dict[str, Any]]],
    *,
    schema: pa.Schema,
    ledger: Ledger,
    num_cpus: float = 1.0,
) -> Iterator[dict[str, Any]]:
    """Apply a function to every row on the cluster.

    Parameters
    ----------
    rows
        Input rows, such as paths.
    step
        Returns the result rows of one input row. Ray repeats the block of a dead worker for ever, so a step must be
        idempotent and consult the ledger before risky work.
    schema
        Schema of the result rows.
    ledger
        Attempts of this run, for stall warnings.
    num_cpus
        CPUs that Ray reserves for a task.

    Yields
    ------
    dict
        Result rows as they finish, in any order.

    Raises
    ------
    DrumlineError
        The run as a whole cannot go on.
    """
    if not rows:
        return
    _configure(ledger)
    blocks = _blocks(rows, cpus=max(1, int(ray.cluster_resources().get("CPU", 1))), max_size=_MAX_ROWS_PER_TASK)
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
    """Apply a class to every row: constructed once per actor, for example to load a model.

    The pool starts with one actor: a fixed pool that takes every CPU never starts (Ray issue 44687). Ray restarts dead
    actors for ever, so ``worker`` consults the ledger before each call.

    Parameters
    ----------
    rows
        Input rows, such as paths.
    worker
        Class whose instances map a table of input rows (column ``row``) to a table of result rows.
    arguments
        Arguments of its constructor.
    ledger
        Attempts of this run, for stall warnings.
    num_actors
        Size of the pool; 0 fills the cluster's GPUs if actors use them, else its CPUs.
    num_cpus, num_gpus
        CPUs and GPUs that Ray reserves for an actor.
    rows_a_call
        Maximum number of rows per call.

    Yields
    ------
    dict
        Result rows as they finish, in any order.

    Raises
    ------
    DrumlineError
        The run as a whole cannot go on.
    """
    if not rows:
        return
    _configure(ledger)
    if not num_actors:
        resource, share = ("GPU", num_gpus) if num_gpus else ("CPU", num_cpus)
        num_actors = max(1, int(ray.cluster_resources().get(resource, 1) / share))
    blocks = _blocks(rows, cpus=num_actors, max_size=rows_a_call)
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


def _blocks(rows: Sequence[str], *, cpus: int, max_size: int) -> Iterator[Sequence[str]]:
    """Cut rows into one block per task: large blocks first, single rows last, so that all CPUs finish together.

    Guided self-scheduling (Polychronopoulos, Kuck 1987).
    """
    start = 0
    while start < len(rows):
        size = min(max_size, max(1, (len(rows) - start) // (cpus * _TASKS_PER_CPU)))
        yield rows[start : start + size]
        start += size


class _Step:
    """Maps a block of rows by a function of one row. Defined here and not in a job: workers import it."""

    def __init__(self, step: Callable[[str], Sequence[dict[str, Any]]], schema: pa.Schema) -> None:
        self.step, self.schema = step, schema

    def __call__(self, block: pa.Table) -> pa.Table:
        results = [result for row in block["row"].to_pylist() for result in self.step(row)]
        return pa.Table.from_pylist(results, schema=self.schema)


def _configure(ledger: Ledger) -> None:
    """Set the context from which new datasets take their options."""
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
        message = " ".join(error_message(error).split())[:500]
        if not isinstance(unwrap_error(error), DrumlineError):
            message = f"Ray gave up: {message}. Finished work is kept: run again to resume"
        raise DrumlineError(message) from error
    finally:
        watch.stop()


class StallWatch(threading.Thread):
    """Thread that logs current attempts when no result has arrived for `notice_s` [s]."""

    def __init__(self, ledger: Ledger, *, notice_s: float) -> None:
        super().__init__(daemon=True)
        self.ledger, self.notice_s = ledger, notice_s
        self._moved = time.monotonic()
        self._stopped = threading.Event()

    def progress(self) -> None:
        """Note that a result arrived."""
        self._moved = time.monotonic()

    def stop(self) -> None:
        """End the thread."""
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
                continue  # the workers report it
            in_flight = ", ".join(f"{label} ({age_s:.0f} s)" for label, age_s in found)
            log.warning("nothing finished for %.0f s; in flight: %s", quiet_s, in_flight or "nothing (no free CPU?)")
