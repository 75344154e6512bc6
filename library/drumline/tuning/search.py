"""Which point comes next: every combination, at random, or where Optuna expects the best.

A search is told how points did, also those of earlier attempts, and is a pure function of what it was told.
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
    """Proposes points."""

    learns: bool
    """Whether scores change what it proposes."""

    def propose(self) -> dict[str, Any] | None:
        """The next point; None where there is no other."""

    def begun(self, point: Point) -> None:
        """A point that an earlier attempt began: it is proposed before any other."""

    def told(self, point: Point, score: float | None) -> None:
        """How a point did; None where it failed."""


def search_of(space: Space, config: SearchConfig) -> Search:
    """Raises ConfigError where the space does not suit the method, or Optuna is missing."""
    if config.method == "tpe":
        return Tpe(space, config)
    return Listed(space.combinations() if config.method == "grid" else draws(space, config.seed))


def draws(space: Space, seed: int) -> Iterator[dict[str, Any]]:
    """Points at random, for ever; the n-th is the same whatever came before. Grids take turns."""
    grids, number = space.grids(), 0
    while True:
        random, fixed = np.random.default_rng((seed, number)), grids[number % len(grids)]

        def choose(name: str, its: ParameterConfig, random: Any = random, fixed: Any = fixed) -> Any:
            return fixed[name] if name in fixed else drawn(its, random)

        yield space.point(choose)
        number += 1


class Listed:
    """Points in an order that nothing changes."""

    learns = False

    def __init__(self, points: Iterator[dict[str, Any]]) -> None:
        self.points = points

    def propose(self) -> dict[str, Any] | None:
        return next(self.points, None)

    def begun(self, point: Point) -> None:
        """Nothing: it comes by itself."""

    def told(self, point: Point, score: float | None) -> None:
        """Nothing: no score changes the order."""


class Tpe:
    """Optuna's tree-structured Parzen estimator, which knows conditions by the order in which it is asked."""

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
            # Trials at once: those that run are taken for bad ones, so that no two look at the same place.
            sampler = optuna.samplers.TPESampler(seed=config.seed, n_startup_trials=config.startup, constant_liar=True)
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self._asked: dict[str, Any] = {}

    def propose(self) -> dict[str, Any] | None:
        trial = self.study.ask()
        point = self.space.point(lambda name, parameter: _suggested(trial, name, parameter))
        self._asked[json.dumps(point, sort_keys=True)] = trial
        return point

    def begun(self, point: Point) -> None:
        self.study.enqueue_trial({name: _word(value, self.space.parameters[name]) for name, value in point.items()})

    def told(self, point: Point, score: float | None) -> None:
        import optuna

        states = optuna.trial.TrialState
        state = states.FAIL if score is None else states.COMPLETE
        trial = self._asked.pop(json.dumps(point, sort_keys=True), None)
        if trial is not None:
            self.study.tell(trial, score, state=state)
        else:
            self.study.add_trial(frozen(self.space, point, score))


def frozen(space: Space, point: Point, score: float | None) -> Any:
    """A point as one of Optuna's finished trials."""
    import optuna

    states = optuna.trial.TrialState
    return optuna.trial.create_trial(
        params={name: _word(value, space.parameters[name]) for name, value in point.items()},
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


def _word(value: Any, parameter: ParameterConfig) -> Any:
    """A value as Optuna knows it: of a list its JSON, for a list may hold lists."""
    return value if parameter.bounds else json.dumps(value)
