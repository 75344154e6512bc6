"""Job store: accepted recordings and their state as files, so that they survive any process.

::

    <id>.audio           the recording, as uploaded
    <id>.song            the recording encoded for games, if a song folder needed it (`song_folders`)
    <id>.job.json        the job (`Job`); written last, so a visible job is complete; removed first
    <id>.claim.json      attempts, and when the gateway last renewed its lease (`Claim`)
    <id>.progress.json   processed audio (`Progress`)
    <id>.outcome.json    result (`Outcome`)

Files are written atomically (`core.artifacts`). A file that cannot be read, because it is foreign or of a newer
version, is logged and left until it expires (`records`). Nothing is locked: two replicas that process the same job
write the same result twice.
"""

import logging
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from fsspec.implementations.local import LocalFileSystem

from drumline.core.artifacts import exists, filesystem, join, names, publish, remove, write_bytes
from drumline.core.documents import DocumentError, read_json
from serve.errors import Problem
from serve.records import Claim, Job, JobState, Outcome, Progress, Record, from_json_value, is_newer, to_json

log = logging.getLogger("drumline")
UPLOAD: Final = ".upload"
"""File extension of an unfinished upload in the store's folder."""

EDITS: Final = "edits"
"""Folder of the jobs' edits (`edits`), by id; they are removed with the job."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_RECORDING_PARTS: Final = ("song", "audio")
_PARTS: Final = ("job.json", "claim.json", "progress.json", "outcome.json", *_RECORDING_PARTS)
"""Parts of a job, in the order of removal."""
_BLOCK_BYTES: Final = 1 << 20
_MAX_RECORD_BYTES: Final = 65_536
_MAX_WARNINGS: Final = 1000
"""Maximum number of files that are warned of, once each."""

T = TypeVar("T")


class JobStore:
    """Jobs below a folder or URI. All methods are blocking: call them from a thread.

    Parameters
    ----------
    uri
        Local folder, created if missing, or any fsspec URI.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._warned: set[str] = set()
        self._finished: set[str] = set()
        if "://" not in uri:
            Path(uri).mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, job: Job, audio: Path) -> None:
        """Store a job with its recording; the audio file is moved into the store."""
        self._write(job.id, "claim.json", Claim(1, time.time()))
        publish(audio, self._uri(job.id, "audio"))
        self._write(job.id, "job.json", job)

    def job(self, job_id: str) -> Job | None:
        """Read a job; None if it does not exist or cannot be read."""
        return self._read(job_id, "job.json", Job) if _ID.fullmatch(job_id) else None

    def state(self, job_id: str) -> JobState | None:
        """Read the state of a job.

        Returns
        -------
        JobState or None
            None if the job does not exist or has expired.

        Raises
        ------
        Problem
            ``not_ready``: the job was written by a newer version.
        """
        if (job := self.job(job_id)) is None:
            if _ID.fullmatch(job_id) and is_newer(self._tree(job_id, "job.json")):
                detail = "it was accepted by a newer version, which is being rolled out"
                raise Problem("not_ready", detail, {"Retry-After": "2"})
            return None
        if not job.expires_s >= time.time():  # NaN counts as expired
            return None
        progress = self._read(job_id, "progress.json", Progress)
        outcome = self._read(job_id, "outcome.json", Outcome)
        processed_s, duration_s = (progress.processed_s, progress.duration_s) if progress else (None, None)
        return JobState(job, processed_s, duration_s, outcome)

    def keep(self, job_id: str, *, until_s: float) -> None:
        """Postpone the removal of a job [s since 1970]; ignored if it was removed."""
        if (job := self.job(job_id)) is not None and job.expires_s < until_s:
            self._update(job_id, "job.json", replace(job, expires_s=until_s))

    def open_song(self, job_id: str) -> BinaryIO:
        """Open the recording encoded for games. Raises FileNotFoundError if it is not in the store."""
        fs, path = filesystem(self._uri(job_id, "song"))
        file: BinaryIO = fs.open(path, "rb")
        return file

    def add_song(self, job_id: str, song: Path) -> None:
        """Store the recording encoded for games; the file is moved into the store."""
        if self.exists(job_id):
            publish(song, self._uri(job_id, "song"))
            if not self.exists(job_id):
                self.remove_recording(job_id)

    def remove_recording(self, job_id: str) -> None:
        """Remove the recording of a job and keep its result."""
        for part in _RECORDING_PARTS:
            with suppress(FileNotFoundError):
                remove(self._uri(job_id, part))

    def recordings(self) -> dict[str, tuple[int, bool]]:
        """List stored recordings.

        Returns
        -------
        dict
            By job id: size [bytes], and whether the job has finished.
        """
        fs, path = filesystem(self.uri)
        fs.invalidate_cache()
        sizes: dict[str, int] = {}
        finished = set()
        for entry in fs.ls(path, detail=True):
            job_id, _, part = str(entry["name"]).rpartition("/")[2].partition(".")
            if part in _RECORDING_PARTS:
                sizes[job_id] = sizes.get(job_id, 0) + int(entry["size"] or 0)
            elif part == "outcome.json":
                finished.add(job_id)
        return {job_id: (num_bytes, job_id in finished) for job_id, num_bytes in sizes.items()}

    def open_audio(self, job_id: str) -> BinaryIO:
        """Open the recording. Raises FileNotFoundError if the job was removed.

        A recording in an object store is first copied to an unnamed temporary file: decoders read it in pieces, and
        some take a failing store for the end of the recording.
        """
        fs, path = filesystem(self._uri(job_id, "audio"))
        if isinstance(fs, LocalFileSystem):
            return Path(path).open("rb")
        with ExitStack() as failed:
            copy = failed.enter_context(tempfile.TemporaryFile())
            with fs.open(path, "rb") as file:
                shutil.copyfileobj(file, copy, _BLOCK_BYTES)
            copy.seek(0)
            failed.pop_all()  # the caller closes it
        return copy

    def exists(self, job_id: str) -> bool:
        """Whether a job is in the store."""
        return exists(self._uri(job_id, "job.json"))

    def write_progress(self, job_id: str, *, processed_s: float, duration_s: float) -> bool:
        """Write the progress of a job [s]; False if the job was removed."""
        return self._update(job_id, "progress.json", Progress(processed_s, duration_s))

    def finish(self, job_id: str, outcome: Outcome) -> None:
        """Mark a job as finished and store its outcome; ignored if the job was removed."""
        self._update(job_id, "outcome.json", outcome)

    def claim(self, job_id: str, *, attempts: int) -> None:
        """Renew the lease on a job and store its number of attempts; ignored if the job was removed."""
        self._update(job_id, "claim.json", Claim(attempts, time.time()))

    def attempts(self, job_id: str) -> int:
        """Number of attempts at a job so far."""
        claim = self._read(job_id, "claim.json", Claim)
        return claim.attempts if claim else 0

    def remove(self, job_id: str) -> None:
        """Remove a job and stop its processing; cached activations stay."""
        self._finished.discard(job_id)
        for part in _PARTS:
            with suppress(FileNotFoundError):
                remove(self._uri(job_id, part))
        fs, path = filesystem(join(self.uri, EDITS, job_id))
        if fs.exists(path):
            fs.rm(path, recursive=True)

    def job_ids(self) -> list[str]:
        """Ids of all jobs."""
        return _ids(names(self.uri), "job.json")

    def abandoned(self, *, lease_s: float) -> Iterator[Job]:
        """Unfinished jobs whose lease was not renewed for `lease_s` [s]."""
        files = names(self.uri)
        ids = _ids(files, "job.json")
        self._finished.intersection_update(ids)
        for job_id in ids:
            if f"{job_id}.outcome.json" in files and self._has_finished(job_id):
                continue
            claim, job = self._read(job_id, "claim.json", Claim), self.job(job_id)
            if job is not None and (claim is None or claim.renewed_s < time.time() - lease_s):
                yield job

    def sweep(self, *, keep_s: float) -> None:
        """Remove expired jobs, and files without a job that are older than `keep_s` [s]."""
        files = names(self.uri)
        for job_id in _ids(files, "job.json"):
            job = self.job(job_id)
            if not job.expires_s >= time.time() if job is not None else self._is_expired_unreadable(job_id, keep_s):
                self.remove(job_id)
        for name in files:
            head, _, part = name.partition(".")
            if f"{head}.job.json" not in files and (part in _PARTS or name.endswith((".part", UPLOAD))):
                with suppress(FileNotFoundError):
                    if self._age_s(name) > keep_s:
                        remove(join(self.uri, name))

    def _has_finished(self, job_id: str) -> bool:
        """Whether a job has a readable outcome; it is read once."""
        if job_id not in self._finished and self._read(job_id, "outcome.json", Outcome) is not None:
            self._finished.add(job_id)
        return job_id in self._finished

    def _is_expired_unreadable(self, job_id: str, keep_s: float) -> bool:
        """Whether an unreadable job has expired: by its ``expires_s`` if it has one, else by its age."""
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

    def _uri(self, name: str, part: str) -> str:
        return join(self.uri, f"{name}.{part}")

    def _update(self, job_id: str, part: str, record: Record) -> bool:
        """Write a part of a job; False if the job was removed, before or meanwhile."""
        if not self.exists(job_id):
            return False
        self._write(job_id, part, record)
        if self.exists(job_id):
            return True
        with suppress(FileNotFoundError):
            remove(self._uri(job_id, part))
        return False

    def _write(self, name: str, part: str, record: Record) -> None:
        write_bytes(self._uri(name, part), to_json(record))

    def _read(self, name: str, part: str, record_type: type[T]) -> T | None:
        """Read a record of a job; None if it is missing or unreadable."""
        if (tree := self._tree(name, part)) is None:
            return None
        try:
            return from_json_value(record_type, tree)
        except DocumentError as error:
            self._warn(name, part, str(error))
            return None

    def _tree(self, name: str, part: str) -> Any:
        """Read a JSON file of a job; None if it is missing or not JSON."""
        try:
            return read_json(self._uri(name, part), max_bytes=_MAX_RECORD_BYTES)
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


def _ids(files: set[str], part: str) -> list[str]:
    ids = (name.removesuffix(f".{part}") for name in files if name.endswith(f".{part}"))
    return sorted(job_id for job_id in ids if _ID.fullmatch(job_id))
