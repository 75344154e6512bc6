"""What Prometheus is told while a run goes on, by way of Ray: configs/cluster/grafana draws it.

Where it arrives every name begins with ``ray_``. A process that is not connected to Ray tells nobody.
"""

from functools import cache
from typing import Final

from ray.util.metrics import Counter, Gauge

_KIND: Final = ("kind",)
_RUN: Final = ("run",)


class SongMeter:
    """The songs of a run of a kind: ``build``, ``render`` or ``transcribe``."""

    def __init__(self, kind: str) -> None:
        self._tags = {"kind": kind}

    def planned(self, songs: int) -> None:
        """How many there are to do, finished ones among them."""
        _gauge("drumline_songs_planned", "Songs of the run under way, finished ones among them.", _KIND).set(
            songs, self._tags
        )

    def came_back(self, outcome: str, *, audio_s: float, cpu_s: float) -> None:
        """One more. ``outcome`` is ``done``, ``reused``, or the reason of its rejection."""
        _counter("drumline_songs", "Songs that came back, by outcome.", (*_KIND, "outcome")).inc(
            1, {**self._tags, "outcome": outcome}
        )
        for name, what, amount in (
            ("drumline_songs_audio_seconds", "Audio of the songs that came back.", audio_s),
            ("drumline_songs_cpu_seconds", "Processor time that these songs took.", cpu_s),
        ):
            if amount > 0:  # Ray's counters refuse to stand still
                _counter(name, what, _KIND).inc(amount, self._tags)


class TrainingMeter:
    """One training run, told by its first worker."""

    def __init__(self, run: str) -> None:
        self._tags = {"run": run}

    def step(self, *, windows: int, loss: float, rate: float, waited_s: float) -> None:
        """After a step on ``windows`` of all workers, for which it waited ``waited_s``."""
        _counter("drumline_training_windows", "Windows that were learnt from, of all workers.", _RUN).inc(
            windows, self._tags
        )
        if waited_s > 0:
            _counter("drumline_training_waited_seconds", "Time without a batch.", _RUN).inc(waited_s, self._tags)
        _gauge("drumline_training_loss", "Of the last step.", _RUN).set(loss, self._tags)
        _gauge("drumline_training_rate", "Learning rate of the last step.", _RUN).set(rate, self._tags)

    def epoch(self, number: int, score: float) -> None:
        """After a validation: the epoch that comes next, and the score that stages go by."""
        _gauge("drumline_training_epoch", "Finished epochs.", _RUN).set(number, self._tags)
        _gauge("drumline_training_score", "Of the last validation.", _RUN).set(score, self._tags)


@cache
def _counter(name: str, what: str, keys: tuple[str, ...]) -> Counter:
    return Counter(name, description=what, tag_keys=keys)


@cache
def _gauge(name: str, what: str, keys: tuple[str, ...]) -> Gauge:
    return Gauge(name, description=what, tag_keys=keys)
