"""Jobs as one replica of the front looks after them: taken in, handed to a listener, tried again, taken over. No Ray.

An accepted job is done whoever dies. A listener that dies is `Lost`, and the job is handed to another. Of a front that
dies, other replicas see that its claims are no longer renewed. Storage that is full or away for a while is no fault of
a recording's: it is waited for, and counts as no attempt.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from drumline.core.artifacts import STORAGE_ERRORS
from serve.arrivals import Arrival, Arrivals
from serve.jobs import JobStore
from serve.quota import Quota
from serve.records import Job, Outcome
from serve.settings import Jobs

log = logging.getLogger("drumline")

Listen = Callable[[str], Awaitable[Outcome | None]]
"""Has a job's recording heard; None where the job is gone. Raises `Lost`."""

_BETWEEN_ATTEMPTS_S: Final = 0.5
_STORAGE_AGAIN_S: Final = 5.0


class Lost(Exception):
    """Who listened has died."""


class Desk:
    """The jobs in this replica's care."""

    def __init__(self, store: JobStore, listen: Listen, settings: Jobs, arrivals: Arrivals) -> None:
        self.store, self.arrivals = store, arrivals
        self.quota = Quota(settings, arrivals)
        self._listen, self._settings = listen, settings
        self._working: dict[str, asyncio.Task[None]] = {}
        self._removals: set[asyncio.Task[None]] = set()

    def place(self, client: str) -> AbstractContextManager[Arrival]:
        """Room for one more recording, while it arrives. Raises Problem where there is none."""
        free = self._settings.max_waiting - len(self._working)
        return self.arrivals.place(client, free=free, full=f"{self._settings.max_waiting} recordings are waiting")

    def received(self, arrival: Arrival, num_bytes: int) -> None:
        """Count bytes of a recording that arrives. Raises Problem where there is no room for more."""
        self.arrivals.received(arrival, num_bytes)
        self.quota.check(arrival.client)

    async def accept(self, job: Job, audio: Path) -> None:
        """Take a recording in and begin with it. From here on it is not lost; cancelled before, it is forgotten."""
        num_bytes = audio.stat().st_size
        adding = asyncio.create_task(asyncio.to_thread(self.store.add, job, audio))
        try:
            await asyncio.shield(adding)
        except asyncio.CancelledError:
            self.forget(job.id, after=adding)  # a thread goes on whoever waits for it
            raise
        self.quota.add(job, num_bytes)
        self._begin(job.id, attempts=1)
        for surplus in self.quota.surplus(job.owner):
            self.quota.drop(surplus)
            self._in_background(self._drop_recording(surplus))

    async def _drop_recording(self, job_id: str) -> None:
        self.quota.drop(job_id)
        try:
            await asyncio.to_thread(self.store.remove_recording, job_id)
        except STORAGE_ERRORS as error:  # the next look at the store counts it again
            log.warning("job %s: its recording cannot be removed (%s)", job_id, error or type(error).__name__)

    async def remove(self, job_id: str) -> None:
        """Remove a job with its recording and its result; its work stops where it is."""
        self.quota.drop(job_id)
        await asyncio.to_thread(self.store.remove, job_id)

    def forget(self, job_id: str, *, after: asyncio.Task[None] | None = None) -> None:
        """Remove a job that nobody waits for any more, once a task is over.

        For whoever is being cancelled: Serve cancels twice, and the second time would stop what waits for its turn.
        """
        self._in_background(self._forget(job_id, after))

    def _in_background(self, removal: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(removal)
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)

    async def _forget(self, job_id: str, after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.gather(after, return_exceptions=True)
        await self.remove(job_id)

    async def finished(self, job_id: str) -> None:
        """Wait for a job of this replica."""
        if task := self._working.get(job_id):
            await asyncio.shield(task)

    async def again(self, job_id: str) -> None:
        """Hear a recording anew, whose activations the cache gave up."""
        if job_id not in self._working:
            self._begin(job_id, attempts=1)
        await self.finished(job_id)

    async def tend(self) -> None:
        """For ever: renew claims, take over what others left, remove what has expired."""
        while True:
            try:
                await self._tend()
            except STORAGE_ERRORS as error:
                log.warning("%s: cannot be tended (%s)", self.store.uri, error)
            await asyncio.sleep(min(self._settings.lease_s / 3, self._settings.keep_s / 2))

    async def _tend(self) -> None:
        for job_id in list(self._working):
            attempts = await asyncio.to_thread(self.store.attempts, job_id)
            if job_id in self._working:
                await asyncio.to_thread(self.store.claim, job_id, attempts=attempts)
        abandoned = await asyncio.to_thread(lambda: list(self.store.abandoned(lease_s=self._settings.lease_s)))
        for job in abandoned:
            if job.id in self._working:
                continue
            if not job.is_async:  # its sender went with the connection, and never learned its id
                log.warning("job %s ends: the connection that waited for it is gone", job.id)
                await self.remove(job.id)
                continue
            attempts = await asyncio.to_thread(self.store.attempts, job.id) + 1
            await asyncio.to_thread(self.store.claim, job.id, attempts=attempts)
            log.warning("job %s is taken over, attempt %d", job.id, attempts)
            self._begin(job.id, attempts=attempts)
        await asyncio.to_thread(self.store.sweep, keep_s=self._settings.keep_s)
        await asyncio.to_thread(self.quota.refresh, self.store)

    def _begin(self, job_id: str, *, attempts: int) -> None:
        task = asyncio.create_task(self._work(job_id, attempts))
        self._working[job_id] = task
        task.add_done_callback(lambda _: self._working.pop(job_id, None))

    async def _work(self, job_id: str, attempts: int) -> None:
        attempt = attempts
        while True:
            try:
                if attempts < attempt <= self._settings.max_attempts:
                    await asyncio.to_thread(self.store.claim, job_id, attempts=attempt)
                outcome = await self._outcome(job_id, attempt)
                if outcome is not None:
                    await asyncio.to_thread(self.store.finish, job_id, outcome)
                    self.quota.end(job_id)
                    if outcome.kind:  # nothing will ever be made of the recording
                        await self._drop_recording(job_id)
                return
            except Lost:
                log.warning("job %s: its listener died in attempt %d", job_id, attempt)
                attempt += 1
                await asyncio.sleep(_BETWEEN_ATTEMPTS_S)
            except STORAGE_ERRORS as error:
                log.warning("job %s: waits for storage (%s)", job_id, error or type(error).__name__)
                await asyncio.sleep(_STORAGE_AGAIN_S)

    async def _outcome(self, job_id: str, attempt: int) -> Outcome | None:
        """How a job ends. Raises `Lost` and what storage raises."""
        if attempt > self._settings.max_attempts:
            return Outcome("worker_crashed", f"in {self._settings.max_attempts} attempts; is it damaged?")
        return await self._listen(job_id)
