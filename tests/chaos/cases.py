"""The matrix: which job, which fault, and what is promised.

``finished``  the run that is disturbed ends well by itself
``resumed``   it ends, with the message if one is promised, and the same command ends well
``told``      the next run ends with the message; once what it names is mended, the same command ends well

Whatever the promise, the result is the undisturbed run's to the byte, nothing that was finished is done again, and
nothing stands in it twice.
"""

from dataclasses import dataclass
from typing import Final, Literal

Promise = Literal["finished", "resumed", "told"]


@dataclass(frozen=True)
class Case:
    """One cell."""

    stage: str
    """A key of `stages.STAGES`, or ``serve`` (`serving`)."""
    fault: str
    """The name of one of `faults.Fault`, or of `serving`'s own."""
    promise: Promise
    message: str = ""
    """Regular expression: what drumline says where the promise is not ``finished``."""
    redone: int = 0
    """The most finished work that may have to be done again."""

    @property
    def name(self) -> str:
        return f"{self.stage}/{self.fault}"


_STORAGE: Final = r"output.*run again to resume|endpoint URL.*output"
_DISK: Final = r"the disk is full: [\d,]+ bytes wanted, [\d,]+ free: '.*/disk/output/"
CASES: Final = (
    Case("build", "worker", "finished"),
    Case("build", "node", "finished"),
    Case("build", "driver", "resumed"),
    Case("build", "storage", "resumed", _STORAGE),
    Case("build", "disk", "resumed", _DISK),
    Case("build", "damage", "told", r"/_work/songs/.*\.parquet: damaged"),
    Case("build", "slow", "finished"),
    Case("build", "clock", "finished"),
    Case("train", "worker", "finished"),
    Case("train", "node", "finished"),
    Case("train", "driver", "resumed"),
    Case("train", "storage", "resumed", _STORAGE),
    Case("train", "disk", "resumed", _DISK),
    Case("train", "damage", "told", r"/shards/train-.*\.parquet: damaged"),
    Case("train", "checkpoint", "resumed", redone=7),  # keep.every_steps
    Case("train", "slow", "finished"),
    Case("train", "clock", "finished"),
    Case("library", "worker", "finished"),
    Case("library", "node", "finished"),
    Case("library", "driver", "resumed"),
    Case("library", "storage", "resumed", _STORAGE),
    Case("library", "disk", "resumed", _DISK),
    Case("library", "damage", "told", r"/_work/songs/.*\.parquet: damaged"),
    Case("library", "slow", "finished"),
    Case("library", "clock", "finished"),
    Case("serve", "node", "finished"),
    Case("serve", "driver", "resumed"),
    Case("serve", "storage", "finished"),
    Case("serve", "disk", "finished", "storage_unavailable"),
    Case("serve", "slow", "finished"),
    Case("serve", "clock", "finished"),
)
