"""The replicas that speak HTTP. What they answer is in `routes`; here is what they hold and whom they ask."""

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import ray
from fastapi import FastAPI
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from ray.serve.metrics import Counter, Histogram

from drumline.core.artifacts import STORAGE_ERRORS
from drumline.core.errors import DrumlineError
from drumline.core.scratch import scratch_folder
from drumline.decoding.cache import ActivationsCache, Hearing
from drumline.decoding.strokes import Strokes
from drumline.runtime.serving import bind_replica_to_loopback
from serve.arrivals import Arrivals
from serve.asked import Wanted
from serve.desk import Desk, Lost
from serve.folders import SongFolders
from serve.jobs import JobStore
from serve.keys import read_keys
from serve.listening import TooCostly
from serve.model import Model, open_model
from serve.pressure import WorkClock
from serve.problems import Problem
from serve.records import Job, Outcome, State
from serve.routes import build
from serve.settings import Settings

log = logging.getLogger("drumline")

_GONE: Final = (RayActorError, DeploymentUnavailableError)
_REMEMBERED: Final = 8
"""Recordings whose activations stay in memory, for a slider that moves: some 3 MB a song."""


class Front:
    """A replica."""

    def __init__(self, settings: Settings, listener: DeploymentHandle) -> None:
        bind_replica_to_loopback()
        self.settings = settings
        self.model = open_model(settings)
        self.keys = read_keys(settings.keys_file, os.environ)
        self.store = JobStore(settings.jobs.store)
        self.clock = WorkClock()
        self._open = ExitStack()
        scratch = self._open.enter_context(scratch_folder("drumline-front-"))
        self.incoming = scratch if "://" in self.store.uri else Path(self.store.uri)
        self.desk = Desk(self.store, self._listen, settings.jobs, Arrivals(settings.limits, self.clock.now))
        self.folders = SongFolders(self.store, scratch, settings.limits)
        self.ready = False
        self._tending: asyncio.Task[None] | None = None
        self._listener = listener
        self._cache = ActivationsCache(settings.cache_uri, settings.cache_bytes)
        self._remembered: OrderedDict[str, Hearing] = OrderedDict()
        self._others: dict[str, Model] = {}
        tags = ("kind",)
        self._answers = Counter("drumline_transcriptions", description="Jobs that ended, by how.", tag_keys=tags)
        self._decodings = Histogram(
            "drumline_decoding_ms",
            description="Time from activations to a file.",
            boundaries=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
        )

    def __serve_build_asgi_app__(self) -> FastAPI:
        return build(self, self._alive)

    @asynccontextmanager
    async def _alive(self, _: FastAPI) -> AsyncIterator[None]:
        self._tending = asyncio.create_task(self.desk.tend())
        tasks = [
            self._tending,
            asyncio.create_task(self._wait_for_listener()),
            asyncio.create_task(self.clock.run()),
        ]
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.folders.close()
        self._open.close()

    async def check_health(self) -> None:
        """What Serve asks every few seconds. Raises what ended the care for jobs, so that the replica is replaced."""
        if self._tending is not None and self._tending.done():
            self._tending.result()

    async def _wait_for_listener(self) -> None:
        while not self.ready:
            with suppress(*_GONE):
                await self._listener.ready.remote()
                self.ready = True
                return
            await asyncio.sleep(1.0)

    async def _listen(self, job_id: str) -> Outcome | None:
        try:
            outcome: Outcome | None = await self._listener.listen.remote(job_id)
        except _GONE as error:
            raise Lost from error
        except STORAGE_ERRORS:  # as Ray raises them here: a RayTaskError that is one too
            raise
        except RayTaskError as error:
            log.error("job %s: %s", job_id, error)
            outcome = Outcome("unexpected_error", "it was written down here; please report it")
        if outcome is not None:
            self._answers.inc(tags={"kind": outcome.kind or outcome.cache})
        return outcome

    async def hearing(self, state: State) -> tuple[Model, Hearing]:
        """What was heard in a finished job's recording, and by which model: from memory, from the cache, or heard anew.

        Raises Problem where that cannot be.
        """
        found = await self._heard(state)
        if found is None:  # the cache gave it up
            await self.desk.again(state.job.id)
            again = await asyncio.to_thread(self.store.state, state.job.id)
            found = await self._heard(again) if again else None
        if found is None:
            raise Problem("not_found", "the recording can no longer be heard; send it again")
        return found

    async def _heard(self, state: State) -> tuple[Model, Hearing] | None:
        if state.outcome is None:
            return None
        model = await asyncio.to_thread(self._model_of, state.outcome)
        known = await self._known(model.key(state.job.sha256))
        return (model, known) if known else None

    async def _known(self, key: str) -> Hearing | None:
        if (known := self._remembered.get(key)) is None:
            known = await asyncio.to_thread(self._cache.get, key)
        if known is not None:
            self._remembered[key] = known
            self._remembered.move_to_end(key)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return known

    def _model_of(self, outcome: Outcome) -> Model:
        """The model that a recording was heard by: this replica's, but for the time in which a model is rolled out."""
        if outcome.model in ("", self.model.place):
            return self.model
        if outcome.model not in self._others:
            try:
                self._others[outcome.model] = open_model(self.settings.model_copy(update={"model": outcome.model}))
            except DrumlineError as error:
                log.warning("%s", error)
                told = "it was heard by a model that is being rolled out, or back"
                raise Problem("not_ready", told, {"Retry-After": "2"}) from error
        return self._others[outcome.model]

    async def strokes(self, job: Job, model: Model, hearing: Hearing, wanted: Wanted) -> Strokes:
        """The strokes of a recording, decoded as is wanted. Raises Problem where that cannot be."""
        decoding = model.decoding(wanted)
        found, passages = await asyncio.to_thread(model.strokes, hearing, decoding)
        if not passages:
            return found
        for _ in range(self.settings.jobs.max_attempts):
            try:
                both: Strokes | None = await self._listener.read_again.remote(job.id, found, passages, decoding)
            except _GONE:
                await asyncio.sleep(1.0)
                continue
            except TooCostly as error:
                raise Problem("audio_too_costly", str(error)) from error
            if both is None:
                raise Problem("not_found", "the recording can no longer be heard; send it again")
            return both
        raise Problem("worker_crashed", f"in {self.settings.jobs.max_attempts} attempts to read dense passages again")

    def tell_decoding(self, seconds: float) -> None:
        """For the metrics."""
        self._decodings.observe(1000 * seconds)

    def metrics_port(self) -> int:
        """Where this node's Ray tells metrics, ours among them."""
        own = ray.get_runtime_context().get_node_id()
        return next(int(node["MetricsExportPort"]) for node in ray.nodes() if node["NodeID"] == own)
