"""The worker deployment: loads the model and runs inference on several recordings at once, in shared batches."""

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
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import DecodedHits
from drumline.decoding.second_pass import Passage
from drumline.runtime.serving import bind_replica_to_loopback
from drumline.transcription.engine import open_engine
from serve.inference import (
    InferenceTask,
    JobCancelled,
    NetworkOutput,
    TimeLimitExceeded,
    decode_audio,
    infer_recording,
    infer_windows,
)
from serve.job_store import JobStore
from serve.model import open_model
from serve.records import Job, Outcome
from serve.settings import Settings

_BATCH_SIZES: Final[Mapping[str, int]] = {"int8": 1, "float32": 4, "float16": 4, "torch": 16}
"""Windows per call, by runtime or precision: docs/decisions/0024-what-is-batched-and-where.md."""
Window = NDArray[np.float32]
"""Features of a window [frames, bands]."""


class Worker:
    """A worker replica.

    Parameters
    ----------
    settings
        Settings of the endpoint.
    """

    def __init__(self, settings: Settings) -> None:
        bind_replica_to_loopback()
        self._settings = settings
        self._model = open_model(settings)
        self._batch_size = settings.batching.max_windows or _BATCH_SIZES[self._model.decoder.precision]
        self._engine = open_engine(
            settings.model,
            preset=self._model.presets[-1],  # the micro model is loaded if there is one
            precision=settings.precision,
            threads=settings.threads,
            runtime=settings.runtime,
            together=self._batch_size,
        )
        self._store = JobStore(settings.jobs.store)
        self._cache = ActivationsCache(settings.cache_uri, settings.cache_bytes)
        self._infer.set_max_batch_size(self._batch_size)
        self._infer.set_batch_wait_timeout_s(settings.batching.wait_ms / 1000 if self._batch_size > 1 else 0.0)
        self._audio_s = Counter("drumline_audio_seconds", description="Audio processed by the model [s].")

    def ready(self) -> int:
        """Return the process id, once the model is loaded."""
        return os.getpid()

    async def process_job(self, job_id: str) -> Outcome | None:
        """Run inference on a job's recording and cache its activations.

        Returns
        -------
        Outcome or None
            None if the job was removed.
        """
        job = await asyncio.to_thread(self._store.job, job_id)
        if job is None:
            return None
        try:
            return await self._outcome(job)
        except (JobCancelled, FileNotFoundError):
            return None

    async def second_pass(
        self, job_id: str, first: DecodedHits, passages: Sequence[Passage], decoding: DecodeConfig
    ) -> DecodedHits | None:
        """Transcribe dense passages again with the micro model.

        Parameters
        ----------
        job_id
            The job.
        first
            Hits of the first pass.
        passages
            Dense passages.
        decoding
            Decoder settings.

        Returns
        -------
        DecodedHits or None
            Hits of both passes; None if the job was removed.

        Raises
        ------
        TimeLimitExceeded
            Decoding the audio takes too long.
        """
        job = await asyncio.to_thread(self._store.job, job_id)
        if job is None:
            return None
        engine = replace(self._engine, decoding=decoding)
        try:
            with await asyncio.to_thread(self._store.open_audio, job.id) as file:
                task = InferenceTask(file, job.name, job.max_duration_s, lambda processed_s, duration_s: None)
                with await asyncio.to_thread(decode_audio, task, self._settings.limits) as recording:
                    return await asyncio.to_thread(engine.second_pass, first, passages, recording)
        except FileNotFoundError:
            return None

    async def _outcome(self, job: Job) -> Outcome:
        """Outcome of inference. Raises JobCancelled or FileNotFoundError if the job is removed meanwhile."""
        key = self._model.decoder.key(job.sha256)
        if (cached := await asyncio.to_thread(self._cache.get, key)) is not None:
            if cached.duration_s > job.max_duration_s:
                detail = f"{job.name}: {cached.duration_s:.1f} s, limit {job.max_duration_s:.1f} s"
                return Outcome("audio_too_long", detail)
            return Outcome(duration_s=cached.duration_s, cache="hit", model=self._model.location)

        def on_progress(processed_s: float, duration_s: float) -> None:
            if not self._store.write_progress(job.id, processed_s=processed_s, duration_s=duration_s):
                raise JobCancelled(job.id)

        with await asyncio.to_thread(self._store.open_audio, job.id) as file:
            task = InferenceTask(file, job.name, job.max_duration_s, on_progress)
            try:
                inferred = await infer_recording(
                    task, self._engine.network, self._infer, batch_size=self._batch_size, limits=self._settings.limits
                )
            except AudioError as error:
                return Outcome(error.reason, error.detail)
            except TimeLimitExceeded as error:
                return Outcome("audio_too_costly", str(error))
        await asyncio.to_thread(self._cache.put, key, inferred)
        self._audio_s.inc(inferred.duration_s)
        return Outcome(duration_s=inferred.duration_s, model=self._model.location)

    @serve.batch  # type: ignore[untyped-decorator]  # batch size and delay are set above, by precision
    async def _infer(self, windows: list[Window]) -> list[NetworkOutput]:
        """Network outputs for windows of any recordings."""
        return await asyncio.to_thread(infer_windows, self._engine.network, windows)
