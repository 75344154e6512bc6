"""Promises under faults. One case is shown in every test run, the others on request: ``pytest -m chaos``."""

import pytest
from tests.chaos.cases import CASES, Case
from tests.chaos.run import Bench

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1800)]
ALWAYS = ("build/node",)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("chaos"))


@pytest.mark.parametrize(
    "case",
    [pytest.param(each, id=each.name, marks=() if each.name in ALWAYS else pytest.mark.chaos) for each in CASES],
)
def test_a_promise_is_kept(case: Case, bench: Bench) -> None:
    outcome = bench.run(case)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert not outcome.broken, outcome.broken
