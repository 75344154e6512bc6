"""A clock that excludes time in which the event loop did not run.

On an overloaded CPU, bytes that arrived in time are read late. Upload rates are measured by this clock, so that
clients are not blamed for a busy server: of a time in which the event loop did not run, one tick counts.
"""

import asyncio
import logging
import time
from typing import Final

log = logging.getLogger("drumline")

_TICK_S: Final = 0.25
_REPORTED_DELAY_S: Final = 2.0
"""Delay of the event loop beyond which the machine counts as busy [s]."""
_REPORT_INTERVAL_S: Final = 60.0


class WorkClock:
    """Time in which the event loop ran [s]; `run` advances it."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._ticked_s = self._reported_s = time.monotonic()
        self.lost_s = 0.0
        """Time in which the event loop was starved [s]."""

    def now(self) -> float:
        """Time since construction without lost time [s]."""
        return self._elapsed_s + min(time.monotonic() - self._ticked_s, _TICK_S)

    async def run(self) -> None:
        """Tick until cancelled."""
        self._ticked_s = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            self.tick()

    def tick(self) -> None:
        """Advance the clock, and log a warning if the event loop was starved."""
        now_s = time.monotonic()
        passed_s = now_s - self._ticked_s
        counted_s = min(passed_s, 2 * _TICK_S)
        self._elapsed_s += counted_s
        self._ticked_s = now_s
        late_s = passed_s - counted_s
        self.lost_s += late_s
        if late_s > _REPORTED_DELAY_S and now_s - self._reported_s > _REPORT_INTERVAL_S:
            self._reported_s = now_s
            log.warning("this machine is busy: the HTTP server waited %.1f s for a CPU; responses are late", late_s)
