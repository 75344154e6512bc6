"""Evaluate systems by their files: find cases, score, summarise, write."""

from dataclasses import dataclass

from drumline.core.artifacts import check_writable, join, refuse_foreign_json, write_bytes
from drumline.core.config import canonical_json
from drumline.evaluation.config import EvaluationConfig
from drumline.evaluation.page import render_page
from drumline.evaluation.report import Report
from drumline.evaluation.reporting import make_report
from drumline.evaluation.scoring import Case, find_cases, score_cases
from drumline.evaluation.tables import csv_files, headline


@dataclass(frozen=True)
class Evaluation:
    """Report of an evaluation, and its location."""

    report: Report
    headline: str
    """First table as Markdown."""
    output: str


def plan(config: EvaluationConfig) -> list[Case]:
    """Find every recording with its predictions. Raises ConfigError if the configuration cannot be run."""
    refuse_foreign_json(
        join(config.output, "report.json"), keys=("drumline", "truths"), beside=("report.html", "headline.md")
    )
    cases = find_cases(config)
    check_writable(config.output)
    return cases


def evaluate(config: EvaluationConfig) -> Evaluation:
    """Run an evaluation and write ``report.json``, ``report.html``, ``headline.md`` and CSV tables to
    ``config.output``.

    Raises ConfigError before any work if the configuration cannot be run, DrumlineError if nothing could be scored or
    Ray failed.
    """
    report = make_report(score_cases(plan(config), config), config)
    table = headline(report)
    files = {
        "report.json": canonical_json(report, indent=1) + "\n",
        "report.html": render_page(report),
        "headline.md": table,
        **csv_files(report),
    }
    for name, text in files.items():
        write_bytes(join(config.output, name), text.encode())
    return Evaluation(report, table, config.output)


def describe_plan(cases: list[Case], config: EvaluationConfig) -> str:
    """Describe the planned evaluation for the terminal."""
    lines = []
    for truth in config.truths:
        mine = [case for case in cases if case.truth == truth.name]
        lines.append(f"{len(mine)} songs of {truth.name!r} would be judged into {config.output}")
        for system in config.systems:
            predictions = [case.predictions[system.name] for case in mine if system.name in case.predictions]
            extra = (
                f", {sum(bool(each.activations) for each in predictions)} with activations"
                if system.activations
                else ""
            )
            lines.append(f"  {system.name:24} {len(predictions):6} songs with predictions{extra}")
    return "\n".join(lines)
