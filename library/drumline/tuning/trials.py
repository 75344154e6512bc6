"""Trials as files, so that a killed sweep goes on and no finished trial is done twice. Below a sweep's output::

    trials/<id>/progress.json    how far a trial is: its values, scores by epoch, where its run is
    trials/<id>/result.json      what came of it: a trial with this file is done
    trials/<id>/run/             the training run itself (`training`)

An id is the fingerprint of the trial's resolved configuration and of its dataset: sweeps that share an output share
what they have in common.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from drumline.core.artifacts import exists, filesystem, join, read_bytes, remove, write_bytes
from drumline.core.config import C, Config, canonical_json, parse_config
from drumline.core.documents import parse_json

State = Literal["finished", "stopped", "failed"]

REASONS: Final = {
    "diverged": "its loss or gradient is no longer a number",
    "out_of_memory": "the processor's or the graphics card's memory was not enough",
    "worker_died": "a process died, more often than workers.max_failures allows",
    "error": "anything else: the detail holds its text",
}
"""Every reason for which a trial fails."""


class Progress(Config):
    """How far a trial is."""

    values: dict[str, Any]
    """Of the space's keys, now."""
    run: str = ""
    """Output of its training run."""
    curve: tuple[tuple[int, float], ...] = ()
    """(epoch, score) of each validated epoch."""
    seconds: float = 0.0
    """Spent until its newest epoch [s]."""

    @property
    def score(self) -> float | None:
        """The best so far."""
        return max((score for _, score in self.curve), default=None)


class Trial(Progress):
    """What came of a trial."""

    id: str
    """Its folder."""
    state: State
    """``stopped``: by the scheduler, behind others."""
    reason: str = ""
    """Of a failed one: a key of `REASONS`."""
    detail: str = ""
    """Of a failed one."""


@dataclass(frozen=True)
class Trials:
    """All trials below one output."""

    output: str

    def folder(self, id_: str) -> str:
        return join(self.output, "trials", id_)

    def result(self, id_: str) -> Trial | None:
        """Of a trial that is done."""
        return _read(Trial, join(self.folder(id_), "result.json"))

    def progress(self, id_: str) -> Progress | None:
        """Of a trial that was begun."""
        return _read(Progress, join(self.folder(id_), "progress.json"))

    def ids(self) -> list[str]:
        """Of all that were begun, in order."""
        fs, path = filesystem(join(self.output, "trials"))
        fs.invalidate_cache()
        found = fs.ls(path, detail=False) if fs.exists(path) else []
        return sorted(str(each).rstrip("/").rpartition("/")[2] for each in found)

    def save_progress(self, id_: str, progress: Progress) -> None:
        write_bytes(join(self.folder(id_), "progress.json"), canonical_json(progress).encode())

    def end(self, id_: str, state: State, *, reason: str = "", detail: str = "") -> Trial | None:
        """Write down what came of a trial that was begun; an earlier word stands. None where it never began."""
        if (told := self.result(id_)) is not None:
            return told
        if (progress := self.progress(id_)) is None:
            return None
        trial = Trial(id=id_, state=state, reason=reason, detail=detail[:500], **progress.model_dump())
        write_bytes(join(self.folder(id_), "result.json"), canonical_json(trial, indent=1).encode())
        return trial

    def reopen(self, id_: str) -> None:
        """Take back that a trial is done: it goes on where its run is."""
        remove(join(self.folder(id_), "result.json"))

    def forget(self, id_: str) -> None:
        """Remove a trial with its run."""
        fs, path = filesystem(self.folder(id_))
        if fs.exists(path):
            fs.rm(path, recursive=True)


def _read(kind: type[C], uri: str) -> C | None:
    return parse_config(kind, parse_json(read_bytes(uri)), place=uri) if exists(uri) else None
