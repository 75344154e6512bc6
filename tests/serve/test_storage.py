"""Storage that fails is never a fault of a recording: not before it is decoded, and not while."""

import asyncio
import errno
import io
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile
from serve.inference import InferenceTask, decode_audio
from serve.job_store import JobStore
from serve.records import Outcome
from serve.settings import Limits, Settings
from tests.export.tiny import write_package
from tests.serve.local import LocalWorker, recording
from tests.serve.test_job_store import a_job


def test_a_store_that_fails_while_a_recording_is_read_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write_package(tmp_path / "tiny-1.0", "float32")
    jobs = {"store": "memory://storage-fails"}
    worker = LocalWorker(Settings.model_validate({"model": str(package), "precision": "float32", "jobs": jobs}))
    store, job = JobStore(jobs["store"]), a_job(ending=".flac", name="song.flac")
    (tmp_path / "song.flac").write_bytes(recording(60.0))
    store.add(job, tmp_path / "song.flac")
    whole = MemoryFile.read

    def fails(file: MemoryFile, size: int = -1) -> bytes:
        if file.tell() > 500_000:
            raise OSError(errno.EIO, "storage is away")
        return whole(file, min(size, 100_000))

    monkeypatch.setattr(MemoryFile, "read", fails)
    with pytest.raises(OSError, match="storage is away"):
        asyncio.run(worker.process_job(job.id))
    monkeypatch.undo()
    outcome = asyncio.run(worker.process_job(job.id))
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.duration_s) == ("", pytest.approx(60.0))


def test_nothing_is_read_from_an_object_store_while_decoding(tmp_path: Path) -> None:
    store, job = JobStore("memory://decoding"), a_job()
    (tmp_path / "song.flac").write_bytes(recording(60.0))
    store.add(job, tmp_path / "song.flac")
    with store.open_audio(job.id) as file:
        fsspec.filesystem("memory").rm("/decoding", recursive=True)
        task = InferenceTask(io.BufferedReader(file), "song.flac", 600.0, lambda processed_s, duration_s: None)  # type: ignore[arg-type]
        with decode_audio(task, Limits()) as found:
            assert found.duration_s == pytest.approx(60.0)
