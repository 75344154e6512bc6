"""Work on one item under the ledger's eye: what ends its worker, or errs unforeseen, becomes a rejection."""

import logging
import traceback
from collections.abc import Callable
from typing import TypeVar

from drumline.core.artifacts import STORAGE_ERRORS
from drumline.core.errors import Rejected
from drumline.runtime.ledger import Ledger

log = logging.getLogger("drumline")

T = TypeVar("T")


def attempted(ledger: Ledger, item: str, label: str, work: Callable[[], T]) -> T | Rejected:
    """What ``work`` gives, or why it gives nothing: ``worker_crashed``, ``timed_out`` or ``unexpected_error``.

    ``label`` is what people call the item. Raises what storage raises: that is the run's trouble, not the item's.
    """
    if end := ledger.given_up(item):
        timed_out = end == "timed_out"
        limit = f", limit {ledger.timeout_s:.0f} s each" if timed_out else ""
        return Rejected(
            "timed_out" if timed_out else "worker_crashed",
            f"{label}: {ledger.max_attempts} attempts, each ended its worker{limit}",
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
