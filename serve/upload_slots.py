"""Slots for concurrent uploads: how many, by which client, and how fast.

If no slot is free, a stalled upload loses its slot to the next one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from serve.errors import busy
from serve.settings import Limits

_GRACE_S: Final = 1.0
"""Time before the rate of an upload is measured [s]."""
_STALL_S: Final = 2.0
"""Time without a byte after which an upload counts as stalled, however fast it was before [s]."""
_RETRY_AFTER_S: Final = 5.0


@dataclass(eq=False)
class UploadSlot:
    """A slot that is held by one upload."""

    client: str
    """Name of the API key or address of the client."""
    started_s: float
    """Start of the upload, by the clock of `UploadSlots` [s]."""
    received_s: float
    """Arrival of the last bytes [s]."""
    num_bytes: int = 0
    """Bytes received so far."""
    evicted: bool = False
    """Whether the upload stalled and lost its slot."""


class UploadSlots:
    """Upload slots of one gateway replica.

    Parameters
    ----------
    limits
        Minimum rate and number of uploads per client.
    now
        Clock [s].
    """

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits, self.now = limits, now
        self._slots: list[UploadSlot] = []

    @property
    def num_bytes(self) -> int:
        """Bytes received so far by all current uploads."""
        return sum(slot.num_bytes for slot in self._slots)

    def client_bytes(self, client: str) -> int:
        """Bytes received so far by a client's current uploads."""
        return sum(slot.num_bytes for slot in self._slots if slot.client == client)

    @contextmanager
    def reserve(self, client: str, *, free: int, full: str) -> Iterator[UploadSlot]:
        """Hold a slot for the duration of an upload.

        Parameters
        ----------
        client
            Name of the API key or address of the client.
        free
            Maximum number of concurrent uploads.
        full
            Error detail if no slot is free.

        Raises
        ------
        Problem
            ``busy``: all slots are held by uploads that make progress.
        """
        now_s = self.now()
        limit = self._limits.max_uploads_per_client
        slots_of_client = [slot for slot in self._slots if slot.client == client]
        if len(slots_of_client) >= limit:
            self._evict_slowest(slots_of_client, f"{limit} uploads of yours are in progress")
        if len(self._slots) >= free:
            self._evict_slowest(self._slots, full)
        slot = UploadSlot(client, now_s, now_s)
        self._slots.append(slot)
        try:
            yield slot
        finally:
            if not slot.evicted:
                self._slots.remove(slot)

    def add_bytes(self, slot: UploadSlot, num_bytes: int) -> None:
        """Count received bytes of an upload."""
        slot.num_bytes += num_bytes
        slot.received_s = self.now()

    def _evict_slowest(self, slots: list[UploadSlot], full: str) -> None:
        """Evict the slowest stalled upload. Raises Problem if none has stalled."""
        stalled = [slot for slot in slots if self._has_stalled(slot)]
        if not stalled:
            raise busy(full, retry_after_s=_RETRY_AFTER_S)
        slowest = min(stalled, key=lambda slot: slot.num_bytes / max(1e-3, self.now() - slot.started_s))
        slowest.evicted = True
        self._slots.remove(slowest)

    def _has_stalled(self, slot: UploadSlot) -> bool:
        now_s = self.now()
        age_s = now_s - slot.started_s
        slow = age_s > _GRACE_S and slot.num_bytes < 1000 * self._limits.min_upload_kb_s * age_s
        return slow or now_s - slot.received_s > _STALL_S
