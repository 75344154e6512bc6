"""The gateway deployment: jobs and decoding. Its HTTP endpoints are in `routes`; here are their shared resources."""

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
from drumline.decoding.cache import ActivationsCache, RecordingActivations
from drumline.decoding.peak_picking import DecodedHits
from drumline.runtime.serving import bind_replica_to_loopback
from serve.dispatcher import JobDispatcher, WorkerDied
from serve.edits import EditStore
from serve.errors import Problem
from serve.inference import TimeLimitExceeded
from serve.job_store import JobStore
from serve.keys import read_keys
from serve.model import Model, open_model
from serve.parameters import DecodeParameters
from serve.records import Job, JobState, Outcome
from serve.settings import Settings
from serve.song_folders import SongFolders
from serve.upload_slots import UploadSlots
from serve.work_clock import WorkClock

log = logging.getLogger("drumline")

_WORKER_GONE: Final = (RayActorError, DeploymentUnavailableError)
_MAX_REMEMBERED: Final = 8
"""Recordings whose activations stay in memory while a user moves a slider; about 3 MB a song."""


class Gateway:
    """A gateway replica.

    Parameters
    ----------
    settings
        Settings of the endpoint.
    worker
        Handle of the worker deployment.
    """

    def __init__(self, settings: Settings, worker: DeploymentHandle) -> None:
        bind_replica_to_loopback()
        self.settings = settings
        self.model = open_model(settings)
        self.keys = read_keys(settings.keys_file, os.environ)
        self.store = JobStore(settings.jobs.store)
        self.edits = EditStore(settings.jobs.store)
        self.clock = WorkClock()
        self._resources = ExitStack()
        scratch = self._resources.enter_context(scratch_folder("drumline-gateway-"))
        self.incoming = scratch if "://" in self.store.uri else Path(self.store.uri)
        upload_slots = UploadSlots(settings.limits, self.clock.now)
        self.dispatcher = JobDispatcher(self.store, self._process_job, settings.jobs, upload_slots)
        self.song_folders = SongFolders(self.store, scratch, settings.limits)
        self.ready = False
        self._maintenance: asyncio.Task[None] | None = None
        self._worker = worker
        self._cache = ActivationsCache(settings.cache_uri, settings.cache_bytes)
        self._remembered: OrderedDict[str, RecordingActivations] = OrderedDict()
        self._other_models: dict[str, Model] = {}
        self._finished_jobs = Counter(
            "drumline_transcriptions", description="Finished jobs by outcome.", tag_keys=("kind",)
        )
        self._decoding_times = Histogram(
            "drumline_decoding_ms",
            description="Time from activations to a result [ms].",
            boundaries=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
        )

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Run background tasks while the HTTP application is up."""
        self._maintenance = asyncio.create_task(self.dispatcher.maintain())
        tasks = [
            self._maintenance,
            asyncio.create_task(self._wait_for_worker()),
            asyncio.create_task(self.clock.run()),
        ]
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.song_folders.close()
        self._resources.close()

    async def check_health(self) -> None:
        """Health check of Serve: raises the error that ended job maintenance, so that the replica is replaced."""
        if self._maintenance is not None and self._maintenance.done():
            self._maintenance.result()

    async def _wait_for_worker(self) -> None:
        while not self.ready:
            with suppress(*_WORKER_GONE):
                await self._worker.ready.remote()
                self.ready = True
                return
            await asyncio.sleep(1.0)

    async def _process_job(self, job_id: str) -> Outcome | None:
        try:
            outcome: Outcome | None = await self._worker.process_job.remote(job_id)
        except _WORKER_GONE as error:
            raise WorkerDied from error
        except STORAGE_ERRORS:  # as Ray raises them here: a RayTaskError that is one too
            raise
        except RayTaskError as error:
            log.error("job %s: %s", job_id, error)
            outcome = Outcome("unexpected_error", "the error is in the server's log; please report it")
        if outcome is not None:
            self._finished_jobs.inc(tags={"kind": outcome.kind or outcome.cache})
        return outcome

    async def activations(self, state: JobState) -> tuple[Model, RecordingActivations]:
        """Activations of a finished job: from memory, from the cache, or from new inference.

        Returns
        -------
        model
            The model that computed them.
        inferred
            Activations and facts of the recording.

        Raises
        ------
        Problem
            ``not_found``: neither activations nor recording are kept any more.
        """
        found = await self._kept_activations(state)
        if found is None:  # evicted from the cache
            await self.dispatcher.reprocess(state.job.id)
            reprocessed = await asyncio.to_thread(self.store.state, state.job.id)
            found = await self._kept_activations(reprocessed) if reprocessed else None
        if found is None:
            raise Problem("not_found", "the recording is no longer kept; send it again")
        return found

    async def _kept_activations(self, state: JobState) -> tuple[Model, RecordingActivations] | None:
        if state.outcome is None:
            return None
        model = await asyncio.to_thread(self._model_of, state.outcome)
        inferred = await self._remember(model.decoder.key(state.job.sha256))
        return (model, inferred) if inferred else None

    async def _remember(self, key: str) -> RecordingActivations | None:
        if (inferred := self._remembered.get(key)) is None:
            inferred = await asyncio.to_thread(self._cache.get, key)
        if inferred is not None:
            self._remembered[key] = inferred
            self._remembered.move_to_end(key)
            if len(self._remembered) > _MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return inferred

    def _model_of(self, outcome: Outcome) -> Model:
        """The model that processed a job: this replica's, except during a rollout of another model."""
        if outcome.model in ("", self.model.location):
            return self.model
        if outcome.model not in self._other_models:
            try:
                settings = self.settings.model_copy(update={"model": outcome.model})
                self._other_models[outcome.model] = open_model(settings)
            except DrumlineError as error:
                log.warning("%s", error)
                detail = "it was processed by a model that is being rolled out or back"
                raise Problem("not_ready", detail, {"Retry-After": "2"}) from error
        return self._other_models[outcome.model]

    async def decode(
        self, job: Job, model: Model, inferred: RecordingActivations, parameters: DecodeParameters
    ) -> DecodedHits:
        """Decode activations to hits; dense passages are transcribed by the micro model if the preset has one.

        Raises
        ------
        Problem
            The preset is unavailable, or the recording is gone or takes too long.
        """
        config = model.decode_config(parameters)
        found, passages = await asyncio.to_thread(model.decoder.decode, inferred, config)
        if not passages:
            return found
        for _ in range(self.settings.jobs.max_attempts):
            try:
                merged: DecodedHits | None = await self._worker.second_pass.remote(job.id, found, passages, config)
            except _WORKER_GONE:
                await asyncio.sleep(1.0)
                continue
            except TimeLimitExceeded as error:
                raise Problem("audio_too_costly", str(error)) from error
            if merged is None:
                raise Problem("not_found", "the recording is no longer kept; send it again")
            return merged
        attempts = self.settings.jobs.max_attempts
        raise Problem("worker_crashed", f"{attempts} attempts at a second pass over dense passages")

    def observe_decoding(self, seconds: float) -> None:
        """Record a decoding time in the metrics."""
        self._decoding_times.observe(1000 * seconds)

    def metrics_port(self) -> int:
        """Port of the Prometheus metrics of this node's Ray, which include drumline's."""
        node_id = ray.get_runtime_context().get_node_id()
        return next(int(node["MetricsExportPort"]) for node in ray.nodes() if node["NodeID"] == node_id)
