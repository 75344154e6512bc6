"""Thread-pool prefetch: run work in threads, in order, with bounded look-ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetch(work: Iterable[Callable[[], T]], *, threads: int) -> Iterator[T]:
    """Run callables in a thread pool and yield their results in order.

    Parameters
    ----------
    work : iterable of callables
        Consumed lazily; at most ``2 * threads`` callables are submitted and not yet yielded.
    threads : int
        Size of the pool; 0 runs each callable in the calling thread when its result is asked for.

    Yields
    ------
    Result of each callable. An exception of a callable is raised in its turn.

    Examples
    --------
    >>> list(prefetch((lambda n=n: n * n for n in range(4)), threads=2))
    [0, 1, 4, 9]
    """
    if not threads:
        yield from (task() for task in work)
        return
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for task in work:
            pending.append(pool.submit(task))
            if len(pending) >= 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
