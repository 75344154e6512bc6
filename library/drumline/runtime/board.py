"""Lines from a worker to the driver's console, as they come."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray

Line = dict[str, Any]

_EVERY_S = 0.5


class Tell:
    """Tells a line, from whichever process. Nobody waits: a lost line is no harm."""

    def __init__(self, board: Any) -> None:
        self.board = board

    def __call__(self, line: Line) -> None:
        self.board.put.remote(line)


@contextmanager
def told(show: Callable[[Line], None]) -> Iterator[Tell]:
    """Show what workers tell, in a thread, for as long as the block runs. Ray must be connected."""
    board = ray.remote(num_cpus=0)(_Board).remote()
    over = threading.Event()

    def follow() -> None:
        last = False
        while not last:
            last = over.wait(_EVERY_S)
            try:
                lines = ray.get(board.take.remote())
            except ray.exceptions.RayError:
                return  # its node is gone; the run is not
            for line in lines:
                show(line)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield Tell(board)
    finally:
        over.set()
        thread.join()


class _Board:
    """The actor between them."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def put(self, line: Line) -> None:
        self.lines.append(line)

    def take(self) -> list[Line]:
        lines, self.lines = self.lines, []
        return lines
