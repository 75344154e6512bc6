"""Result of a check: its report, page sections and output files, and how they are written and summarised."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from drumline.core.artifacts import STORAGE_ERRORS, join, refuse_foreign_json, write_bytes
from drumline.core.config import canonical_json
from drumline.core.errors import ConfigError
from drumline.quality.gates import Gate, worst_first
from drumline.quality.page import Section, cell_text, describe_limit, render_page
from drumline.quality.report import Report

_MOST_GATES: Final = 24
_MOST_NOTES: Final = 8
"""Most notes of a summary that fits on one screen."""
_ORDER: Final = ("failed", "unknown", "passed")


@dataclass(frozen=True)
class CheckResult:
    """Report of a check with its page sections and the data files that it wrote."""

    report: Report[Any]
    sections: Callable[[], tuple[Section, ...]]
    """Build the sections of the page from the report; called only when a page is written, because plots are slow."""
    written: tuple[str, ...] = ()
    """Data files that were written besides the report."""
    errors: tuple[str, ...] = ()
    """Inputs that could not be used; the command exits with 2."""


def refuse_foreign_report(output: str) -> None:
    """Raise ConfigError where a folder or URI holds a report that drumline did not write."""
    refuse_foreign_json(join(output, "report.json"), keys=("check", "drumline", "verdict"), beside=("report.html",))


def publish(outcome: CheckResult, output: str) -> None:
    """Write ``report.json`` and ``report.html`` to a folder or URI.

    Raises ConfigError if it cannot be written, or holds reports that drumline did not write.
    """
    refuse_foreign_report(output)
    files = {
        "report.json": canonical_json(outcome.report, indent=1) + "\n",
        "report.html": render_page(outcome.report, outcome.sections()),
    }
    try:
        for name, text in files.items():
            write_bytes(join(output, name), text.encode())
    except STORAGE_ERRORS as error:
        raise ConfigError(f"output: {output}: cannot be written ({error or type(error).__name__})") from error


def summary(report: Report[Any]) -> str:
    """One-screen text summary of a report, failed gates first."""
    return "\n".join(_lines(report))


def _lines(report: Report[Any]) -> Iterator[str]:
    gates = worst_first(report.gates)
    counts = {verdict: sum(gate.verdict == verdict for gate in gates) for verdict in _ORDER}
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "no gate is set"
    title = report.check + (f" of {report.name}" if report.name != report.check else "")
    yield f"{title}: {_mark(report.verdict)} ({verdicts})"
    shown = gates[:_MOST_GATES]
    width = max((len(gate.name) for gate in shown), default=0)
    for gate in shown:
        line = f"  {_mark(gate.verdict):8} {gate.name:{width}} {cell_text(gate.value):>9} {_interval(gate):18}"
        yield f"{line} {describe_limit(gate)}"
    if len(gates) > len(shown):
        yield f"  ... and {len(gates) - len(shown)} more gates"
    for note in report.notes[:_MOST_NOTES]:
        yield f"  note     {note}"
    if len(report.notes) > _MOST_NOTES:
        yield f"  ... and {len(report.notes) - _MOST_NOTES} more notes"


def _mark(verdict: str) -> str:
    return verdict if verdict == "passed" else verdict.upper()


def _interval(gate: Gate) -> str:
    return "" if gate.low is None or gate.high is None else f"[{cell_text(gate.low)}, {cell_text(gate.high)}]"
