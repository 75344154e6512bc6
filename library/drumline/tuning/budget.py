"""Time and cost of a sweep over all its runs, kept in a file beside its trials."""

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
    """Running time and node hours of a sweep."""

    output: str
    """Output folder or URI of the sweep."""
    hours: float = 0.0
    """Running time [h]."""
    node_hours: float = 0.0
    """Running time summed over nodes [h]."""
    clock: Callable[[], float] = time.monotonic
    _since: float | None = field(default=None, repr=False)
    _written: float = field(default=float("-inf"), repr=False)

    @staticmethod
    def of(output: str, clock: Callable[[], float] = time.monotonic) -> "Spent":
        """Read the time and cost of earlier runs."""
        uri = join(output, "spent.json")
        spent = parse_json(read_bytes(uri)) if exists(uri) else {}
        return Spent(output, spent.get("hours", 0.0), spent.get("node_hours", 0.0), clock)

    def tick(self, nodes: int) -> None:
        """Add the time since the last tick on `nodes` nodes; the first tick of a run starts the clock."""
        now = self.clock()
        if self._since is not None:
            hours = (now - self._since) / 3600
            self.hours, self.node_hours = self.hours + hours, self.node_hours + hours * nodes
        self._since = now
        if now - self._written >= _WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        """Write the file."""
        tree = {"hours": round(self.hours, 6), "node_hours": round(self.node_hours, 6)}
        write_bytes(join(self.output, "spent.json"), json.dumps(tree).encode())
        self._written = self.clock()

    def money(self, budget: BudgetConfig) -> float:
        """Cost of the nodes, in the budget's currency."""
        return self.node_hours * budget.node_price_an_hour

    def over(self, budget: BudgetConfig) -> str:
        """Message about a used-up budget; empty if none is. Trials are counted elsewhere."""
        if budget.hours is not None and self.hours >= budget.hours:
            return f"{self.hours:.2f} hours, the budget is {budget.hours:g}"
        if budget.money is not None and (cost := self.money(budget)) >= budget.money:
            return f"{cost:.2f} spent, the budget is {budget.money:g}"
        return ""
