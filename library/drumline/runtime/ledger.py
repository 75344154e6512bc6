"""The attempt ledger: which item was being worked on when a worker died.

Ray retries the task of a dead worker for ever, and with it the song that killed it. Before an item is
worked on, its attempt is written down; afterwards the entry is removed. An item that comes back with
``max_attempts`` entries is poison and is given up instead of tried again. Attempts count within one run:
killing the driver does not make innocent songs suspect.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drumline.core.artifacts import join, names, read_bytes, remove, write_bytes
from drumline.core.documents import parse_json

_TIMED_OUT_EXIT = 75


@dataclass(frozen=True)
class Ledger:
    """Attempts below one folder, one small file an item in flight."""

    uri: str
    """Folder of this run's entries, on storage that all workers share."""
    timeout_s: float
    """An attempt longer than this ends its worker."""
    max_attempts: int
    """Attempts after which an item is given up."""

    def given_up(self, item: str) -> str:
        """Empty while an item may be tried; else what ended its attempts: ``died`` or ``timed_out``."""
        earlier = self.attempts(item)
        if len(earlier) < self.max_attempts:
            return ""
        return "timed_out" if all(entry["outcome"] == "timed_out" for entry in earlier) else "died"

    def attempts(self, item: str) -> list[dict[str, object]]:
        """Earlier attempts at an item that did not end."""
        try:
            return list(parse_json(read_bytes(self._entry(item))))
        except FileNotFoundError:
            return []

    @contextmanager
    def attempt(self, item: str, label: str) -> Iterator[None]:
        """Record an attempt for as long as the block runs; end the process if it outlasts the limit.

        Python cannot interrupt a decoder stuck in C, so the worker exits and Ray starts another.
        """
        earlier = self.attempts(item)
        entry = {"label": label, "started": time.time(), "outcome": "died"}
        write_bytes(self._entry(item), json.dumps([*earlier, entry]).encode())

        def expire() -> None:
            write_bytes(self._entry(item), json.dumps([*earlier, {**entry, "outcome": "timed_out"}]).encode())
            os._exit(_TIMED_OUT_EXIT)

        watchdog = threading.Timer(self.timeout_s, expire)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()
        remove(self._entry(item))

    def in_flight(self) -> list[tuple[str, float]]:
        """(label, seconds since it started) of every attempt under way, longest first."""
        found = []
        for name in names(self.uri):
            try:
                entry = parse_json(read_bytes(join(self.uri, name)))[-1]
            except (FileNotFoundError, ValueError):
                continue  # it ended while we looked
            found.append((str(entry["label"]), time.time() - float(entry["started"])))
        return sorted(found, key=lambda pair: -pair[1])

    def _entry(self, item: str) -> str:
        return join(self.uri, f"{item}.json")
