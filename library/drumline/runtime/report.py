"""Run report: outcome, throughput and cost of a run. Never part of a dataset's bytes."""

import json
import logging
import os
import platform
import resource
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from drumline.core.artifacts import STORAGE_ERRORS, join, storage_told, write_bytes
from drumline.runtime.metrics import SongMeter

log = logging.getLogger("drumline")


@dataclass
class RunReport:
    """Counters of one run, saved however it ends."""

    job: str
    """Kind of run in metrics: ``build``, ``render`` or ``transcribe``."""
    run_id: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}")
    outcome: str = "unfinished"
    about: dict[str, Any] = field(default_factory=dict)
    stages_s: dict[str, float] = field(default_factory=dict)
    songs: int = 0
    reused: int = 0
    separated: int = 0
    audio_hours: float = 0.0
    cpu_s: float = 0.0
    peak_worker_mb: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    shards_written: int = 0
    shards_reused: int = 0
    _started: float = field(default_factory=time.monotonic)

    @cached_property
    def meter(self) -> SongMeter:
        """Prometheus counters of the run."""
        return SongMeter(self.job)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the duration of a stage."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.stages_s[name] = round(time.monotonic() - started, 3)

    def song(self, *, reused: bool, hours: float, cpu_s: float, peak_mb: float, reason: str) -> None:
        """Count one finished song.

        Parameters
        ----------
        reused
            Whether an earlier run had finished it.
        hours
            Duration of its audio [h].
        cpu_s
            CPU time [s].
        peak_mb
            Peak memory of its worker [MiB].
        reason
            Reason of its rejection; empty if it was accepted.
        """
        self.songs += 1
        self.reused += reused
        self.audio_hours += hours
        self.cpu_s += cpu_s
        self.peak_worker_mb = max(self.peak_worker_mb, peak_mb)
        if reason:
            self.failures[reason] += 1
        outcome = reason or ("reused" if reused else "done")
        self.meter.finished(outcome, audio_s=3600 * hours, cpu_s=cpu_s)

    @contextmanager
    def saved(self, folder: str) -> Iterator[None]:
        """Save the report below a run's output folder, however the block ends.

        Raises
        ------
        DrumlineError
            Storage failed in the block.
        """
        try:
            with storage_told(folder):
                yield
                self.outcome = "finished"
                self._save(folder)
        except BaseException:
            try:
                self._save(folder)
            except STORAGE_ERRORS as error:
                log.warning("%s: no report could be saved (%s)", folder, error)
            raise

    def uri(self, folder: str) -> str:
        """URI of the report below a run's output folder."""
        return join(folder, "_runs", f"{self.run_id}.json")

    def _save(self, folder: str) -> None:
        write_bytes(self.uri(folder), json.dumps(self.to_dict(), indent=1).encode())
        log.info("run report: %s", self.uri(folder))

    def to_dict(self) -> Mapping[str, Any]:
        """Report as JSON values; throughput counts only songs processed in this run."""
        wall_s = time.monotonic() - self._started
        work_s = self.stages_s.get("songs", wall_s)
        return {
            "run_id": self.run_id,
            "outcome": self.outcome,
            "about": {**self.about, "python": platform.python_version(), "machine": platform.machine()},
            "wall_s": round(wall_s, 1),
            "stages_s": self.stages_s,
            "songs": self.songs,
            "songs_reused": self.reused,
            "songs_separated": self.separated,
            "songs_rejected": dict(self.failures.most_common()),
            "audio_hours": round(self.audio_hours, 3),
            "songs_an_hour": round((self.songs - self.reused) / work_s * 3600, 1) if work_s else 0.0,
            "audio_hours_an_hour": round(self.audio_hours / work_s * 3600, 1) if work_s and not self.reused else None,
            "cpu_s": round(self.cpu_s, 1),
            "peak_worker_mb": round(self.peak_worker_mb, 1),
            "shards_written": self.shards_written,
            "shards_reused": self.shards_reused,
        }


def peak_mb() -> float:
    """Peak memory of this process [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
