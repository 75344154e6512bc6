"""Gates: limits on measured numbers, and their verdicts.

Limits are data in the configuration of a check, keyed by the name of the limited number. Verdicts use the rounded
number that the report shows; a number exactly at its limit passes.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from drumline.core.config import Config
from drumline.core.interval_value import Number, Value

Verdict = Literal["passed", "failed", "unknown"]
"""``unknown``: nothing was measured, because no such event occurred or one song gives no interval."""


class Limit(Config):
    """A lower or an upper bound on a measured number: set one of ``at_least`` and ``at_most``."""

    SHOWN_AS: ClassVar[str] = "limit"

    at_least: float | None = None
    """Lowest value that passes."""
    at_most: float | None = None
    """Highest value that passes."""
    by: Literal["value", "low", "high"] = "value"
    """Number that is compared: the value, or the lower or upper end of its confidence interval. ``at_least`` by ``low``
    demands proof that the limit is kept; ``at_least`` by ``high`` fails only if it is proven to be broken."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("set one of at_least and at_most")
        return self


class Gate(Config):
    """A configured limit with the measured number and its verdict."""

    name: str
    """Name of the limited number."""
    value: Number
    """Measured number on the data as given."""
    low: Number
    """Lower end of its confidence interval."""
    high: Number
    """Upper end of its confidence interval."""
    rule: Literal["at_least", "at_most"]
    """Side of the limit that passes."""
    limit: float
    """Limit value; a number equal to it passes."""
    by: Literal["value", "low", "high"]
    """Number that was compared: the value or an end of its interval."""
    verdict: Verdict
    """Result: passed, failed or unknown."""


def apply_limit(name: str, value: Value, limit: Limit) -> Gate:
    """Compare a measured number with a limit."""
    judged: Number = getattr(value, limit.by)
    rule: Literal["at_least", "at_most"] = "at_most" if limit.at_least is None else "at_least"
    bound: float = getattr(limit, rule)
    verdict: Verdict = "unknown"
    if judged is not None:
        verdict = "passed" if (judged >= bound if rule == "at_least" else judged <= bound) else "failed"
    numbers = {"value": value.value, "low": value.low, "high": value.high}
    return Gate(name=name, rule=rule, limit=bound, by=limit.by, verdict=verdict, **numbers)


def apply_limits(limits: Config, values: Mapping[str, Value], *, prefix: str = "") -> tuple[Gate, ...]:
    """Compare measured numbers with all limits that are set.

    Parameters
    ----------
    limits
        Section of a configuration whose fields are limits or mappings of limits.
    values
        Measured numbers by name; a limit without a number gives the verdict ``unknown``.
    prefix
        Put before the name of each gate.

    Returns
    -------
    tuple of Gate
        One gate for each limit, in the order of the configuration.
    """
    nothing = Value(value=None, low=None, high=None)
    return tuple(apply_limit(prefix + name, values.get(name, nothing), limit) for name, limit in _limits(limits))


def combined_verdict(gates: tuple[Gate, ...]) -> Verdict:
    """Combined verdict: failed if any gate failed, else unknown if any is unknown, else passed (also without gates)."""
    verdicts = {gate.verdict for gate in gates}
    return "failed" if "failed" in verdicts else "unknown" if "unknown" in verdicts else "passed"


def worst_first(gates: Iterable[Gate]) -> list[Gate]:
    """Gates ordered by verdict: failed, unknown, passed; the given order within each."""
    return sorted(gates, key=lambda gate: ("failed", "unknown", "passed").index(gate.verdict))


def _limits(limits: Config) -> Iterator[tuple[str, Limit]]:
    """Names and limits of a section of gates; a mapping of limits gives ``field.key``."""
    for field in type(limits).model_fields:
        value = getattr(limits, field)
        if isinstance(value, Limit):
            yield field, value
        elif isinstance(value, Mapping):
            yield from ((f"{field}.{key}", limit) for key, limit in value.items())
