"""Trials as files, so that a killed sweep resumes and no finished trial is repeated. Below a sweep's output::

    trials/<id>/progress.json    parameter values, scores by epoch, and output of its run
    trials/<id>/result.json      result; marks a trial as done
    trials/<id>/run/             training run (`training`)

An id is the fingerprint of the trial's resolved configuration and dataset: sweeps with the same output share trials.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from drumline.core.artifacts import exists, filesystem, join, read_bytes, remove, write_bytes
from drumline.core.config import C, Config, canonical_json, parse_config
from drumline.core.documents import parse_json

State = Literal["finished", "stopped", "failed"]

REASONS: Final = {
    "diverged": "its loss or gradient is no longer a number",
    "out_of_memory": "CPU or GPU memory was not enough",
    "worker_died": "a process died more often than workers.max_failures allows",
    "error": "any other error: see the detail",
}
"""Reasons of failed trials, with their meaning."""


class Progress(Config):
    """Progress of a trial."""

    values: dict[str, Any]
    """Current parameter values."""
    run: str = ""
    """Output of its training run."""
    curve: tuple[tuple[int, float], ...] = ()
    """Epoch and score of each validation."""
    seconds: float = 0.0
    """Running time until its newest epoch [s]."""

    @property
    def score(self) -> float | None:
        """Best score so far."""
        return max((score for _, score in self.curve), default=None)


class Trial(Progress):
    """Result of a trial."""

    id: str
    """Name of its folder."""
    state: State
    """Final state; ``stopped`` is early stopping by the scheduler."""
    reason: str = ""
    """Reason of a failure, a key of `REASONS`."""
    detail: str = ""
    """Error message of a failure."""


@dataclass(frozen=True)
class Trials:
    """Files of all trials below one output."""

    output: str
    """Output folder or URI of the sweep."""

    def folder(self, id_: str) -> str:
        """URI of a trial's folder."""
        return join(self.output, "trials", id_)

    def result(self, id_: str) -> Trial | None:
        """Read the result of a trial; None if it is unfinished."""
        return _read(Trial, join(self.folder(id_), "result.json"))

    def progress(self, id_: str) -> Progress | None:
        """Read the progress of a trial; None if it never started."""
        return _read(Progress, join(self.folder(id_), "progress.json"))

    def ids(self) -> list[str]:
        """Ids of all started trials, sorted."""
        fs, path = filesystem(join(self.output, "trials"))
        fs.invalidate_cache()
        found = fs.ls(path, detail=False) if fs.exists(path) else []
        return sorted(str(each).rstrip("/").rpartition("/")[2] for each in found)

    def save_progress(self, id_: str, progress: Progress) -> None:
        write_bytes(join(self.folder(id_), "progress.json"), canonical_json(progress).encode())

    def end(self, id_: str, state: State, *, reason: str = "", detail: str = "") -> Trial | None:
        """Write the result of a started trial; an existing result is kept. None if it never started."""
        if (existing := self.result(id_)) is not None:
            return existing
        if (progress := self.progress(id_)) is None:
            return None
        trial = Trial(id=id_, state=state, reason=reason, detail=detail[:500], **progress.model_dump())
        write_bytes(join(self.folder(id_), "result.json"), canonical_json(trial, indent=1).encode())
        return trial

    def reopen(self, id_: str) -> None:
        """Remove the result of a trial, so that its run resumes."""
        remove(join(self.folder(id_), "result.json"))

    def forget(self, id_: str) -> None:
        """Remove a trial with its run."""
        fs, path = filesystem(self.folder(id_))
        if fs.exists(path):
            fs.rm(path, recursive=True)


def _read(kind: type[C], uri: str) -> C | None:
    return parse_config(kind, parse_json(read_bytes(uri)), location=uri) if exists(uri) else None
