"""Storage quotas of recordings, per client and in total, and the order of removal.

Each gateway replica keeps its own counts; recordings that others accept are counted at the next refresh. Between two
refreshes a gateway can exceed a limit by what the others accepted.
"""

from dataclasses import dataclass
from typing import Final

from serve.errors import busy
from serve.job_store import JobStore
from serve.records import Job
from serve.settings import Jobs
from serve.upload_slots import UploadSlots

_MB: Final = 1_000_000
_RETRY_AFTER_S: Final = 30.0


@dataclass
class _StoredRecording:
    client: str
    created_s: float
    num_bytes: int
    ended: bool


class Quota:
    """Byte counts of the recordings in a store.

    Parameters
    ----------
    settings
        Limits per client and in total.
    upload_slots
        Current uploads, which count too.
    """

    def __init__(self, settings: Jobs, upload_slots: UploadSlots) -> None:
        self._settings, self._upload_slots = settings, upload_slots
        self._kept: dict[str, _StoredRecording] = {}

    def refresh(self, store: JobStore) -> None:
        """Read the counts from the store. Blocking: call it from a thread."""
        kept = {}
        for job_id, (num_bytes, ended) in store.recordings().items():
            known = self._kept.get(job_id)
            if known is None and (job := store.job(job_id)) is not None:
                known = _StoredRecording(job.owner, job.created_s, num_bytes, ended)
            if known is not None:
                kept[job_id] = _StoredRecording(known.client, known.created_s, num_bytes, ended)
        self._kept = kept

    def add(self, job: Job, num_bytes: int) -> None:
        """Count an accepted recording."""
        self._kept[job.id] = _StoredRecording(job.owner, job.created_s, num_bytes, ended=False)

    def end(self, job_id: str) -> None:
        """Mark the recording of a finished job as removable."""
        if job_id in self._kept:
            self._kept[job_id].ended = True

    def drop(self, job_id: str) -> None:
        """Stop counting a removed recording."""
        self._kept.pop(job_id, None)

    def check(self, client: str) -> None:
        """Check that unfinished recordings and uploads are within the limits.

        Raises
        ------
        Problem
            ``busy``: no finished recording can be removed to make room.
        """
        for whose, limit_mb, uploading, kept in (
            ("yours", self._settings.max_client_mb, self._upload_slots.client_bytes(client), self._of(client)),
            ("all clients", self._settings.max_mb, self._upload_slots.num_bytes, list(self._kept.values())),
        ):
            unfinished = sum(recording.num_bytes for recording in kept if not recording.ended)
            if unfinished + uploading > limit_mb * _MB:
                detail = f"{(unfinished + uploading) / _MB:.0f} MB of recordings ({whose}) are not finished, limit "
                raise busy(f"{detail}{limit_mb:g} MB", retry_after_s=_RETRY_AFTER_S)

    def surplus(self, client: str) -> list[str]:
        """Ids of finished jobs whose recordings exceed the limits.

        The client's oldest recordings come first, then the oldest of the client with the most bytes.
        """
        surplus: list[str] = []
        excess = sum(recording.num_bytes for recording in self._of(client)) - self._settings.max_client_mb * _MB
        for job_id, recording in self._oldest_first():
            if excess > 0 and recording.client == client:
                surplus.append(job_id)
                excess -= recording.num_bytes
        client_bytes: dict[str, int] = {}
        for job_id, recording in self._kept.items():
            if job_id not in surplus:
                client_bytes[recording.client] = client_bytes.get(recording.client, 0) + recording.num_bytes
        removable = {job_id: recording for job_id, recording in self._oldest_first() if job_id not in surplus}
        while sum(client_bytes.values()) > self._settings.max_mb * _MB and removable:
            largest = max((recording.client for recording in removable.values()), key=lambda name: client_bytes[name])
            job_id = next(job_id for job_id, recording in removable.items() if recording.client == largest)
            client_bytes[largest] -= removable.pop(job_id).num_bytes
            surplus.append(job_id)
        return surplus

    def _of(self, client: str) -> list[_StoredRecording]:
        return [recording for recording in self._kept.values() if recording.client == client]

    def _oldest_first(self) -> list[tuple[str, _StoredRecording]]:
        ended = ((job_id, recording) for job_id, recording in self._kept.items() if recording.ended)
        return sorted(ended, key=lambda pair: pair[1].created_s)
