"""A sweep from its configuration to its report: what `drumline tune` runs."""

from dataclasses import dataclass

from drumline.core.artifacts import check_writable, exists, join, refuse_foreign_output, storage_told
from drumline.tuning.config import SweepConfig
from drumline.tuning.decodings import sweep_decodings
from drumline.tuning.report import score_name, write_report
from drumline.tuning.sweep import Again
from drumline.tuning.table import best_first
from drumline.tuning.trainings import sweep_trainings
from drumline.tuning.trials import Trial


@dataclass(frozen=True)
class SweepResult:
    """A sweep that ended, or whose budget did."""

    score: str
    """Name of the score."""
    trials: tuple[Trial, ...]
    """The best first."""
    winner: str
    """URI of its configuration; empty where no trial has a score."""


def tune(config: SweepConfig, again: Again) -> SweepResult:
    """Run what is still to be run, and write the report. Raises ConfigError before any work."""
    check_writable(config.output)
    refuse_foreign_output(
        config.output,
        writes=("report.html", "sweep.json", "trials.csv", "trials.parquet", "winner.yaml"),
        evidence=("spent.json",),
    )
    with storage_told(config.output):
        trials, spent = (sweep_trainings if config.train else sweep_decodings)(config, again)
        uri = write_report(trials, config, spent)
    return SweepResult(score_name(config), tuple(best_first(trials)), uri)


def begun(config: SweepConfig) -> bool:
    """Whether the output holds a sweep already."""
    return exists(join(config.output, "spent.json"))
