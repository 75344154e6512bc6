"""Attempt ledger: records which items a worker was processing when it died.

Ray retries the task of a dead worker for ever, and with it the song that crashed it. Each attempt is recorded before
the item is processed, and removed afterwards. An item with ``max_attempts`` recorded attempts is given up. Attempts
count within one run, so that killing the driver incriminates no song.
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
    """Recorded attempts of one run: a small file per item in flight."""

    uri: str
    """Folder or URI of the records, on storage that all workers share."""
    timeout_s: float
    """Time limit of an attempt, after which its worker process exits [s]."""
    max_attempts: int
    """Number of failed attempts after which an item is given up."""

    def given_up(self, item: str) -> str:
        """How an item failed: ``died`` or ``timed_out``; empty if it may be tried (again)."""
        earlier = self.attempts(item)
        if len(earlier) < self.max_attempts:
            return ""
        return "timed_out" if all(entry["outcome"] == "timed_out" for entry in earlier) else "died"

    def attempts(self, item: str) -> list[dict[str, object]]:
        """Earlier attempts at an item that did not finish, with label, start time and outcome."""
        try:
            return list(parse_json(read_bytes(self._entry(item))))
        except FileNotFoundError:
            return []

    @contextmanager
    def attempt(self, item: str, label: str) -> Iterator[None]:
        """Record an attempt for as long as the block runs; exit the process after `timeout_s`.

        Python cannot interrupt a decoder stuck in C, so the worker exits and Ray starts another.

        Parameters
        ----------
        item
            Identifier of the item, as a file name.
        label
            Name of the item in messages.
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
        """Label and age [s] of every current attempt, the oldest first."""
        found = []
        for name in names(self.uri):
            try:
                entry = parse_json(read_bytes(join(self.uri, name)))[-1]
            except (FileNotFoundError, ValueError):
                continue  # it finished meanwhile
            found.append((str(entry["label"]), time.time() - float(entry["started"])))
        return sorted(found, key=lambda pair: -pair[1])

    def _entry(self, item: str) -> str:
        return join(self.uri, f"{item}.json")
