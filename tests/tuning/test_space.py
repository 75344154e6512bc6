"""Spaces and searches: what they refuse, and that every point is one of theirs."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.training.songs import train_config

from drumline.core.config import changed, parse_config
from drumline.core.errors import ConfigError
from drumline.tuning.config import SearchConfig, SweepConfig
from drumline.tuning.importance import importance
from drumline.tuning.search import Search, TpeSearch, draws, search_of
from drumline.tuning.space import Space
from drumline.tuning.trials import Trial

PEAK = "stages.0.schedule.peak"
CONDITIONAL: dict[str, Any] = {
    "mixup.alpha": {"uniform": [0.1, 1.0], "when": {"mixup.probability": [0.5]}},
    "mixup.probability": {"choice": [0.0, 0.5]},
    PEAK: {"log_uniform": [1e-4, 1e-2]},
    "sampling.batch_size": {"uniform": [4, 16], "step": 4},
    "model.channels": {"choice": [[8, 8], [16, 8]]},
}


def sweep_config(space: dict[str, Any], **more: Any) -> SweepConfig:
    tree = {"name": "s", "output": "o", "space": space, "train": {"config": "t.yaml"}, "budget": {"trials": 9}, **more}
    return parse_config(SweepConfig, tree, "sweep.yaml")


def space_of(space: dict[str, Any]) -> Space:
    return Space.of(sweep_config(space).space)


@pytest.mark.parametrize(
    ("parameter", "why"),
    [
        ({"choice": [1], "grid": [2]}, "not choice and grid"),
        ({}, "not none"),
        ({"uniform": [2, 1]}, "the lower bound 2 must be below the upper, 1"),
        ({"log_uniform": [0, 1]}, "the lower bound 0 must be above 0"),
        ({"choice": [1], "step": 1}, "values of a list have none"),
        ({"uniform": [0, 10], "step": 3}, "3.33333 steps of 3 apart"),
        ({"log_uniform": [0.1, 10], "step": 1}, "only 1, between whole bounds"),
        ({"choise": [1]}, "unknown key; did you mean space"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_told(parameter: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=r"sweep\.yaml: space") as error:
        sweep_config({"seed": parameter})
    assert why in str(error.value) or "choise" in parameter


@pytest.mark.parametrize(
    ("space", "why"),
    [
        ({PEAK: {"choice": [1], "when": {"seed": [1]}}}, f"space.{PEAK}.when: seed is no other key"),
        ({"a": {"choice": [1], "when": {"b": [3]}}, "b": {"choice": [1, 2]}}, "3 is none of the values of b"),
        (
            {"a": {"choice": [1], "when": {"b": [1]}}, "b": {"choice": [1], "when": {"a": [1]}}},
            "conditions go round in a circle",
        ),
    ],
)
def test_conditions_that_cannot_be_are_told(space: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        space_of(space)


@pytest.mark.parametrize(
    ("space", "why"),
    [
        ({"modell.dropout": {"uniform": [0, 1]}}, r"modell: unknown key; did you mean model"),
        ({PEAK: {"uniform": [-1, 1]}}, r"space\.stages\.0\.schedule\.peak: -1\.0: .*greater than 0"),
        ({"stages.3.epochs": {"choice": [1]}}, r"there is no item 3, only 1"),
        ({"model.dropout": {"choice": [0.1, "much"]}}, r"'much': .*valid number"),
        ({"sampling.batch_size": {"uniform": [4, 8]}}, r"space\.sampling\.batch_size: 4\.0: .*valid integer"),
        ({"workers.num_workers.x": {"choice": [1]}}, "num_workers holds a value, not a section"),
    ],
)
def test_a_space_is_held_against_the_configuration(space: dict[str, Any], why: str, tmp_path: Path) -> None:
    base = train_config("dataset", tmp_path)
    with pytest.raises(ConfigError, match=why):
        space_of(space).check(base, location="base.yaml")


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_points_are_of_their_space_and_of_the_configuration(method: Any, tmp_path: Path) -> None:
    space, base = space_of(CONDITIONAL), train_config("dataset", tmp_path)
    points = _some(search_of(space, SearchConfig(method=method, startup=5)), 40)
    assert points == _some(search_of(space, SearchConfig(method=method, startup=5)), 40)
    for point in points:
        assert point in space
        assert ("mixup.alpha" in point) == (point["mixup.probability"] == 0.5)
        config = changed(base, point, location="test")
        assert config.stages[0].schedule.peak == point[PEAK]
        assert config.sampling.batch_size in (4, 8, 12, 16)
    assert len({repr(point) for point in points}) == 40
    assert {**points[0], "seed": 1} not in space
    assert {**points[0], PEAK: 1.0} not in space


def test_a_grid_is_every_combination_once_and_knows_conditions() -> None:
    space = space_of(
        {
            "mixup.probability": {"grid": [0.0, 0.5]},
            "mixup.alpha": {"choice": [0.1, 0.2], "when": {"mixup.probability": [0.5]}},
            "seed": {"grid": [1, 2]},
        }
    )
    points = _some(search_of(space, SearchConfig(method="grid")), 100)
    assert len(points) == 2 + 4
    with pytest.raises(ConfigError, match="a grid search needs lists"):
        next(space_of({PEAK: {"uniform": [1, 2]}}).combinations())


def test_grids_take_turns_among_points_at_random() -> None:
    space = space_of({"seed": {"grid": [1, 2, 3]}, "model.dropout": {"uniform": [0.0, 0.5]}})
    points = [*itertools.islice(draws(space, seed=0), 6)]
    assert [point["seed"] for point in points] == [1, 2, 3, 1, 2, 3]
    assert len({point["model.dropout"] for point in points}) == 6


def test_tpe_goes_where_it_is_good_also_with_what_others_have_found() -> None:
    space = space_of({"model.dropout": {"uniform": [0.0, 1.0]}, "seed": {"choice": [1, 2]}})

    def score(point: dict[str, Any]) -> float:
        return 1 - abs(point["model.dropout"] - 0.7) - 0.3 * (point["seed"] == 1)

    known = [*itertools.islice(draws(space, seed=5), 30)]
    search = TpeSearch(space, SearchConfig(method="tpe"))
    for point in known:
        search.record(point, score(point))
    search.record(known[0], None)  # a failed one teaches nothing
    search.enqueue({"model.dropout": 0.123, "seed": 1})
    assert search.propose() == {"model.dropout": 0.123, "seed": 1}
    proposed = []
    for _ in range(15):
        proposed.append(search.propose())
        search.record(proposed[-1], score(proposed[-1]))
    assert sum(map(score, proposed)) / 15 > sum(map(score, known)) / 30 + 0.2

    trials = [
        Trial(id=str(n), state="finished", values=point, curve=((1, score(point)),)) for n, point in enumerate(known)
    ]
    told = importance(space, trials)
    assert told is not None
    assert told["model.dropout"] > told["seed"]


def _some(search: Search, most: int) -> list[dict[str, Any]]:
    found = []
    while len(found) < most and (point := search.propose()) is not None:
        found.append(point)
    return found
