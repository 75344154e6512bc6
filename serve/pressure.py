"""A clock of the time in which this process could work, so that clients do not pay for a busy machine.

Where the processor is short, bytes that arrived in time are read late. Limits on how fast a client sends are
measured by this clock: of a time in which the event loop did not run, one tick counts.
"""

import asyncio
import logging
import time
from typing import Final

log = logging.getLogger("drumline")

_TICK_S: Final = 0.25
_REPORTED_S: Final = 2.0
"""A delay of the event loop from which on the machine counts as busy."""
_BETWEEN_REPORTS_S: Final = 60.0


class WorkClock:
    """Seconds in which the event loop ran; `run` keeps it going."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._ticked_s = self._reported_s = time.monotonic()
        self.lost_s = 0.0
        """Seconds in which it did not run, though it was to."""

    def now(self) -> float:
        """Seconds since the clock was made, without those that were lost."""
        return self._elapsed_s + min(time.monotonic() - self._ticked_s, _TICK_S)

    async def run(self) -> None:
        """Tick until cancelled; one line in the log replaces what starvation breaks elsewhere."""
        self._ticked_s = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            self.tick()

    def tick(self) -> None:
        """Count the time since the last tick."""
        now_s = time.monotonic()
        passed_s = now_s - self._ticked_s
        counted_s = min(passed_s, 2 * _TICK_S)
        self._elapsed_s += counted_s
        self._ticked_s = now_s
        late_s = passed_s - counted_s
        self.lost_s += late_s
        if late_s > _REPORTED_S and now_s - self._reported_s > _BETWEEN_REPORTS_S:
            self._reported_s = now_s
            log.warning("this machine is busy: the HTTP server waited %.1f s for a processor; answers are late", late_s)
