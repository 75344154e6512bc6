"""Gates: a measured number, the limit that it must keep, and the verdict.

Limits are data: they stand in the configuration of a check, by the name of what they limit. A verdict is about the
number as the report shows it, rounded, so that nobody is refused by a digit that nobody sees; at its limit it passes.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from drumline.core.config import Config
from drumline.core.measure import Number, Value

Verdict = Literal["passed", "failed", "unknown"]
"""``unknown``: there is no number to judge, because nothing of the kind occurred or one song leaves no interval."""


class Limit(Config):
    """What a number must keep: one of ``at_least`` and ``at_most``."""

    SHOWN_AS: ClassVar[str] = "limit"

    at_least: float | None = None
    """The least that passes."""
    at_most: float | None = None
    """The most that passes."""
    by: Literal["value", "low", "high"] = "value"
    """What is judged: the number, or an end of its interval. ``at_least`` by ``low`` asks for proof that the limit is
    kept, ``at_least`` by ``high`` fails only where it is proven broken."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("set one of at_least and at_most")
        return self


class Gate(Config):
    """A limit that was asked for, and what came of it."""

    name: str
    """What was measured."""
    value: Number
    """Of the data as it is."""
    low: Number
    """Lower end of its interval."""
    high: Number
    """Upper end."""
    rule: Literal["at_least", "at_most"]
    """Which side passes."""
    limit: float
    """The limit; at it one passes."""
    by: Literal["value", "low", "high"]
    """Which of the three numbers was judged."""
    verdict: Verdict
    """What came of it."""


def judge(name: str, value: Value, limit: Limit) -> Gate:
    """One gate."""
    judged: Number = getattr(value, limit.by)
    rule: Literal["at_least", "at_most"] = "at_most" if limit.at_least is None else "at_least"
    bound: float = getattr(limit, rule)
    verdict: Verdict = "unknown"
    if judged is not None:
        verdict = "passed" if (judged >= bound if rule == "at_least" else judged <= bound) else "failed"
    numbers = {"value": value.value, "low": value.low, "high": value.high}
    return Gate(name=name, rule=rule, limit=bound, by=limit.by, verdict=verdict, **numbers)


def judge_all(limits: Config, values: Mapping[str, Value], *, of: str = "") -> tuple[Gate, ...]:
    """A gate for each limit that is set; ``of`` stands before its name. What was not measured is unknown."""
    nothing = Value(value=None, low=None, high=None)
    return tuple(judge(of + name, values.get(name, nothing), limit) for name, limit in _limits(limits))


def overall(gates: tuple[Gate, ...]) -> Verdict:
    """Failed if any is; else unknown if any is; else passed, also where no gate is set."""
    verdicts = {gate.verdict for gate in gates}
    return "failed" if "failed" in verdicts else "unknown" if "unknown" in verdicts else "passed"


def worst_first(gates: Iterable[Gate]) -> list[Gate]:
    """Failed, unknown, passed; within each as they came."""
    return sorted(gates, key=lambda gate: ("failed", "unknown", "passed").index(gate.verdict))


def _limits(limits: Config) -> Iterator[tuple[str, Limit]]:
    """Names and limits of a section of gates. A mapping of limits gives ``field.key``."""
    for field in type(limits).model_fields:
        told = getattr(limits, field)
        if isinstance(told, Limit):
            yield field, told
        elif isinstance(told, Mapping):
            yield from ((f"{field}.{key}", limit) for key, limit in told.items())
