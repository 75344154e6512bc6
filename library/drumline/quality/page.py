"""The page of a check: verdict and gates first, then whatever sections the check made of its report."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from drumline.core.page import page_environment
from drumline.quality.gates import Gate, worst_first
from drumline.quality.report import Report

_MOST_GATES: Final = 16
"""Of more, those that passed are folded."""


@dataclass(frozen=True)
class Link:
    """A word that leads to another page."""

    text: str
    href: str


Cell = str | int | float | Link | None


@dataclass(frozen=True)
class Figure:
    """A drawing with what it shows."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Table:
    """Rows under a head. Numbers stand to the right, ``None`` is a dash."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    """Where it is set, the table is folded under it."""


@dataclass(frozen=True)
class Section:
    """A part of a page, left out where it is empty."""

    title: str
    text: str = ""
    facts: tuple[tuple[str, Cell], ...] = ()
    """Single numbers with their names."""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show; its text alone explains nothing."""
        return not (self.facts or self.figures or any(table.rows for table in self.tables))


def render_page(report: Report[Any], sections: Sequence[Section]) -> str:
    """The whole page: one file that needs no other."""
    environment = page_environment("quality/templates")
    environment.filters |= {"cell_text": cell_text, "breakable": breakable}
    environment.tests["figure"] = lambda value: value is None or isinstance(value, int | float)
    gates = worst_first(report.gates)
    folded = [gate for gate in gates if gate.verdict == "passed"] if len(gates) > _MOST_GATES else []
    return environment.get_template("report.html.j2").render(
        report=report,
        open_gates=[gate for gate in gates if gate not in folded],
        folded_gates=folded,
        sections=[each for each in sections if not each.empty],
    )


def cell_text(value: Cell) -> str:
    """A value as a page shows it: 1,234, 0.9021, a dash for what is not known."""
    if value is None:
        return "–"
    if isinstance(value, Link):
        return Markup('<a href="{}">{}</a>').format(value.href, value.text)
    if isinstance(value, float) and not value.is_integer():
        return (f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}").replace("-", "−")
    return value if isinstance(value, str) else f"{value:,.0f}".replace("-", "−")


def breakable(name: str) -> Markup:
    """A long name that may break after its dots and underscores."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(name))))


def limit_words(gate: Gate) -> str:
    """A gate's limit as one says it."""
    end = {"value": "", "low": " (by the lower end)", "high": " (by the upper end)"}[gate.by]
    return f"{gate.rule.replace('_', ' ')} {gate.limit:g}{end}"
