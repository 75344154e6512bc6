"""What lasts of a sweep: trials done are not done again, and hours and money are counted over attempts."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.tuning.test_space import space_of, sweep_config

from drumline.core.config import fingerprint
from drumline.core.errors import ConfigError
from drumline.tuning.budget import Spent
from drumline.tuning.config import BudgetConfig, SearchConfig
from drumline.tuning.search import search_of
from drumline.tuning.sweep import Again, Sweep
from drumline.tuning.table import write_tables
from drumline.tuning.trials import Progress, Trials

SPACE = {"seed": {"choice": [1, 2, 3, 4]}, "model.dropout": {"choice": [0.0, 0.5], "when": {"seed": [1, 2]}}}


def sweep(output: Path, *, trials: int | None = None, method: Any = "grid", **again: bool) -> Sweep:
    space = space_of(SPACE)
    search = search_of(space, SearchConfig(method=method))
    return Sweep(
        space, search, Trials(str(output)), budget=BudgetConfig(trials=trials),
        identify=lambda point: fingerprint(dict(point)), again=Again(**again),
    )  # fmt: skip


def do(own: Sweep, state: Any = "finished", **more: str) -> str:
    """Hand a trial out, and end it."""
    proposed = own.next()
    assert proposed is not None
    id_, point = proposed
    own.trials.save_progress(id_, Progress(values=point, curve=((1, 0.5), (2, 0.4)), seconds=3.0))
    trial = own.trials.end(id_, state, **more)
    assert trial is not None
    own.ended(trial)
    return id_


def test_an_attempt_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    first = sweep(tmp_path)
    done = [do(first), do(first, "failed", reason="diverged", detail="loss is nan")]
    begun, point = first.next() or ("", {})
    first.trials.save_progress(begun, Progress(values=point, curve=((1, 0.3),)))

    second = sweep(tmp_path)
    assert second.next() == (begun, point)
    assert [*second.done] == done
    assert second.reused == 2
    assert [each.score for each in second.done.values()] == [0.5, 0.5]
    assert [each.state for each in second.done.values()] == ["finished", "failed"]

    assert sweep(tmp_path, trials=2).next() is None
    assert (sweep(tmp_path, failed=True).next() or ("",))[0] == done[1]
    assert second.trials.result(done[1]) is None  # taken back; where it stood is kept
    assert second.trials.progress(done[1]) is not None
    assert (sweep(tmp_path, all=True).next() or ("",))[0] == done[0]
    assert second.trials.progress(done[0]) is None


def test_trials_that_a_scheduler_stopped_are_done_for_that_scheduler_alone(tmp_path: Path) -> None:
    stopped = do(sweep(tmp_path), "stopped")
    assert (sweep(tmp_path).next() or ("",))[0] != stopped
    assert (sweep(tmp_path, stopped=True).next() or ("",))[0] == stopped


def test_a_learning_search_is_told_what_others_found_and_ends_with_its_space(tmp_path: Path) -> None:
    grid = sweep(tmp_path)
    done = {do(grid) for _ in range(5)}
    learning = sweep(tmp_path, method="tpe")
    assert {*learning.done} == done
    id_ = do(learning)
    assert id_ not in done
    assert learning.next() is None  # six points in all, four seeds and two dropouts for two of them


def test_points_whose_values_do_not_go_together_are_left_out(tmp_path: Path) -> None:
    def identify(point: Any) -> str:
        if point["seed"] == 1:
            raise ConfigError("seed 1 does not go with that")
        return fingerprint(dict(point))

    space = space_of(SPACE)
    own = Sweep(
        space, search_of(space, SearchConfig(method="grid")), Trials(str(tmp_path)), budget=BudgetConfig(),
        identify=identify,
    )  # fmt: skip
    assert (own.next() or ("", {}))[1]["seed"] == 2


def test_hours_and_money_are_counted_over_attempts(tmp_path: Path) -> None:
    now = [0.0]
    budget = BudgetConfig(money=5.0, node_price_an_hour=2.0)
    first = Spent.of(str(tmp_path), lambda: now[0])
    for now[0] in (10.0, 1810.0):
        first.tick(3)
    assert first.over(budget) == ""
    first.write()
    second = Spent.of(str(tmp_path), lambda: now[0])
    assert second.money(budget) == pytest.approx(3.0)
    for now[0] in (9000.0, 9000.0 + 1200.0):
        second.tick(3)
    assert second.over(budget) == "5.00 spent, the budget is 5"
    assert second.over(BudgetConfig(hours=0.8)).startswith("0.83 hours")
    with pytest.raises(ConfigError, match="needs node_price_an_hour"):
        sweep_config(SPACE, budget={"money": 5.0})
    with pytest.raises(ConfigError, match="a random search has no end of its own"):
        sweep_config(SPACE, budget={})
    with pytest.raises(ConfigError, match=r"pbt needs search\.method random"):
        sweep_config(SPACE, scheduler={"kind": "pbt"}, search={"method": "tpe"})


def test_tables_hold_every_trial_and_its_values(tmp_path: Path) -> None:
    own = sweep(tmp_path)
    do(own, "failed", reason="out_of_memory", detail="can't allocate memory")
    for _ in range(5):
        do(own)
    write_tables([*own.done.values()], [*SPACE], str(tmp_path))
    table = pq.read_table(tmp_path / "trials.parquet")
    assert table.num_rows == 6
    assert table["state"].to_pylist()[-1] == "failed"
    assert {type(value) for value in table["seed"].to_pylist()} == {int}
    assert table["model.dropout"].null_count == 2
    rows = [*csv.DictReader((tmp_path / "trials.csv").read_text().splitlines())]
    assert [row["trial"] for row in rows] == table["trial"].to_pylist()
    result = json.loads((tmp_path / "trials" / rows[-1]["trial"] / "result.json").read_text())
    assert result["reason"] == "out_of_memory"
