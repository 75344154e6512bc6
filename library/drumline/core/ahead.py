"""Do what is to come in threads, while what is done is used: a few steps ahead, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(work: Iterable[Callable[[], T]], *, threads: int) -> Iterator[T]:
    """What each piece of work gives, in order; at most twice as many as ``threads`` are under way.

    0 threads: each is done when its turn comes, in this one.
    """
    if not threads:
        yield from (each() for each in work)
        return
    under_way: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for each in work:
            under_way.append(pool.submit(each))
            if len(under_way) >= 2 * threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
