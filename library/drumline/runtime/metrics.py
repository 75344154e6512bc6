"""Prometheus metrics of runs, exported by Ray and plotted by configs/cluster/grafana.

Ray prefixes every name with ``ray_``. A process that is not connected to Ray exports nothing.
"""

from functools import cache
from typing import Final

from ray.util.metrics import Counter, Gauge

_KIND: Final = ("kind",)
_RUN: Final = ("run",)


class SongMeter:
    """Song counters of a run of kind ``build``, ``render`` or ``transcribe``."""

    def __init__(self, kind: str) -> None:
        self._tags = {"kind": kind}

    def planned(self, songs: int) -> None:
        """Set the number of songs of the run, finished ones included."""
        _gauge("drumline_songs_planned", "Songs of the current run, finished ones included.", _KIND).set(
            songs, self._tags
        )

    def finished(self, outcome: str, *, audio_s: float, cpu_s: float) -> None:
        """Count one finished song.

        Parameters
        ----------
        outcome
            ``done``, ``reused``, or the reason of its rejection.
        audio_s
            Duration of its audio [s].
        cpu_s
            CPU time that it took [s].
        """
        _counter("drumline_songs", "Finished songs, by outcome.", (*_KIND, "outcome")).inc(
            1, {**self._tags, "outcome": outcome}
        )
        for name, what, amount in (
            ("drumline_songs_audio_seconds", "Audio of finished songs [s].", audio_s),
            ("drumline_songs_cpu_seconds", "CPU time of finished songs [s].", cpu_s),
        ):
            if amount > 0:  # Ray's counters accept no 0
                _counter(name, what, _KIND).inc(amount, self._tags)


class TrainingMeter:
    """Metrics of one training run, exported by its first worker."""

    def __init__(self, run: str) -> None:
        self._tags = {"run": run}

    def step(self, *, windows: int, loss: float, rate: float, waited_s: float) -> None:
        """Record a training step.

        Parameters
        ----------
        windows
            Batch size over all workers.
        loss
            Training loss.
        rate
            Learning rate.
        waited_s
            Time that the step waited for its batch [s].
        """
        _counter("drumline_training_windows", "Training windows of all workers.", _RUN).inc(windows, self._tags)
        if waited_s > 0:
            _counter("drumline_training_waited_seconds", "Time spent waiting for a batch [s].", _RUN).inc(
                waited_s, self._tags
            )
        _gauge("drumline_training_loss", "Loss of the last step.", _RUN).set(loss, self._tags)
        _gauge("drumline_training_rate", "Learning rate of the last step.", _RUN).set(rate, self._tags)

    def epoch(self, number: int, score: float) -> None:
        """Record a validation: the number of finished epochs and the validation score."""
        _gauge("drumline_training_epoch", "Finished epochs.", _RUN).set(number, self._tags)
        _gauge("drumline_training_score", "Score of the last validation.", _RUN).set(score, self._tags)


@cache
def _counter(name: str, what: str, keys: tuple[str, ...]) -> Counter:
    return Counter(name, description=what, tag_keys=keys)


@cache
def _gauge(name: str, what: str, keys: tuple[str, ...]) -> Gauge:
    return Gauge(name, description=what, tag_keys=keys)
