"""Limits and verdicts: at the limit one passes, beyond it one fails, and what was not measured is unknown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from drumline.core.config import Config, parse_config
from drumline.core.errors import ConfigError
from drumline.core.interval_value import measured
from drumline.quality.gates import Limit, apply_limit, apply_limits, combined_verdict

LEAST, MOST = Limit(at_least=0.9), Limit(at_most=0.1)


class Gates(Config):
    f_macro: Limit | None = LEAST
    delta: dict[str, Limit] = Field(default={"kick": MOST})


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_verdict_is_a_comparison(value: float, limit: float) -> None:
    shown = round(value, 6)
    assert apply_limit("x", measured(value), Limit(at_least=limit)).verdict == (
        "passed" if shown >= limit else "failed"
    )
    assert apply_limit("x", measured(value), Limit(at_most=limit)).verdict == ("passed" if shown <= limit else "failed")


@pytest.mark.parametrize(
    ("limit", "at_it", "beyond"), [(LEAST, 0.9, 0.899999), (MOST, 0.1, 0.100001)], ids=["at_least", "at_most"]
)
def test_at_the_limit(limit: Limit, at_it: float, beyond: float) -> None:
    assert [apply_limit("x", measured(value), limit).verdict for value in (at_it, beyond)] == ["passed", "failed"]


def test_an_end_of_the_interval_is_judged_where_asked() -> None:
    value = measured(0.92, 0.88, 0.95)
    verdicts = {by: apply_limit("x", value, Limit(at_least=0.9, by=by)).verdict for by in ("value", "low", "high")}
    assert verdicts == {"value": "passed", "low": "failed", "high": "passed"}
    assert apply_limit("x", measured(0.92), Limit(at_least=0.9, by="low")).verdict == "unknown"


def test_all_limits_that_are_set_are_judged() -> None:
    values = {"f_macro": measured(math.nan), "delta.kick": measured(0.2)}
    gates = apply_limits(Gates(), values)
    assert [(gate.name, gate.verdict) for gate in gates] == [("f_macro", "unknown"), ("delta.kick", "failed")]
    assert [combined_verdict(some) for some in (gates, gates[:1], ())] == ["failed", "unknown", "passed"]
    assert apply_limits(Gates(f_macro=None, delta={}), values) == ()


def test_a_limit_has_one_side() -> None:
    for tree in ({}, {"at_least": 0.1, "at_most": 0.2}):
        with pytest.raises(ConfigError, match="set one of at_least and at_most"):
            parse_config(Limit, tree, location="gates.yaml")
    with pytest.raises(ConfigError, match="did you mean f_macro"):
        parse_config(Gates, {"f_makro": {"at_least": 1}}, location="gates.yaml")
