"""The matrix: which job, which fault, and what is promised.

``finished``  the run that is disturbed ends well by itself
``resumed``   it ends, with the message if one is promised, and the same command ends well
``either``    one of the two, by how long the fault lasts
``told``      the next run ends with the message; once what it names is mended, the same command ends well

Whatever the promise, the result is the undisturbed run's to the byte, nothing that was finished is done again, and
nothing stands in it twice.
"""

from dataclasses import dataclass
from typing import Final, Literal

Promise = Literal["finished", "resumed", "either", "told"]
Moment = Literal["", "late"]
"""When a fault strikes: as soon as work is under way (of the endpoint: once recordings are accepted and before any is
finished), or ``late``, in the middle of it."""


@dataclass(frozen=True)
class Case:
    """One cell."""

    stage: str
    """A key of `stages.STAGES`, or ``serve`` (`serving`)."""
    fault: str
    """The name of one of `faults.Fault`, or of `serving`'s own."""
    promise: Promise
    message: str = ""
    """Regular expression: what drumline says where the promise is not ``finished``; of the endpoint, what a newcomer is
    answered meanwhile."""
    redone: int = 0
    """The most finished work that may have to be done again."""
    moment: Moment = ""

    @property
    def name(self) -> str:
        return f"{self.stage}/{self.fault}" + (f"-{self.moment}" if self.moment else "")


_STORAGE: Final = r"output.*run again to resume|endpoint URL.*output"
_SOURCE: Final = r"endpoint URL.*/inputs/songs/.*run again to resume"
_DISK: Final = r"the disk is full: [\d,]+ bytes wanted, [\d,]+ free: '.*/disk/output/"
_DAMAGED: Final = {
    "build": r"/_work/songs/.*\.parquet: damaged",
    "train": r"/shards/train-.*\.parquet: damaged",
    "sweep": r"/shards/train-.*\.parquet: damaged",
    "library": r"/_work/songs/.*\.parquet: damaged",
}
"""Job -> what is said of a file that it reads again."""


def _of_job(stage: str, *, damaged: int, storage: Promise = "resumed") -> tuple[Case, ...]:
    """``damaged``: how much finished work the damaged file holds."""
    return (
        Case(stage, "worker", "finished"),
        Case(stage, "node", "finished"),
        Case(stage, "driver", "resumed"),
        Case(stage, "storage", storage, _STORAGE),
        Case(stage, "disk", "resumed", _DISK),
        Case(stage, "damage", "told", _DAMAGED[stage], redone=damaged),
        Case(stage, "slow", "finished"),
        Case(stage, "clock", "finished"),
    )


CASES: Final = (
    *_of_job("build", damaged=1),
    Case("build", "driver", "resumed", moment="late"),
    Case("build", "storage", "resumed", _STORAGE, moment="late"),
    *_of_job("train", damaged=0, storage="either"),
    Case("train", "driver", "resumed", moment="late"),
    Case("train", "checkpoint", "resumed", redone=7),  # keep.every_steps
    *_of_job("sweep", damaged=0),
    *_of_job("library", damaged=1),
    Case("library", "driver", "resumed", moment="late"),
    Case("library", "source", "resumed", _SOURCE),
    Case("serve", "node", "finished"),
    Case("serve", "driver", "resumed"),
    Case("serve", "storage", "finished", "storage_unavailable"),
    Case("serve", "storage", "finished", "storage_unavailable", moment="late"),
    Case("serve", "disk", "finished", "storage_unavailable"),
    Case("serve", "slow", "finished"),
    Case("serve", "clock", "finished"),
)
