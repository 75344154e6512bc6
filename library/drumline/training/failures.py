"""Why a training run as a whole failed, in words that a sweep counts by."""

import re
from typing import Final, Literal

import torch

from drumline.core.errors import DrumlineError

Reason = Literal["diverged", "out_of_memory", "worker_died", "error"]

_MEMORY: Final = re.compile(
    r"running low on memory|OutOfMemoryError|out of memory\. Tried|can't allocate memory|Cannot allocate memory"
)
"""What Ray's memory monitor, torch and the system say."""
_DEATH: Final = re.compile(
    r"(?:actor|worker)\w* (?:died|crashed|is dead|process has died)|ActorDiedError|NodeDied", re.I
)


class Diverged(DrumlineError):
    """A loss or a gradient that is no longer a number."""


class TrainingFailed(DrumlineError):
    """A run that cannot go on."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"training failed: {detail}. Run again to go on from the last checkpoint")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[type["TrainingFailed"], tuple[Reason, str]]:
        return type(self), (self.reason, self.detail)


BEYOND_RETRY: Final = (Diverged, torch.OutOfMemoryError, MemoryError)
"""What the same worker would come to again from the same checkpoint."""


def reason_of(text: str) -> Reason:
    """Why, by what an error says of itself."""
    if "Diverged" in text or "the gradient is" in text:
        return "diverged"
    if _MEMORY.search(text):
        return "out_of_memory"
    return "worker_died" if _DEATH.search(text) else "error"
