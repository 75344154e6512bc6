"""`check ready`: all checks of a release from one YAML file, one verdict.

Steps run in order, each with the configuration of its own command. Halting at the first failure saves the time of the
rest; what was not run is told, and never counts as passed.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from drumline.core.artifacts import join
from drumline.core.config import Config
from drumline.core.errors import DrumlineError
from drumline.dataset.card_plots import stacked_bars
from drumline.quality import compare_manifests, open_set
from drumline.quality.alignment import check as alignment
from drumline.quality.alignment.check import AlignmentCheckConfig
from drumline.quality.bootstrap import check as bootstrap
from drumline.quality.bootstrap.check import BootstrapCheckConfig
from drumline.quality.boundaries import check as boundaries
from drumline.quality.boundaries.config import BoundariesConfig
from drumline.quality.compare_manifests import CompareManifestsConfig
from drumline.quality.gates import Gate
from drumline.quality.health import check as health
from drumline.quality.health import compare as compare_health
from drumline.quality.health.check import HealthConfig
from drumline.quality.health.compare import CompareHealthConfig
from drumline.quality.open_set import OpenSetConfig
from drumline.quality.outcome import Outcome, publish
from drumline.quality.page import Figure, Link, Section, Table
from drumline.quality.report import CheckConfig, Input, make_report

_CHECKS: Final[Mapping[str, Callable[[Any], Outcome]]] = {
    "health": health.check,
    "alignment": alignment.check,
    "bootstrap": bootstrap.check,
    "open_set": open_set.check,
    "boundaries": boundaries.check,
    "compare_health": compare_health.check,
    "compare_manifests": compare_manifests.check,
}


class Step(Config):
    """One check: exactly one of these."""

    health: HealthConfig | None = None
    """As for `check health`, and so on."""
    alignment: AlignmentCheckConfig | None = None
    """As for `check alignment`."""
    bootstrap: BootstrapCheckConfig | None = None
    """As for `check bootstrap`."""
    open_set: OpenSetConfig | None = None
    """As for `check open-set`."""
    boundaries: BoundariesConfig | None = None
    """As for `check boundaries`."""
    compare_health: CompareHealthConfig | None = None
    """As for `compare health`."""
    compare_manifests: CompareManifestsConfig | None = None
    """As for `compare manifests`."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(getattr(self, name) is not None for name in _CHECKS) != 1:
            raise ValueError(f"a step names one check of {', '.join(_CHECKS)}")
        return self

    @property
    def check(self) -> tuple[str, CheckConfig]:
        """Which check, and its configuration."""
        return next((name, getattr(self, name)) for name in _CHECKS if getattr(self, name) is not None)


class ReadyConfig(CheckConfig):
    """What must hold before a release."""

    steps: tuple[Step, ...] = Field(min_length=1)
    """In this order. A step without an ``output`` of its own reports below that of the whole."""
    halt: bool = True
    """Stop at the first step that fails."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [name for name, _, _ in self.named()]
        if len(set(names)) < len(names):
            raise ValueError("two steps have the same name, and would write to the same place")
        return self

    def named(self) -> list[tuple[str, str, CheckConfig]]:
        """(name, check, configuration) of each step; without a name of its own it is called by its number."""
        every = [(number, *step.check) for number, step in enumerate(self.steps, start=1)]
        return [(settings.name or f"{number}-{kind}", kind, settings) for number, kind, settings in every]


class StepFindings(Config):
    """What became of one step."""

    name: str
    """Its number and check, or the name it was given."""
    check: str
    """Which check."""
    verdict: Literal["passed", "failed", "unknown", "not run"]
    """Of its gates."""
    gates: int
    """How many it has."""
    failed: int
    """How many of them failed."""
    unknown: int
    """How many could not be judged."""
    notes: tuple[str, ...]
    """Its notes."""
    report: str
    """Where its page is; empty where none was written."""
    below: bool
    """Whether that is below the report of the whole."""


class ReadyFindings(Config):
    """What `check ready` finds."""

    steps: tuple[StepFindings, ...]
    """In order."""
    halted: bool
    """Whether steps were left out after a failure."""


def check(config: ReadyConfig) -> Outcome:
    """Run the steps. Raises DrumlineError where the input of one cannot be used."""
    found: list[StepFindings] = []
    gates: list[Gate] = []
    inputs: list[Input] = []
    failed = False
    for name, kind, settings in config.named():
        if failed and config.halt:
            found.append(_left_out(name, kind))
            continue
        try:
            outcome = _CHECKS[kind](settings)
        except DrumlineError as error:
            raise DrumlineError(f"step {name}: {error}") from error
        report = outcome.report
        output = settings.output or (join(config.output, name) if config.output else "")
        if output:
            publish(outcome, output)
        failed |= report.verdict == "failed"
        verdicts = [gate.verdict for gate in report.gates]
        gates += [gate.model_copy(update={"name": f"{name}.{gate.name}"}) for gate in report.gates]
        inputs += [each.model_copy(update={"role": f"{name}: {each.role}"}) for each in report.inputs]
        found.append(
            StepFindings(
                name=name,
                check=kind,
                verdict=report.verdict,
                gates=len(verdicts),
                failed=verdicts.count("failed"),
                unknown=verdicts.count("unknown"),
                notes=report.notes,
                report=join(output, "report.html") if output else "",
                below=not settings.output,
            )
        )
    findings = ReadyFindings(steps=tuple(found), halted=any(each.verdict == "not run" for each in found))
    notes = [f"{each.name}: {note}" for each in found for note in each.notes]
    notes += [f"{each.name}: not run" for each in found if each.verdict == "not run"]
    report = make_report("ready", config, findings=findings, gates=tuple(gates), inputs=inputs, notes=notes)
    return Outcome(report, lambda: sections(findings))


def _left_out(name: str, kind: str) -> StepFindings:
    return StepFindings(
        name=name, check=kind, verdict="not run", gates=0, failed=0, unknown=0, notes=(), report="", below=False
    )


def sections(found: ReadyFindings) -> tuple[Section, ...]:
    """What the page shows."""
    rows = tuple(
        (
            Link(each.name, f"{each.name}/report.html" if each.below else each.report) if each.report else each.name,
            each.check.replace("_", " "), each.verdict, each.gates, each.failed, each.unknown,
        )
        for each in found.steps
    )  # fmt: skip
    text = "Stopped at the first failure." if found.halted else ""
    parts = {
        each.name: {
            "passed": float(each.gates - each.failed - each.unknown), "failed": float(each.failed),
            "unknown": float(each.unknown),
        }
        for each in found.steps
    }  # fmt: skip
    figure = Figure("Gates", "By step and verdict.", stacked_bars("steps", parts, unit="gates"))
    table = Table(("Step", "Check", "Verdict", "Gates", "Failed", "Unknown"), rows)
    return (Section("Steps", text, figures=(figure,), tables=(table,)),)
