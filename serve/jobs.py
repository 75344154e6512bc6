"""Accepted recordings, as files: whoever dies, they stay, and any replica can go on with them or report on them.

::

    <id>.audio           the recording, as it was sent
    <id>.song            the recording as games play it, where it was asked for and is another (`folders`)
    <id>.job.json        what it is (`Job`); written last, so a job that can be seen is whole; removed first
    <id>.claim.json      who works on it and was last heard of when (`Claim`)
    <id>.progress.json   how much has been heard (`Progress`)
    <id>.outcome.json    how it ended (`Outcome`)

A file appears whole (`core.artifacts`). One that cannot be read, foreign or of a newer version, is logged and left
until it expires (`records`). Two replicas that take up the same job do the same work twice and write the same; nothing
is locked.
"""

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from drumline.core.artifacts import exists, filesystem, join, names, publish, remove, write_bytes
from drumline.core.documents import DocumentError, read_json
from serve.problems import Problem
from serve.records import Claim, Job, Outcome, Progress, State, is_newer, record_of

log = logging.getLogger("drumline")
UPLOAD: Final = ".upload"
"""Ending of a recording that is still arriving, in the same folder."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_RECORDINGS: Final = ("song", "audio")
_PARTS: Final = ("job.json", "claim.json", "progress.json", "outcome.json", *_RECORDINGS)
"""Of a job, in the order in which they are removed."""
_MAX_RECORD_BYTES: Final = 65_536
_MAX_WARNINGS: Final = 1000
"""Files that are warned of once each."""

T = TypeVar("T")


class JobStore:
    """The jobs in one place. All its methods read and write files: call them from a thread."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._warned: set[str] = set()
        self._ended: set[str] = set()
        if "://" not in uri:
            Path(uri).mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, job: Job, audio: Path) -> None:
        """Take a recording in; the file is moved away."""
        self._write(job.id, "claim.json", asdict(Claim(1, time.time())))
        publish(audio, self._place(job.id, "audio"))
        self._write(job.id, "job.json", asdict(job))

    def job(self, job_id: str) -> Job | None:
        """None where there is no such job, or no longer, or where it cannot be read."""
        return self._read(job_id, "job.json", Job) if _ID.fullmatch(job_id) else None

    def state(self, job_id: str) -> State | None:
        """None where there is no such job, or no longer. Raises Problem for one of a newer version."""
        if (job := self.job(job_id)) is None:
            if _ID.fullmatch(job_id) and is_newer(self._tree(job_id, "job.json")):
                detail = "it was accepted by a newer version, which is being rolled out"
                raise Problem("not_ready", detail, {"Retry-After": "2"})
            return None
        if not job.expires_s >= time.time():  # which holds for NaN too
            return None
        progress = self._read(job_id, "progress.json", Progress)
        outcome = self._read(job_id, "outcome.json", Outcome)
        heard_s, duration_s = (progress.heard_s, progress.duration_s) if progress else (None, None)
        return State(job, heard_s, duration_s, outcome)

    def open_song(self, job_id: str) -> BinaryIO:
        """The recording as games play it. Raises FileNotFoundError where it was not made, or is gone."""
        fs, path = filesystem(self._place(job_id, "song"))
        file: BinaryIO = fs.open(path, "rb")
        return file

    def add_song(self, job_id: str, song: Path) -> None:
        """Keep the recording as games play it with a job; the file is moved away."""
        if self.is_there(job_id):
            publish(song, self._place(job_id, "song"))
            if not self.is_there(job_id):
                self.remove_recording(job_id)

    def remove_recording(self, job_id: str) -> None:
        """Remove what a finished job's result does not need."""
        for part in _RECORDINGS:
            with suppress(FileNotFoundError):
                remove(self._place(job_id, part))

    def recordings(self) -> dict[str, tuple[int, bool]]:
        """Bytes of each job's recording, and whether the job has ended, by id."""
        fs, path = filesystem(self.uri)
        fs.invalidate_cache()
        found: dict[str, int] = {}
        ended = set()
        for entry in fs.ls(path, detail=True):
            job_id, _, part = str(entry["name"]).rpartition("/")[2].partition(".")
            if part in _RECORDINGS:
                found[job_id] = found.get(job_id, 0) + int(entry["size"] or 0)
            elif part == "outcome.json":
                ended.add(job_id)
        return {job_id: (num_bytes, job_id in ended) for job_id, num_bytes in found.items()}

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
        return self._note(job_id, "progress.json", asdict(Progress(heard_s, duration_s)))

    def finish(self, job_id: str, outcome: Outcome) -> None:
        """It has ended. Does nothing for a job that is no longer wanted."""
        self._note(job_id, "outcome.json", asdict(outcome))

    def claim(self, job_id: str, *, attempts: int) -> None:
        """Say that it is being worked on, if it is still wanted."""
        self._note(job_id, "claim.json", asdict(Claim(attempts, time.time())))

    def attempts(self, job_id: str) -> int:
        """How often it was taken up."""
        claim = self._read(job_id, "claim.json", Claim)
        return claim.attempts if claim else 0

    def remove(self, job_id: str) -> None:
        """Forget a job: its work stops where it is. What was heard stays in the cache."""
        self._ended.discard(job_id)
        for part in _PARTS:
            with suppress(FileNotFoundError):
                remove(self._place(job_id, part))

    def abandoned(self, *, lease_s: float) -> Iterator[Job]:
        """Jobs that have not ended and that nobody was heard to work on for so long."""
        found = names(self.uri)
        ids = _ids(found, "job.json")
        self._ended.intersection_update(ids)
        for job_id in ids:
            if f"{job_id}.outcome.json" in found and self._has_ended(job_id):
                continue
            claim, job = self._read(job_id, "claim.json", Claim), self.job(job_id)
            if job is not None and (claim is None or claim.heard_of_s < time.time() - lease_s):
                yield job

    def sweep(self, *, keep_s: float) -> None:
        """Remove what has expired, and what deaths and removals left behind: files of no job, that old."""
        found = names(self.uri)
        for job_id in _ids(found, "job.json"):
            job = self.job(job_id)
            if not job.expires_s >= time.time() if job is not None else self._has_expired_unread(job_id, keep_s):
                self.remove(job_id)
        for name in found:
            head, _, part = name.partition(".")
            if f"{head}.job.json" not in found and (part in _PARTS or name.endswith((".part", UPLOAD))):
                with suppress(FileNotFoundError):
                    if self._age_s(name) > keep_s:
                        remove(join(self.uri, name))

    def _has_ended(self, job_id: str) -> bool:
        """Whether an outcome can be read, which is done once."""
        if job_id not in self._ended and self._read(job_id, "outcome.json", Outcome) is not None:
            self._ended.add(job_id)
        return job_id in self._ended

    def _has_expired_unread(self, job_id: str, keep_s: float) -> bool:
        """Whether a job that cannot be read is to go: when it says so itself, else by its age."""
        tree = self._tree(job_id, "job.json")
        expires_s = tree.get("expires_s") if isinstance(tree, Mapping) else None
        if isinstance(expires_s, int | float):
            return bool(expires_s < time.time())
        with suppress(FileNotFoundError):
            return self._age_s(f"{job_id}.job.json") > keep_s
        return False

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

    def _read(self, name: str, part: str, kind: type[T]) -> T | None:
        """A part of a job; None where there is none, or where it is not of this kind."""
        if (tree := self._tree(name, part)) is None:
            return None
        try:
            return record_of(kind, tree)
        except DocumentError as error:
            self._warn(name, part, str(error))
            return None

    def _tree(self, name: str, part: str) -> Any:
        """A part of a job as it is written; None where there is none, or no JSON."""
        try:
            return read_json(self._place(name, part), max_bytes=_MAX_RECORD_BYTES)
        except FileNotFoundError:
            return None
        except DocumentError as error:
            self._warn(name, part, str(error))
            return None

    def _warn(self, name: str, part: str, reason: str) -> None:
        file = f"{name}.{part}"
        if file not in self._warned and len(self._warned) < _MAX_WARNINGS:
            self._warned.add(file)
            log.warning("%s: left alone until it expires (%s)", join(self.uri, file), reason)


def _ids(found: set[str], part: str) -> list[str]:
    ids = (name.removesuffix(f".{part}") for name in found if name.endswith(f".{part}"))
    return sorted(job_id for job_id in ids if _ID.fullmatch(job_id))
