"""How many bytes of recordings are kept, per client and in all, and which go first.

The ledger is one front's: what other fronts accept is seen when it is refreshed. Between two refreshes each front can
exceed a limit by what the others accepted.
"""

from dataclasses import dataclass
from typing import Final

from serve.arrivals import Arrivals
from serve.jobs import JobStore
from serve.problems import busy
from serve.records import Job
from serve.settings import Jobs

_MB: Final = 1_000_000
_RETRY_AFTER_S: Final = 30.0


@dataclass
class _Kept:
    client: str
    created_s: float
    num_bytes: int
    ended: bool


class Quota:
    """The recordings of a store."""

    def __init__(self, settings: Jobs, arrivals: Arrivals) -> None:
        self._settings, self._arrivals = settings, arrivals
        self._kept: dict[str, _Kept] = {}

    def refresh(self, store: JobStore) -> None:
        """Look at the store. Reads files: call it from a thread."""
        kept = {}
        for job_id, (num_bytes, ended) in store.recordings().items():
            known = self._kept.get(job_id)
            if known is None and (job := store.job(job_id)) is not None:
                known = _Kept(job.owner, job.created_s, num_bytes, ended)
            if known is not None:
                kept[job_id] = _Kept(known.client, known.created_s, num_bytes, ended)
        self._kept = kept

    def add(self, job: Job, num_bytes: int) -> None:
        """Count a recording that was accepted."""
        self._kept[job.id] = _Kept(job.owner, job.created_s, num_bytes, ended=False)

    def end(self, job_id: str) -> None:
        """Its transcription has ended, so its recording can go."""
        if job_id in self._kept:
            self._kept[job_id].ended = True

    def drop(self, job_id: str) -> None:
        """Its recording is gone."""
        self._kept.pop(job_id, None)

    def check(self, client: str) -> None:
        """Whether there is or can be room for what arrives. Raises Problem ``busy`` where there is none."""
        for whose, limit_mb, arriving, kept in (
            ("yours", self._settings.max_client_mb, self._arrivals.of(client), self._of(client)),
            ("all clients", self._settings.max_mb, self._arrivals.num_bytes, list(self._kept.values())),
        ):
            unfinished = sum(each.num_bytes for each in kept if not each.ended)
            if unfinished + arriving > limit_mb * _MB:
                detail = f"{(unfinished + arriving) / _MB:.0f} MB of recordings ({whose}) are not finished, limit "
                raise busy(f"{detail}{limit_mb:g} MB", retry_after_s=_RETRY_AFTER_S)

    def surplus(self, client: str) -> list[str]:
        """Ids of finished jobs whose recordings are to go: the client's own oldest, then those of whoever has most."""
        going: list[str] = []
        excess = sum(each.num_bytes for each in self._of(client)) - self._settings.max_client_mb * _MB
        for job_id, each in self._oldest_first():
            if excess > 0 and each.client == client:
                going.append(job_id)
                excess -= each.num_bytes
        held: dict[str, int] = {}
        for job_id, each in self._kept.items():
            if job_id not in going:
                held[each.client] = held.get(each.client, 0) + each.num_bytes
        left = {job_id: each for job_id, each in self._oldest_first() if job_id not in going}
        while sum(held.values()) > self._settings.max_mb * _MB and left:
            most = max((each.client for each in left.values()), key=lambda client: held[client])
            job_id = next(job_id for job_id, each in left.items() if each.client == most)
            held[most] -= left.pop(job_id).num_bytes
            going.append(job_id)
        return going

    def _of(self, client: str) -> list[_Kept]:
        return [each for each in self._kept.values() if each.client == client]

    def _oldest_first(self) -> list[tuple[str, _Kept]]:
        ended = ((job_id, each) for job_id, each in self._kept.items() if each.ended)
        return sorted(ended, key=lambda pair: pair[1].created_s)
