"""Jobs as files, and the dispatcher that looks after them: nothing accepted is lost, nothing expired stays."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from serve.dispatcher import JobDispatcher, WorkerDied
from serve.errors import Problem
from serve.job_store import JobStore
from serve.records import Job, Outcome, new_id
from serve.settings import Jobs, Limits
from serve.upload_slots import UploadSlots

DONE = Outcome(duration_s=3.0)


def a_dispatcher(store: JobStore, listen: "Listen", **settings: float) -> JobDispatcher:
    return JobDispatcher(
        store, listen, Jobs.model_validate({"store": store.uri, **settings}), UploadSlots(Limits(), time.monotonic)
    )


def a_job(**changes: object) -> Job:
    now_s = time.time()
    job = Job(new_id(), "alice", "song.ogg", ".ogg", "ab" * 32, now_s, now_s + 60, 120.0, {"preset": "aggressive"})
    return replace(job, **changes)


def audio(folder: Path) -> Path:
    path = folder / f"{new_id()}.upload"
    path.write_bytes(b"OggS")
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in folder.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(str(tmp_path / "jobs"))


def test_a_job_is_read_back_as_it_was_written(store: JobStore, tmp_path: Path) -> None:
    job = a_job()
    store.add(job, audio(tmp_path))
    assert (Path(store.uri).stat().st_mode & 0o777) == 0o700
    state = store.state(job.id)
    assert state is not None
    assert (state.job, state.outcome, state.processed_s) == (job, None, None)
    store.write_progress(job.id, processed_s=1.0, duration_s=3.0)
    store.finish(job.id, DONE)
    state = store.state(job.id)
    assert state is not None
    assert (state.processed_s, state.duration_s, state.outcome) == (1.0, 3.0, DONE)
    with store.open_audio(job.id) as file:
        assert file.read() == b"OggS"
    store.remove(job.id)
    store.finish(job.id, DONE)  # a listener that did not notice
    store.write_progress(job.id, processed_s=2.0, duration_s=3.0)
    store.claim(job.id, attempts=2)
    assert store.state(job.id) is None
    assert files(Path(store.uri)) == []


@pytest.mark.parametrize("job_id", ["", "x", "../../etc/passwd", "a" * 22 + "/..", "é" * 22])
def test_an_id_is_never_a_path(store: JobStore, job_id: str) -> None:
    assert store.state(job_id) is None


def test_what_has_expired_goes_with_what_deaths_left_behind(store: JobStore, tmp_path: Path) -> None:
    old, young = a_job(expires_s=time.time() - 1), a_job()
    for job in (old, young):
        store.add(job, audio(tmp_path))
    assert store.state(old.id) is None  # even before it is swept
    left = [
        Path(store.uri) / f"{new_id()}.{part}" for part in ("audio", "progress.json", "job.json.1234.part", "upload")
    ]
    stranger = Path(store.uri) / "readme.txt"
    for path in (*left, stranger):
        path.write_bytes(b"")
        os.utime(path, (0, 0))
    store.sweep(keep_s=10)
    assert files(Path(store.uri)) == sorted(["audio", "claim.json", "job.json", "txt"])
    assert store.state(young.id) is not None


Listen = Callable[[str], Awaitable[Outcome | None]]


def finished(store: JobStore, listen: Listen, job: Job, folder: Path, **settings: float) -> Outcome | None:
    """How a job ends."""

    async def run() -> None:
        dispatcher = a_dispatcher(store, listen, **settings)
        with dispatcher.reserve_upload("alice"):
            await dispatcher.accept(job, audio(folder))
        await dispatcher.wait(job.id)

    asyncio.run(run())
    state = store.state(job.id)
    return state.outcome if state else None


def test_a_listener_that_dies_is_replaced_and_a_recording_that_kills_is_given_up(
    store: JobStore, tmp_path: Path
) -> None:
    deaths = iter(range(2))

    async def dies_twice(job_id: str) -> Outcome:
        if next(deaths, None) is not None:
            raise WorkerDied
        return DONE

    async def dies(job_id: str) -> Outcome:
        raise WorkerDied

    assert finished(store, dies_twice, a_job(), tmp_path) == DONE
    killer = a_job()
    outcome = finished(store, dies, killer, tmp_path)
    assert outcome is not None
    assert outcome.kind == "worker_crashed"
    assert store.attempts(killer.id) == 3


def test_storage_that_is_away_is_waited_for_and_counts_as_no_attempt(
    store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.dispatcher._STORAGE_RETRY_DELAY_S", 0.01)
    away = iter(range(9))

    async def listens(job_id: str) -> Outcome:
        if next(away, None) is not None:
            raise OSError(28, "the disk is full")
        return DONE

    job = a_job()
    assert finished(store, listens, job, tmp_path) == DONE
    assert store.attempts(job.id) == 1


def test_a_job_whose_front_died_is_taken_over(store: JobStore, tmp_path: Path) -> None:
    job, fresh = a_job(), a_job()
    for each in (job, fresh):
        store.add(each, audio(tmp_path))
    heard: list[str] = []

    async def listens(job_id: str) -> Outcome:
        heard.append(job_id)
        return DONE

    async def run() -> None:
        dispatcher = a_dispatcher(store, listens, lease_s=0.6)
        tending = asyncio.create_task(dispatcher.maintain())
        await asyncio.sleep(0.3)
        assert heard == []  # somebody may still be at work
        store.claim(fresh.id, attempts=1)
        await asyncio.sleep(0.5)
        tending.cancel()

    asyncio.run(run())
    assert heard == [job.id]
    assert store.attempts(job.id) == 2


def test_no_more_than_there_is_room_for(store: JobStore, tmp_path: Path) -> None:
    async def run() -> None:
        ended = asyncio.Event()

        async def listens(job_id: str) -> Outcome:
            await ended.wait()
            return DONE

        dispatcher = a_dispatcher(store, listens, max_waiting=2)
        job = a_job()
        with dispatcher.reserve_upload("alice"):
            await dispatcher.accept(job, audio(tmp_path))
        with (
            dispatcher.reserve_upload("alice"),
            pytest.raises(Problem, match="busy") as told,
            dispatcher.reserve_upload("alice"),
        ):
            pass
        assert told.value.headers == {"Retry-After": "5"}
        ended.set()
        await dispatcher.wait(job.id)
        with dispatcher.reserve_upload("alice"), dispatcher.reserve_upload("alice"):
            pass

    asyncio.run(run())


def test_who_hangs_up_while_a_recording_is_taken_in_leaves_nothing(tmp_path: Path) -> None:
    class Slow(JobStore):
        """As a full disk or S3 is."""

        added = False

        def add(self, job: Job, audio: Path) -> None:
            time.sleep(0.2)
            super().add(job, audio)
            self.added = True

    async def listens(job_id: str) -> Outcome:
        return DONE

    async def run() -> None:
        dispatcher = a_dispatcher(store, listens)
        accepting = asyncio.create_task(dispatcher.accept(a_job(), audio(tmp_path)))
        await asyncio.sleep(0.05)
        for _ in range(2):  # as Serve does
            accepting.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await accepting
        while not store.added or files(Path(store.uri)):
            await asyncio.sleep(0.01)

    store = Slow(str(tmp_path / "jobs"))
    asyncio.run(asyncio.wait_for(run(), timeout=10))


def test_what_is_foreign_newer_or_damaged_stops_nothing(
    store: JobStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Expiry, renewal and take-over go on for all others; fields that a newer version added are passed over."""
    folder, now_s = Path(store.uri), time.time()
    newer = {**asdict(a_job()), "version": 99, "owner": {"name": "alice"}, "expires_s": now_s + 60}
    expired = {**newer, "id": new_id(), "expires_s": now_s - 1}
    written = {
        "foreign": b'{"job": "bake", "steps": [1, 2]}', "list": b"[]", "number": b"7", "empty": b"", "text": b"hello",
        "deep": b"[" * 50_000, "large": b'"' + b"x" * 10**6 + b'"', "binary": bytes(range(256)),
    }  # fmt: skip
    for data in written.values():
        (folder / f"{new_id()}.job.json").write_bytes(data)
    (folder / "notes.job.json").write_bytes(b"{}")
    for tree in (newer, expired):
        (folder / f"{tree['id']}.job.json").write_text(json.dumps(tree))
    grown, damaged = a_job(), a_job()
    for job in (grown, damaged):
        store.add(job, audio(tmp_path))
    (folder / f"{grown.id}.job.json").write_text(json.dumps({**asdict(grown), "colour": "red"}))
    for part in ("claim", "progress", "outcome"):
        (folder / f"{damaged.id}.{part}.json").write_bytes(b'{"attempts": "many", "kind": 7}')
    heard: list[str] = []

    async def listens(job_id: str) -> Outcome:
        heard.append(job_id)
        return DONE

    async def run() -> None:
        dispatcher = a_dispatcher(store, listens, lease_s=0.3)
        for _ in range(2):
            await dispatcher._maintain()
            await asyncio.sleep(0.4)

    asyncio.run(run())
    assert sorted(heard) == sorted([grown.id, damaged.id])
    state = store.state(damaged.id)
    assert state is not None
    assert (state.outcome, state.processed_s) == (DONE, None)
    assert not (folder / f"{expired['id']}.job.json").exists()
    with pytest.raises(Problem, match="not_ready"):
        store.state(str(newer["id"]))
    assert "of a newer version: owner" in caplog.text
    assert len({record.getMessage() for record in caplog.records}) == len(caplog.records)  # each is told once
    for path in folder.glob("*.job.json"):
        os.utime(path, (0, 0))
    store.sweep(keep_s=10)
    assert {path.name for path in folder.glob("*.job.json")} == {
        "notes.job.json", f"{newer['id']}.job.json", f"{grown.id}.job.json", f"{damaged.id}.job.json"
    }  # fmt: skip


