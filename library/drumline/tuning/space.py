"""A search space: which values each key may have, when a key exists at all, and the points of the space.

A point is a mapping of dotted names to values. Keys that do not exist under its other values are not in it.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from drumline.core.config import C, changed
from drumline.core.errors import ConfigError
from drumline.tuning.config import ParameterConfig

Point = Mapping[str, Any]
Choose = Callable[[str, ParameterConfig], Any]


@dataclass(frozen=True)
class Space:
    """Parameters by dotted name; each comes after those that its existence depends on."""

    parameters: Mapping[str, ParameterConfig]

    @staticmethod
    def of(parameters: Mapping[str, ParameterConfig]) -> "Space":
        """Raises ConfigError where a condition names no other key, a value that key never has, or itself."""
        for name, parameter in parameters.items():
            for other, wanted in parameter.when.items():
                if other not in parameters or other == name:
                    raise ConfigError(f"space.{name}.when: {other} is no other key of the space")
                for value in wanted:
                    if not could_be(value, parameters[other]):
                        raise ConfigError(f"space.{name}.when.{other}: {value!r} is none of the values of {other}")
        try:
            order = [*TopologicalSorter({name: [*each.when] for name, each in parameters.items()}).static_order()]
        except CycleError as error:
            raise ConfigError(f"space: conditions go round in a circle: {', '.join(error.args[1])}") from error
        rank = {name: index for index, name in enumerate(parameters)}
        order.sort(key=lambda name: (_depth(name, parameters), rank[name]))
        return Space({name: parameters[name] for name in order})

    def point(self, choose: Choose) -> dict[str, Any]:
        """A point whose values are chosen one by one, conditions first."""
        found: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            if self._exists(parameter, found):
                found[name] = choose(name, parameter)
        return found

    def __contains__(self, point: object) -> bool:
        """Whether a point is one of this space."""
        if not isinstance(point, Mapping):
            return False
        exist = {name for name, parameter in self.parameters.items() if self._exists(parameter, point)}
        return point.keys() == exist and all(could_be(point[name], self.parameters[name]) for name in exist)

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Every point of a space of lists, each once. Raises ConfigError where there is a range."""
        for name, parameter in self.parameters.items():
            if parameter.bounds:
                raise ConfigError(f"space.{name}: a grid search needs lists (choice or grid), not a range")
        yield from self._crossed({name: parameter.values for name, parameter in self.parameters.items()})

    def grids(self) -> list[dict[str, Any]]:
        """Every combination of the parameters that are grids, whatever the others are; one empty one without any."""
        grids = {name: parameter.grid for name, parameter in self.parameters.items() if parameter.grid}
        return [dict(zip(grids, values, strict=True)) for values in itertools.product(*grids.values())]

    def probes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and point of each value of a list and each bound of a range, the others at their first."""
        for name, parameter in self.parameters.items():
            ends = parameter.bounds or ()
            # Between its ends are fractions, which a key of whole numbers does not take.
            for value in parameter.values or (ends if parameter.whole else map(float, ends)):
                wanted = {name: value, **self._needed(name)}
                point = self.point(lambda each, its, wanted=wanted: wanted.get(each, _first(its)))  # type: ignore[misc]
                yield name, point

    def check(self, config: C, location: str) -> None:
        """Raise ConfigError where a key is unknown, or a value or a bound beyond what the configuration takes."""
        for name, point in self.probes():
            try:
                changed(config, point, location=location)
            except ConfigError as error:
                why, *_ = str(error).splitlines()
                raise ConfigError(f"space.{name}: {point[name]!r}: {why}") from error

    def near(self, point: Point, random: np.random.Generator) -> dict[str, Any]:
        """A point beside another: numbers a fifth larger or smaller within their bounds, lists one item on."""
        return self.point(lambda name, its: _near(point[name], its, random) if name in point else drawn(its, random))

    def _exists(self, parameter: ParameterConfig, point: Point) -> bool:
        return all(other in point and point[other] in wanted for other, wanted in parameter.when.items())

    def _needed(self, name: str) -> dict[str, Any]:
        """Values under which a key exists."""
        needed: dict[str, Any] = {}
        for other, wanted in self.parameters[name].when.items():
            needed |= {other: wanted[0], **self._needed(other)}
        return needed

    def _crossed(self, values: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
        seen = set()
        for row in itertools.product(*values.values()):
            given = dict(zip(values, row, strict=True))
            point = self.point(lambda name, _, given=given: given[name])  # type: ignore[misc]
            if (key := repr(point)) not in seen:
                seen.add(key)
                yield point


def drawn(parameter: ParameterConfig, random: np.random.Generator) -> Any:
    """A value at random."""
    if parameter.bounds is None:
        return parameter.values[int(random.integers(len(parameter.values)))]
    low, high = parameter.bounds
    if parameter.log_uniform:
        if parameter.whole:
            return min(int(high), int(math.exp(random.uniform(math.log(low), math.log(high + 1)))))
        return math.exp(random.uniform(math.log(low), math.log(high)))
    if parameter.step is None:
        return float(random.uniform(low, high))
    return low + parameter.step * int(random.integers(round((high - low) / parameter.step) + 1))


def could_be(value: Any, parameter: ParameterConfig) -> bool:
    """Whether a parameter may have a value."""
    if parameter.bounds is None:
        return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in parameter.values)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = parameter.bounds
    within = low - 1e-12 <= value <= high + 1e-12
    steps = (value - low) / parameter.step if parameter.step and not parameter.log_uniform else 0.0
    return within and abs(steps - round(steps)) < 1e-6


def _near(value: Any, parameter: ParameterConfig, random: np.random.Generator) -> Any:
    up = bool(random.integers(2))
    if parameter.bounds is None:
        index = parameter.values.index(value) + (1 if up else -1)
        return parameter.values[min(max(index, 0), len(parameter.values) - 1)]
    low, high = parameter.bounds
    moved = min(max(value * (1.2 if up else 1 / 1.2), low), high)
    if parameter.step is None:
        return moved
    steps = (moved - low) / parameter.step
    return min(low + parameter.step * (math.ceil(steps) if up else math.floor(steps)), high)


def _first(parameter: ParameterConfig) -> Any:
    return (parameter.values or parameter.bounds or (None,))[0]


def _depth(name: str, parameters: Mapping[str, ParameterConfig]) -> int:
    return 1 + max((_depth(other, parameters) for other in parameters[name].when), default=-1)
