"""Accepted recordings, as files: whoever dies, they stay, and any replica can go on with them or tell of them.

::

    <id>.audio           the recording, as it was sent
    <id>.job.json        what it is (`Job`); written last, so a job that can be seen is whole; removed first
    <id>.claim.json      who works on it and was last heard of when (`Claim`)
    <id>.progress.json   how much has been heard (seconds)
    <id>.outcome.json    how it ended (`Outcome`)

A file appears whole (`core.artifacts`). Two replicas that take up the same job do the same work twice and write the
same; nothing is locked.
"""

import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from drumline.core.artifacts import exists, filesystem, join, names, publish, read_bytes, remove, write_bytes

UPLOAD: Final = ".upload"
"""Ending of a recording that is still arriving, in the same folder."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_PARTS: Final = ("job.json", "claim.json", "progress.json", "outcome.json", "audio")
"""Of a job, in the order in which they are removed."""


@dataclass(frozen=True)
class Job:
    """What was accepted."""

    id: str
    """Not to be guessed: who knows it may have the result."""
    owner: str
    """Name of the API key; empty where there are none."""
    name: str
    """Of the file, without folders."""
    ending: str
    """Of such audio, by its content."""
    sha256: str
    """Of the file."""
    created_s: float
    """Seconds since 1970, as all times here."""
    expires_s: float
    max_duration_s: float
    """What it may last."""
    wanted: dict[str, Any] = field(default_factory=dict)
    """`asked.Wanted`: how it is decoded unless the result is asked for in another way."""


@dataclass(frozen=True)
class Claim:
    """Somebody works on it."""

    attempts: int
    heard_of_s: float


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    kind: str = ""
    """Of the problem (`problems.KINDS`); empty if all went well."""
    detail: str = ""
    """Of the problem."""
    duration_s: float = 0.0
    """Of the recording; 0 with a problem."""
    cache: Literal["hit", "miss"] = "miss"
    """Whether it had been heard before."""
    model: str = ""
    """Where the package is that heard it: while a model is rolled out, its listener's may not be its front's."""


@dataclass(frozen=True)
class State:
    """A job as it stands."""

    job: Job
    heard_s: float | None
    """Seconds of the recording; None before anything was heard."""
    duration_s: float | None
    outcome: Outcome | None
    """None until it has ended."""


def new_id() -> str:
    """128 random bits."""
    return secrets.token_urlsafe(16)


class JobStore:
    """The jobs in one place. All its methods read and write files: call them from a thread."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        if "://" not in uri:
            Path(uri).mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, job: Job, audio: Path) -> None:
        """Take a recording in; the file is moved away."""
        self._write(job.id, "claim.json", asdict(Claim(1, time.time())))
        publish(audio, self._place(job.id, "audio"))
        self._write(job.id, "job.json", asdict(job))

    def job(self, job_id: str) -> Job | None:
        """None where there is no such job, or no longer."""
        tree = self._read(job_id, "job.json") if _ID.fullmatch(job_id) else None
        return Job(**tree) if tree else None

    def state(self, job_id: str) -> State | None:
        """None where there is no such job, or no longer."""
        if (job := self.job(job_id)) is None or job.expires_s < time.time():
            return None
        progress, ended = self._read(job_id, "progress.json"), self._read(job_id, "outcome.json")
        outcome = Outcome(**ended) if ended else None
        heard_s, duration_s = (progress["heard_s"], progress["duration_s"]) if progress else (None, None)
        return State(job, heard_s, duration_s, outcome)

    def open_audio(self, job_id: str) -> BinaryIO:
        """The recording. Raises FileNotFoundError where the job is gone."""
        fs, path = filesystem(self._place(job_id, "audio"))
        file: BinaryIO = fs.open(path, "rb")
        return file

    def is_there(self, job_id: str) -> bool:
        """Whether anybody still wants it."""
        return exists(self._place(job_id, "job.json"))

    def tell_progress(self, job_id: str, *, heard_s: float, duration_s: float) -> bool:
        """So much of it has been heard. Whether anybody still wants it."""
        return self._note(job_id, "progress.json", {"heard_s": heard_s, "duration_s": duration_s})

    def finish(self, job_id: str, outcome: Outcome) -> None:
        """It has ended. Does nothing for a job that is no longer wanted."""
        self._note(job_id, "outcome.json", asdict(outcome))

    def claim(self, job_id: str, *, attempts: int) -> None:
        """Say that it is being worked on, if it is still wanted."""
        self._note(job_id, "claim.json", asdict(Claim(attempts, time.time())))

    def attempts(self, job_id: str) -> int:
        """How often it was taken up."""
        claim = self._read(job_id, "claim.json")
        return int(claim["attempts"]) if claim else 0

    def remove(self, job_id: str) -> None:
        """Forget a job: its work stops where it is. What was heard stays in the cache."""
        for part in _PARTS:
            with suppress(FileNotFoundError):
                remove(self._place(job_id, part))

    def abandoned(self, *, lease_s: float) -> Iterator[Job]:
        """Jobs that have not ended and that nobody was heard to work on for so long."""
        found = names(self.uri)
        for job_id in _ids(found, "job.json"):
            if f"{job_id}.outcome.json" in found:
                continue
            claim, job = self._read(job_id, "claim.json"), self.job(job_id)
            if job is not None and (claim is None or claim["heard_of_s"] < time.time() - lease_s):
                yield job

    def sweep(self, *, keep_s: float) -> None:
        """Remove what has expired, and what deaths and removals left behind: files of no job, that old."""
        found = names(self.uri)
        for job_id in _ids(found, "job.json"):
            if (job := self.job(job_id)) is not None and job.expires_s < time.time():
                self.remove(job_id)
        for name in found:
            head, _, part = name.partition(".")
            if f"{head}.job.json" not in found and (part in _PARTS or name.endswith((".part", UPLOAD))):
                with suppress(FileNotFoundError):
                    if self._age_s(name) > keep_s:
                        remove(join(self.uri, name))

    def _age_s(self, name: str) -> float:
        fs, path = filesystem(join(self.uri, name))
        return time.time() - float(fs.modified(path).timestamp())

    def _place(self, name: str, part: str) -> str:
        return join(self.uri, f"{name}.{part}")

    def _note(self, job_id: str, part: str, tree: dict[str, Any]) -> bool:
        """Write a part of a job, and say if it is still wanted; of one that is removed meanwhile nothing stays."""
        if not self.is_there(job_id):
            return False
        self._write(job_id, part, tree)
        if self.is_there(job_id):
            return True
        with suppress(FileNotFoundError):
            remove(self._place(job_id, part))
        return False

    def _write(self, name: str, part: str, tree: dict[str, Any]) -> None:
        write_bytes(self._place(name, part), json.dumps(tree).encode())

    def _read(self, name: str, part: str) -> dict[str, Any] | None:
        try:
            tree: dict[str, Any] = json.loads(read_bytes(self._place(name, part)))
        except FileNotFoundError:
            return None
        return tree


def _ids(found: set[str], part: str) -> list[str]:
    return sorted(name.removesuffix(f".{part}") for name in found if name.endswith(f".{part}"))
