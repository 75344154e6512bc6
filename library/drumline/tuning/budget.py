"""What a sweep has spent, over all attempts at it: a file beside its trials, whole at any time."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drumline.core.artifacts import exists, join, read_bytes, write_bytes
from drumline.core.documents import parse_json
from drumline.tuning.config import BudgetConfig

_WRITE_EVERY_S = 5.0


@dataclass
class Spent:
    """Hours of running, and hours of all nodes together."""

    output: str
    hours: float = 0.0
    node_hours: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _since: float | None = field(default=None, repr=False)
    _written: float = field(default=float("-inf"), repr=False)

    @staticmethod
    def of(output: str, clock: Callable[[], float] = time.monotonic) -> "Spent":
        """What the attempts so far have spent."""
        uri = join(output, "spent.json")
        told = parse_json(read_bytes(uri)) if exists(uri) else {}
        return Spent(output, told.get("hours", 0.0), told.get("node_hours", 0.0), clock)

    def tick(self, nodes: int) -> None:
        """Count the time since the last tick, of so many nodes; the first one of an attempt starts the clock."""
        now = self.clock()
        if self._since is not None:
            hours = (now - self._since) / 3600
            self.hours, self.node_hours = self.hours + hours, self.node_hours + hours * nodes
        self._since = now
        if now - self._written >= _WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        """Make it last."""
        told = {"hours": round(self.hours, 6), "node_hours": round(self.node_hours, 6)}
        write_bytes(join(self.output, "spent.json"), json.dumps(told).encode())
        self._written = self.clock()

    def money(self, budget: BudgetConfig) -> float:
        """What the nodes have cost."""
        return self.node_hours * budget.node_price_an_hour

    def over(self, budget: BudgetConfig) -> str:
        """Which part of the budget is used up, in words; empty where none is. Trials are counted elsewhere."""
        if budget.hours is not None and self.hours >= budget.hours:
            return f"{self.hours:.2f} hours, the budget is {budget.hours:g}"
        if budget.money is not None and (cost := self.money(budget)) >= budget.money:
            return f"{cost:.2f} spent, the budget is {budget.money:g}"
        return ""
