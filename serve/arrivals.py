"""Uploads on their way: how many, whose, and how fast. A place is for a body that arrives.

Where places are short, an upload that has stalled loses its place to the next one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from serve.problems import busy
from serve.settings import Limits

_GRACE_S: Final = 1.0
"""Before an upload's rate is measured."""
_PAUSE_S: Final = 2.0
"""Without a byte, after which an upload has stalled however fast it was before."""
_RETRY_AFTER_S: Final = 5.0


@dataclass(eq=False)
class Arrival:
    """One upload."""

    client: str
    started_s: float
    received_s: float
    """When the last bytes came."""
    num_bytes: int = 0
    evicted: bool = False
    """It stalled while others waited for its place."""


class Arrivals:
    """The uploads of one front."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits, self.now = limits, now
        self._arriving: list[Arrival] = []

    @property
    def num_bytes(self) -> int:
        """Received so far, of all uploads under way."""
        return sum(each.num_bytes for each in self._arriving)

    def of(self, client: str) -> int:
        """Bytes received so far, of a client's uploads under way."""
        return sum(each.num_bytes for each in self._arriving if each.client == client)

    @contextmanager
    def place(self, client: str, *, free: int, full: str) -> Iterator[Arrival]:
        """A place for an upload, while it arrives.

        Parameters
        ----------
        client
            Who sends it: the name of a key, or an address.
        free
            Uploads that there is room for.
        full
            Why there are no more, for whoever gets none.

        Raises
        ------
        Problem
            ``busy``: all places are taken by uploads that make progress.
        """
        now_s = self.now()
        most = self._limits.max_uploads_per_client
        own = [each for each in self._arriving if each.client == client]
        if len(own) >= most:
            self._make_room(own, f"{most} uploads of yours are under way")
        if len(self._arriving) >= free:
            self._make_room(self._arriving, full)
        arrival = Arrival(client, now_s, now_s)
        self._arriving.append(arrival)
        try:
            yield arrival
        finally:
            if not arrival.evicted:
                self._arriving.remove(arrival)

    def received(self, arrival: Arrival, num_bytes: int) -> None:
        """Count bytes of an upload."""
        arrival.num_bytes += num_bytes
        arrival.received_s = self.now()

    def _make_room(self, among: list[Arrival], full: str) -> None:
        """Evict the slowest of the uploads that have stalled. Raises Problem where none has."""
        stalled = [each for each in among if self._has_stalled(each)]
        if not stalled:
            raise busy(full, retry_after_s=_RETRY_AFTER_S)
        slowest = min(stalled, key=lambda each: each.num_bytes / max(1e-3, self.now() - each.started_s))
        slowest.evicted = True
        self._arriving.remove(slowest)

    def _has_stalled(self, each: Arrival) -> bool:
        now_s = self.now()
        age_s = now_s - each.started_s
        slow = age_s > _GRACE_S and each.num_bytes < 1000 * self._limits.min_upload_kb_s * age_s
        return slow or now_s - each.received_s > _PAUSE_S