def test_a_job_whose_sender_waited_for_it_ends_with_its_front(store: JobStore, tmp_path: Path) -> None:
    job = a_job(is_async=False)
    store.add(job, audio(tmp_path))

    async def listens(job_id: str) -> Outcome:
        raise AssertionError("nobody would ever have the result")

    async def run() -> None:
        dispatcher = a_dispatcher(store, listens, lease_s=0.1)
        await asyncio.sleep(0.2)
        await dispatcher._maintain()

    asyncio.run(run())
    assert files(Path(store.uri)) == []


def test_the_recording_of_what_failed_is_not_kept(store: JobStore, tmp_path: Path) -> None:
    async def fails(job_id: str) -> Outcome:
        return Outcome("audio_undecodable", "song.ogg: noise")

    job = a_job()
    outcome = finished(store, fails, job, tmp_path)
    assert outcome is not None
    assert outcome.kind == "audio_undecodable"
    assert files(Path(store.uri)) == ["claim.json", "job.json", "outcome.json"]


def test_recordings_are_kept_within_bounds_per_client_and_in_all(store: JobStore, tmp_path: Path) -> None:
    """The oldest finished ones go first, results stay; where nothing is finished, newcomers wait."""

    def large(folder: Path) -> Path:
        path = folder / f"{new_id()}.upload"
        path.write_bytes(bytes(1_000_000))
        return path

    def kept(*jobs: Job) -> list[bool]:
        return [(Path(store.uri) / f"{job.id}.audio").exists() for job in jobs]

    async def run() -> None:
        going = asyncio.Event()

        async def listens(job_id: str) -> Outcome:
            if not quick:
                await going.wait()
            return DONE

        quick = True
        dispatcher = a_dispatcher(store, listens, max_client_mb=3.5, max_mb=5.5)
        now_s = time.time()
        alices = [a_job(created_s=now_s + n) for n in range(5)]
        for job in alices:
            await dispatcher.accept(job, large(tmp_path))
            await dispatcher.wait(job.id)
            await asyncio.gather(*dispatcher._removals)
        assert kept(*alices) == [False, False, True, True, True]
        assert all((state := store.state(job.id)) and state.outcome == DONE for job in alices)
        bobs = [a_job(owner="bob", created_s=now_s + 10 + n) for n in range(3)]
        for job in bobs:
            await dispatcher.accept(job, large(tmp_path))
            await dispatcher.wait(job.id)
            await asyncio.gather(*dispatcher._removals)
        assert kept(*alices, *bobs) == [False, False, False, True, True, True, True, True]
        again = a_dispatcher(store, listens, max_client_mb=3.5, max_mb=5.5)  # another front, or this one started anew
        again.quota.refresh(store)
        quick = False
        carols = [a_job(owner="carol", created_s=now_s + 20 + n) for n in range(3)]
        for job in carols:
            await again.accept(job, large(tmp_path))
            await asyncio.gather(*again._removals)
        assert kept(*carols) == [True, True, True]
        assert sum(kept(*alices, *bobs)) == 2
        with again.reserve_upload("carol") as slot:
            again.add_bytes(slot, 400_000)
            with pytest.raises(Problem, match=r"4 MB of recordings \(yours\) are not finished, limit 3\.5 MB"):
                again.add_bytes(slot, 400_000)
        going.set()
        for job in carols:
            await again.wait(job.id)

    asyncio.run(run())
