"""Search methods: all combinations, random points, or Optuna's TPE.

A search records the scores of points, those of earlier runs included, and is a pure function of them.
"""

import json
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final, Protocol

import numpy as np

from drumline.core.errors import ConfigError
from drumline.tuning.config import ParameterConfig, SearchConfig
from drumline.tuning.space import Point, Space, drawn

OPTUNA: Final = "optuna"


class Search(Protocol):
    """Interface of a search method."""

    learns: bool
    """Whether scores change what it proposes."""

    def propose(self) -> dict[str, Any] | None:
        """Next point; None if there is no other."""

    def enqueue(self, point: Point) -> None:
        """Propose an unfinished point of an earlier run before any other."""

    def record(self, point: Point, score: float | None) -> None:
        """Record the score of a point; None if it failed."""


def search_of(space: Space, config: SearchConfig) -> Search:
    """Create the configured search. Raises ConfigError if the space does not suit it, or Optuna is missing."""
    if config.method == "tpe":
        return TpeSearch(space, config)
    return FixedOrderSearch(space.combinations() if config.method == "grid" else draws(space, config.seed))


def draws(space: Space, seed: int) -> Iterator[dict[str, Any]]:
    """Endless random points; the n-th depends only on seed and n. Combinations of grids take turns."""
    grids, number = space.grids(), 0
    while True:
        random, fixed = np.random.default_rng((seed, number)), grids[number % len(grids)]

        def choose(name: str, its: ParameterConfig, random: Any = random, fixed: Any = fixed) -> Any:
            return fixed[name] if name in fixed else drawn(its, random)

        yield space.point(choose)
        number += 1


class FixedOrderSearch:
    """Search that proposes points in a fixed order."""

    learns = False

    def __init__(self, points: Iterator[dict[str, Any]]) -> None:
        self.points = points

    def propose(self) -> dict[str, Any] | None:
        return next(self.points, None)

    def enqueue(self, point: Point) -> None:
        """Do nothing: the point is proposed in its turn."""

    def record(self, point: Point, score: float | None) -> None:
        """Do nothing: scores do not change the order."""


class TpeSearch:
    """Optuna's tree-structured Parzen estimator; conditions follow from the order of its suggestions."""

    learns = True

    def __init__(self, space: Space, config: SearchConfig) -> None:
        if find_spec(OPTUNA) is None:
            raise ConfigError("search.method: tpe needs the package optuna: pip install 'drumline[tune]'")
        for name, parameter in space.parameters.items():
            if parameter.grid:
                raise ConfigError(f"space.{name}: tpe tries no grid: write choice")
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space = space
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # Concurrent trials: running ones count as bad, so that no two explore the same region.
            sampler = optuna.samplers.TPESampler(seed=config.seed, n_startup_trials=config.startup, constant_liar=True)
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self._pending: dict[str, Any] = {}

    def propose(self) -> dict[str, Any] | None:
        trial = self.study.ask()
        point = self.space.point(lambda name, parameter: _suggested(trial, name, parameter))
        self._pending[json.dumps(point, sort_keys=True)] = trial
        return point

    def enqueue(self, point: Point) -> None:
        self.study.enqueue_trial(
            {name: _optuna_value(value, self.space.parameters[name]) for name, value in point.items()}
        )

    def record(self, point: Point, score: float | None) -> None:
        import optuna

        states = optuna.trial.TrialState
        state = states.FAIL if score is None else states.COMPLETE
        trial = self._pending.pop(json.dumps(point, sort_keys=True), None)
        if trial is not None:
            self.study.tell(trial, score, state=state)
        else:
            self.study.add_trial(frozen(self.space, point, score))


def frozen(space: Space, point: Point, score: float | None) -> Any:
    """Convert a point to a finished Optuna trial."""
    import optuna

    states = optuna.trial.TrialState
    return optuna.trial.create_trial(
        params={name: _optuna_value(value, space.parameters[name]) for name, value in point.items()},
        distributions={name: _distribution(space.parameters[name]) for name in point},
        value=score,
        state=states.FAIL if score is None else states.COMPLETE,
    )


def _suggested(trial: Any, name: str, parameter: ParameterConfig) -> Any:
    if parameter.bounds is None:
        return json.loads(trial.suggest_categorical(name, [json.dumps(value) for value in parameter.values]))
    (low, high), log = parameter.bounds, parameter.log_uniform is not None
    suggest = trial.suggest_int if parameter.whole else trial.suggest_float
    return suggest(name, low, high, log=log, step=parameter.step)


def _distribution(parameter: ParameterConfig) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.bounds is None:
        return CategoricalDistribution([json.dumps(value) for value in parameter.values])
    low, high = parameter.bounds
    log = parameter.log_uniform is not None
    if parameter.whole:
        return IntDistribution(int(low), int(high), log=log, step=int(parameter.step or 1))
    return FloatDistribution(low, high, log=log, step=parameter.step)


def _optuna_value(value: Any, parameter: ParameterConfig) -> Any:
    """Value for Optuna: items of lists as JSON, for they may be lists themselves."""
    return value if parameter.bounds else json.dumps(value)
