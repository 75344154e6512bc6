"""Run one item under the attempt ledger; crashes, timeouts and unexpected exceptions become rejections."""

import logging
import traceback
from collections.abc import Callable
from typing import TypeVar

from drumline.core.artifacts import STORAGE_ERRORS
from drumline.core.errors import Rejected
from drumline.runtime.ledger import Ledger

log = logging.getLogger("drumline")

T = TypeVar("T")


def run_guarded(ledger: Ledger, item: str, label: str, work: Callable[[], T]) -> T | Rejected:
    """Run `work` for one item, or reject the item.

    Parameters
    ----------
    ledger
        Attempts of this run.
    item
        Identifier of the item, as a file name.
    label
        Name of the item in messages.
    work
        Processes the item.

    Returns
    -------
    T or Rejected
        Result of `work`; or ``worker_crashed`` or ``timed_out`` after too many attempts, or ``unexpected_error``.

    Raises
    ------
    OSError
        Storage errors concern the run, not the item.
    """
    if failure := ledger.given_up(item):
        timed_out = failure == "timed_out"
        limit = f", limit {ledger.timeout_s:.0f} s each" if timed_out else ""
        happened = "timed out" if timed_out else "crashed"
        return Rejected(
            "timed_out" if timed_out else "worker_crashed",
            f"{label}: the worker {happened} in all of {ledger.max_attempts} attempts{limit}",
        )
    with ledger.attempt(item, label):
        try:
            return work()
        except STORAGE_ERRORS:
            raise
        except Exception as error:  # the one place where an unforeseen error becomes a row
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.exception("%s", label)
            return Rejected(
                "unexpected_error", f"{type(error).__name__}: {error} (at {where.name}, line {where.lineno})"
            )
