"""Forward progress lines of workers to the driver's console while they run."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray

Line = dict[str, Any]
"""A progress line: values by column."""

_POLL_INTERVAL_S = 0.5


class LineSender:
    """Sends progress lines to the driver, from any process.

    Calls do not block, and a lost line is no error.
    """

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer

    def __call__(self, line: Line) -> None:
        self.buffer.put.remote(line)


@contextmanager
def forward_worker_lines(show: Callable[[Line], None]) -> Iterator[LineSender]:
    """Show the lines that workers send, from a thread of the driver, for as long as the block runs.

    Parameters
    ----------
    show
        Called with each line, in the driver.

    Yields
    ------
    LineSender
        A callable for workers; it can be pickled.
    """
    buffer = ray.remote(num_cpus=0)(_LineBuffer).remote()
    ended = threading.Event()

    def poll() -> None:
        last = False
        while not last:
            last = ended.wait(_POLL_INTERVAL_S)
            try:
                lines = ray.get(buffer.take.remote())
            except ray.exceptions.RayError:
                return  # the buffer's node is gone, the run goes on
            for line in lines:
                show(line)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield LineSender(buffer)
    finally:
        ended.set()
        thread.join()


class _LineBuffer:
    """Actor that holds lines between workers and driver."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def put(self, line: Line) -> None:
        self.lines.append(line)

    def take(self) -> list[Line]:
        lines, self.lines = self.lines, []
        return lines
