"""HTML page of a check: verdict and gates, then the sections that the check built from its findings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from drumline.core.page import page_environment
from drumline.quality.gates import Gate, worst_first
from drumline.quality.report import Report

_MOST_GATES: Final = 16
"""With more gates than this, the passed ones are collapsed."""


@dataclass(frozen=True)
class Link:
    """A table cell that links to another page."""

    text: str
    href: str


Cell = str | int | float | Link | None


@dataclass(frozen=True)
class Figure:
    """A titled SVG drawing with its caption."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Table:
    """A table: header cells and rows. Numbers are right-aligned, ``None`` is shown as a dash."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    """Title; if set, the table is collapsed under it."""


@dataclass(frozen=True)
class Section:
    """A titled part of a page; omitted if it has no facts, figures or table rows."""

    title: str
    text: str = ""
    facts: tuple[tuple[str, Cell], ...] = ()
    """Single numbers as (name, value)."""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing but text to show."""
        return not (self.facts or self.figures or any(table.rows for table in self.tables))


def render_page(report: Report[Any], sections: Sequence[Section]) -> str:
    """Render a report as one self-contained HTML page."""
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
    """Format a table cell: 1,234, 0.9021, or a dash for an unknown value."""
    if value is None:
        return "–"
    if isinstance(value, Link):
        return Markup('<a href="{}">{}</a>').format(value.href, value.text)
    if isinstance(value, float) and not value.is_integer():
        return (f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}").replace("-", "−")
    return value if isinstance(value, str) else f"{value:,.0f}".replace("-", "−")


def breakable(name: str) -> Markup:
    """Escape a long name and allow line breaks after its dots and underscores."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(name))))


def describe_limit(gate: Gate) -> str:
    """Describe the limit of a gate: "at least 0.9 (by the lower end)"."""
    end = {"value": "", "low": " (by the lower end)", "high": " (by the upper end)"}[gate.by]
    return f"{gate.rule.replace('_', ' ')} {gate.limit:g}{end}"
