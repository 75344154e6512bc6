"""The replicas with the model: each hears several recordings at once, and puts their windows together."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ray import serve
from ray.serve.metrics import Counter

from drumline.core.errors import AudioError
from drumline.decoding.cache import ActivationsCache
from drumline.decoding.dense import Passage
from drumline.decoding.strokes import DecodeConfig, Strokes
from drumline.runtime.serving import bind_replica_to_loopback
from drumline.transcription.engine import open_engine
from serve.jobs import JobStore
from serve.listening import Answer, Stopped, Task, TooCostly, answers, decoded, listen
from serve.model import open_model
from serve.records import Job, Outcome
from serve.settings import Settings

_TOGETHER: Final[Mapping[str, int]] = {"int8": 1, "float32": 4, "float16": 4, "torch": 16}
"""Windows a call, by what runs: docs/decisions/0024-what-is-batched-and-where.md."""
Window = NDArray[np.float32]
"""Features [frames, F]."""


class Listener:
    """A replica."""

    def __init__(self, settings: Settings) -> None:
        bind_replica_to_loopback()
        self._settings = settings
        self._model = open_model(settings)
        self._together = settings.batching.max_windows or _TOGETHER[self._model.precision]
        self._engine = open_engine(
            settings.model,
            preset=self._model.presets[-1],  # the micro model is loaded where there is one
            precision=settings.precision,
            threads=settings.threads,
            runtime=settings.runtime,
            together=self._together,
        )
        self._store = JobStore(settings.jobs.store)
        self._cache = ActivationsCache(settings.cache_uri, settings.cache_bytes)
        self._hear.set_max_batch_size(self._together)
        self._hear.set_batch_wait_timeout_s(settings.batching.wait_ms / 1000 if self._together > 1 else 0.0)
        self._audio_s = Counter("drumline_audio_seconds", description="Audio that was listened to.")

    def ready(self) -> int:
        """Answers once the model is loaded: with the process's id."""
        return os.getpid()

    async def listen(self, job_id: str) -> Outcome | None:
        """Hear a job's recording, so that the cache has what the model says; None for a job that is gone."""
        job = await asyncio.to_thread(self._store.job, job_id)
        if job is None:
            return None
        try:
            return await self._outcome(job)
        except (Stopped, FileNotFoundError):
            return None

    async def read_again(
        self, job_id: str, first: Strokes, passages: Sequence[Passage], decoding: DecodeConfig
    ) -> Strokes | None:
        """Strokes of a job's recording, with those of the micro model in dense passages; None for a job that is gone.

        Raises TooCostly.
        """
        job = await asyncio.to_thread(self._store.job, job_id)
        if job is None:
            return None
        engine = replace(self._engine, decoding=decoding)
        try:
            with await asyncio.to_thread(self._store.open_audio, job.id) as file:
                task = Task(file, job.name, job.max_duration_s, lambda heard_s, duration_s: None)
                recording = await asyncio.to_thread(decoded, task, self._settings.limits)
                with recording:
                    return await asyncio.to_thread(engine.read_again, first, passages, recording)
        except FileNotFoundError:
            return None

    async def _outcome(self, job: Job) -> Outcome:
        """How it ends. Raises Stopped or FileNotFoundError where the job is removed meanwhile."""
        key = self._model.key(job.sha256)
        if (known := await asyncio.to_thread(self._cache.get, key)) is not None:
            if known.duration_s > job.max_duration_s:
                detail = f"{job.name}: {known.duration_s:.1f} s, limit {job.max_duration_s:.1f} s"
                return Outcome("audio_too_long", detail)
            return Outcome(duration_s=known.duration_s, cache="hit", model=self._model.place)

        def told(heard_s: float, duration_s: float) -> None:
            if not self._store.tell_progress(job.id, heard_s=heard_s, duration_s=duration_s):
                raise Stopped(job.id)

        with await asyncio.to_thread(self._store.open_audio, job.id) as file:
            task = Task(file, job.name, job.max_duration_s, told)
            try:
                hearing = await listen(
                    task, self._engine.network, self._hear, together=self._together, limits=self._settings.limits
                )
            except AudioError as error:
                return Outcome(error.reason, error.detail)
            except TooCostly as error:
                return Outcome("audio_too_costly", str(error))
        await asyncio.to_thread(self._cache.put, key, hearing)
        self._audio_s.inc(hearing.duration_s)
        return Outcome(duration_s=hearing.duration_s, model=self._model.place)

    @serve.batch  # type: ignore[untyped-decorator]  # its sizes are set above, by what runs
    async def _hear(self, windows: list[Window]) -> list[Answer]:
        """The answers to windows of whichever recordings are being heard."""
        return await asyncio.to_thread(answers, self._engine.network, windows)
