"""Python imports this at its start where this folder is on PYTHONPATH: its wall clock is then an hour ahead."""

import time

_AHEAD_S = 3600
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + _AHEAD_S
time.time_ns = lambda: _time_ns() + _AHEAD_S * 1_000_000_000
