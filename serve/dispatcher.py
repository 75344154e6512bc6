"""Job dispatcher of one gateway replica: accept, dispatch to a worker, retry, take over. Without Ray.

An accepted job survives any crash. If a worker dies (`WorkerDied`), the job goes to another one. If a gateway dies, the
others see that its claims are no longer renewed, and take over. Storage that is full or unavailable is waited for and
does not count as an attempt.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from drumline.core.artifacts import STORAGE_ERRORS
from serve.job_store import JobStore
from serve.quota import Quota
from serve.records import Job, Outcome
from serve.settings import Jobs
from serve.upload_slots import UploadSlot, UploadSlots

log = logging.getLogger("drumline")

ProcessJob = Callable[[str], Awaitable[Outcome | None]]
"""Processes the recording of a job; None if the job was removed. Raises `WorkerDied`."""

_RETRY_DELAY_S: Final = 0.5
_STORAGE_RETRY_DELAY_S: Final = 5.0


class WorkerDied(Exception):
    """The worker process of a job has ended."""


class JobDispatcher:
    """Jobs of one gateway replica, from upload to outcome.

    Parameters
    ----------
    store
        Files of the jobs.
    process_job
        Runs inference on the recording of a job.
    settings
        Limits, retries and leases.
    upload_slots
        Slots for concurrent uploads.
    """

    def __init__(self, store: JobStore, process_job: ProcessJob, settings: Jobs, upload_slots: UploadSlots) -> None:
        self.store, self.upload_slots = store, upload_slots
        self.quota = Quota(settings, upload_slots)
        self._process_job, self._settings = process_job, settings
        self._running: dict[str, asyncio.Task[None]] = {}
        self._removals: set[asyncio.Task[None]] = set()

    def reserve_upload(self, client: str) -> AbstractContextManager[UploadSlot]:
        """Hold an upload slot for a client. Raises Problem if none is free."""
        limit = self._settings.max_waiting
        return self.upload_slots.reserve(
            client, free=limit - len(self._running), full=f"{limit} recordings are waiting"
        )

    def add_bytes(self, slot: UploadSlot, num_bytes: int) -> None:
        """Count received bytes of an upload. Raises Problem if a quota is exceeded."""
        self.upload_slots.add_bytes(slot, num_bytes)
        self.quota.check(slot.client)

    async def accept(self, job: Job, audio: Path) -> None:
        """Store an uploaded recording and start processing it.

        From here on the job is not lost. If the call is cancelled before, the job is removed.

        Parameters
        ----------
        job
            The accepted job.
        audio
            The uploaded file, which is moved into the store.
        """
        num_bytes = audio.stat().st_size
        adding = asyncio.create_task(asyncio.to_thread(self.store.add, job, audio))
        try:
            await asyncio.shield(adding)
        except asyncio.CancelledError:
            self.discard(job.id, after=adding)  # the thread goes on even if nobody awaits it
            raise
        self.quota.add(job, num_bytes)
        self._start(job.id, attempts=1)
        for surplus_id in self.quota.surplus(job.owner):
            self.quota.drop(surplus_id)
            self._in_background(self._remove_recording(surplus_id))

    async def _remove_recording(self, job_id: str) -> None:
        self.quota.drop(job_id)
        try:
            await asyncio.to_thread(self.store.remove_recording, job_id)
        except STORAGE_ERRORS as error:  # the next refresh of the quota counts it again
            log.warning("job %s: its recording cannot be removed (%s)", job_id, error or type(error).__name__)

    async def remove(self, job_id: str) -> None:
        """Remove a job with its recording and result; its processing stops."""
        self.quota.drop(job_id)
        await asyncio.to_thread(self.store.remove, job_id)

    def discard(self, job_id: str, *, after: asyncio.Task[None] | None = None) -> None:
        """Remove a job in the background, once a task has ended.

        For callers that are being cancelled: Serve cancels twice, and the second time would interrupt an `await`.
        """
        self._in_background(self._discard(job_id, after))

    def _in_background(self, removal: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(removal)
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)

    async def _discard(self, job_id: str, after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.gather(after, return_exceptions=True)
        await self.remove(job_id)

    async def wait(self, job_id: str) -> None:
        """Wait until a job of this replica has finished."""
        if task := self._running.get(job_id):
            await asyncio.shield(task)

    async def reprocess(self, job_id: str) -> None:
        """Run inference again for a job whose activations were evicted from the cache."""
        if job_id not in self._running:
            self._start(job_id, attempts=1)
        await self.wait(job_id)

    async def maintain(self) -> None:
        """Renew claims, take over abandoned jobs and remove expired ones, until cancelled."""
        while True:
            try:
                await self._maintain()
            except STORAGE_ERRORS as error:
                log.warning("%s: maintenance of jobs failed (%s)", self.store.uri, error)
            await asyncio.sleep(min(self._settings.lease_s / 3, self._settings.keep_s / 2))

    async def _maintain(self) -> None:
        for job_id in list(self._running):
            attempts = await asyncio.to_thread(self.store.attempts, job_id)
            if job_id in self._running:
                await asyncio.to_thread(self.store.claim, job_id, attempts=attempts)
        abandoned = await asyncio.to_thread(lambda: list(self.store.abandoned(lease_s=self._settings.lease_s)))
        for job in abandoned:
            if job.id in self._running:
                continue
            if not job.is_async:  # the client went with its connection and never learned the id
                log.warning("job %s ends: the connection that waited for it is closed", job.id)
                await self.remove(job.id)
                continue
            attempts = await asyncio.to_thread(self.store.attempts, job.id) + 1
            await asyncio.to_thread(self.store.claim, job.id, attempts=attempts)
            log.warning("job %s is taken over, attempt %d", job.id, attempts)
            self._start(job.id, attempts=attempts)
        await asyncio.to_thread(self.store.sweep, keep_s=self._settings.keep_s)
        await asyncio.to_thread(self.quota.refresh, self.store)

    def _start(self, job_id: str, *, attempts: int) -> None:
        task = asyncio.create_task(self._run(job_id, attempts))
        self._running[job_id] = task
        task.add_done_callback(lambda _: self._running.pop(job_id, None))

    async def _run(self, job_id: str, attempts: int) -> None:
        attempt = attempts
        while True:
            try:
                if attempts < attempt <= self._settings.max_attempts:
                    await asyncio.to_thread(self.store.claim, job_id, attempts=attempt)
                outcome = await self._outcome(job_id, attempt)
                if outcome is not None:
                    await asyncio.to_thread(self.store.finish, job_id, outcome)
                    self.quota.end(job_id)
                    if outcome.kind:  # a failed recording is never read again
                        await self._remove_recording(job_id)
                return
            except WorkerDied:
                log.warning("job %s: its worker died in attempt %d", job_id, attempt)
                attempt += 1
                await asyncio.sleep(_RETRY_DELAY_S)
            except STORAGE_ERRORS as error:
                log.warning("job %s: waits for storage (%s)", job_id, error or type(error).__name__)
                await asyncio.sleep(_STORAGE_RETRY_DELAY_S)

    async def _outcome(self, job_id: str, attempt: int) -> Outcome | None:
        """Outcome of one attempt. Raises `WorkerDied` and storage errors."""
        if attempt > self._settings.max_attempts:
            return Outcome("worker_crashed", f"{self._settings.max_attempts} attempts; the file is probably damaged")
        return await self._process_job(job_id)
