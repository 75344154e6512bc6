"""A sweep without Ray: what is tried next, what is done already, when it is over."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from drumline.core.errors import ConfigError
from drumline.tuning.config import BudgetConfig
from drumline.tuning.search import Search
from drumline.tuning.space import Point, Space
from drumline.tuning.trials import Progress, Trial

log = logging.getLogger("drumline")

_MOST_REPEATS = 200
"""Proposals in a row that are no new ones: then the space has nothing left."""


@dataclass(frozen=True)
class Again:
    """Finished trials to repeat."""

    failed: bool = False
    """Those that failed, from where they stood."""
    all: bool = False
    """All of them, from the beginning."""
    stopped: bool = False
    """Those that a scheduler stopped, from where they stood."""


class Store(Protocol):
    """Interface of a persistent store of trials by id."""

    def ids(self) -> list[str]:
        """Ids of all started trials."""

    def progress(self, id_: str) -> Progress | None:
        """Progress of a started trial."""

    def result(self, id_: str) -> Trial | None:
        """Result of a finished trial."""

    def reopen(self, id_: str) -> None:
        """Take back that a trial is done."""

    def forget(self, id_: str) -> None:
        """Remove a trial."""


class Sweep:
    """Hands out trials that are still to be done, and gathers those that are."""

    def __init__(
        self,
        space: Space,
        search: Search,
        trials: Store,
        *,
        budget: BudgetConfig,
        identify: Callable[[Point], str],
        again: Again = Again(),
    ) -> None:
        """``identify`` gives the id of a point; it raises ConfigError where the point cannot be run."""
        self.space, self.search, self.trials, self.budget = space, search, trials, budget
        self.identify, self.again = identify, again
        self.done: dict[str, Trial] = {}
        """By id, in the order in which they ended or were found."""
        self.running: dict[str, dict[str, Any]] = {}
        self.reused = 0
        """Number of finished trials of earlier runs."""
        self._taken_up: set[str] = set()
        self._resume()

    def next(self) -> tuple[str, dict[str, Any]] | None:
        """Id and point of a trial to run; None where the budget of trials is used up, or the space."""
        repeats = 0
        while repeats < _MOST_REPEATS:
            if self.budget.trials is not None and len(self.done) + len(self.running) >= self.budget.trials:
                return None
            point = self.search.propose()
            if point is None:
                return None
            try:
                id_ = self.identify(point)
            except ConfigError as error:  # two values that do not go together; each by itself was checked before
                log.warning("left out: %s", error)
                self.search.record(point, None)
                repeats += 1
                continue
            if id_ in self.done or id_ in self.running:
                self.search.record(point, self.done[id_].score if id_ in self.done else None)
                repeats += 1
            elif not self._found(id_, point):
                self.running[id_] = point
                return id_, point
        return None

    def ended(self, trial: Trial) -> None:
        """Take in what came of a trial that was handed out."""
        self._end(trial, self.running.pop(trial.id))

    def _resume(self) -> None:
        """Tell the search what earlier attempts know."""
        for id_ in self.trials.ids():
            progress = self.trials.progress(id_)
            if progress is None or progress.values not in self.space or self._id(progress.values) != id_:
                continue
            if self.trials.result(id_) is None:
                self.search.enqueue(progress.values)
            elif self.search.learns:
                self._found(id_, progress.values)

    def _found(self, id_: str, point: Point) -> bool:
        """Whether a trial is done, and need not be done again."""
        trial = self.trials.result(id_)
        if trial is None or id_ in self._taken_up:
            return False
        if self.again.all:
            self.trials.forget(id_)
        elif getattr(self.again, trial.state, False):
            self.trials.reopen(id_)
        else:
            self.reused += 1
            self._end(trial, point)
            return True
        self._taken_up.add(id_)
        return False

    def _end(self, trial: Trial, point: Point) -> None:
        self.done[trial.id] = trial
        self.search.record(point, None if trial.state == "failed" else trial.score)

    def _id(self, point: Point) -> str:
        try:
            return self.identify(point)
        except ConfigError:
            return ""
