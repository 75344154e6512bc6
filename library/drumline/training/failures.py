"""Failures of training runs, classified by reason for sweeps and retries."""

import re
from typing import Final, Literal

import torch

from drumline.core.errors import DrumlineError

Reason = Literal["diverged", "out_of_memory", "worker_died", "error"]

_MEMORY: Final = re.compile(
    r"running low on memory|OutOfMemoryError|out of memory\. Tried|can't allocate memory|Cannot allocate memory"
)
"""Messages of Ray's memory monitor, torch and the operating system about missing memory."""
_DEATH: Final = re.compile(
    r"(?:actor|worker)\w* (?:died|crashed|is dead|process has died)|ActorDiedError|NodeDied", re.I
)


class Diverged(DrumlineError):
    """The loss or the gradient is NaN or infinite."""


class TrainingFailed(DrumlineError):
    """A training run failed; it can be resumed from its last checkpoint.

    Parameters
    ----------
    reason
        Reason of the failure, for counting.
    detail
        Message of the original error.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"training failed: {detail}. Run again to go on from the last checkpoint")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[type["TrainingFailed"], tuple[Reason, str]]:
        return type(self), (self.reason, self.detail)


BEYOND_RETRY: Final = (Diverged, torch.OutOfMemoryError, MemoryError)
"""Errors that would recur after a restart from the same checkpoint."""


def classify_error(text: str) -> Reason:
    """Classify an error by its message: ``diverged``, ``out_of_memory``, ``worker_died`` or ``error``."""
    if "Diverged" in text or "the gradient is" in text:
        return "diverged"
    if _MEMORY.search(text):
        return "out_of_memory"
    return "worker_died" if _DEATH.search(text) else "error"
