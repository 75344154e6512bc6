"""`check ready` and `ingest-check`: run all steps of a release from one YAML file and combine their verdicts.

Steps run in order, each with the configuration of its command: checks, and for an ingest the commands that write event
manifests and weights, whose files later steps read. With ``halt`` the first failure stops the run; steps that did not
run are reported as such and never count as passed.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from drumline.core.artifacts import join
from drumline.core.config import Config
from drumline.core.errors import DrumlineError
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.quality import compare_manifests, open_set
from drumline.quality.alignment import check as alignment
from drumline.quality.alignment.check import AlignmentCheckConfig
from drumline.quality.bootstrap import check as bootstrap
from drumline.quality.bootstrap.check import BootstrapCheckConfig
from drumline.quality.boundaries import check as boundaries
from drumline.quality.boundaries.config import BoundariesConfig
from drumline.quality.compare_manifests import CompareManifestsConfig
from drumline.quality.gates import Gate, Limit, apply_limit
from drumline.quality.health import check as health
from drumline.quality.health import compare as compare_health
from drumline.quality.health.check import HealthConfig
from drumline.quality.health.compare import CompareHealthConfig
from drumline.quality.manifests import merge, openness, weights
from drumline.quality.manifests.merge import MergeConfig
from drumline.quality.manifests.openness import OpennessConfig
from drumline.quality.manifests.weights import DeriveWeightsConfig
from drumline.quality.open_set import OpenSetConfig
from drumline.quality.outcome import CheckResult, publish
from drumline.quality.page import Figure, Link, Section, Table
from drumline.quality.report import CheckConfig, Input, make_report
from drumline.quality.techniques import annotate
from drumline.quality.techniques.annotate import AnnotateConfig

_CHECKS: Final[Mapping[str, Callable[[Any], CheckResult]]] = {
    "health": health.run,
    "alignment": alignment.run,
    "bootstrap": bootstrap.run,
    "open_set": open_set.run,
    "boundaries": boundaries.run,
    "compare_health": compare_health.run,
    "compare_manifests": compare_manifests.run,
    "merge_manifests": merge.run,
    "annotate_techniques": annotate.run,
    "normalize_openness": openness.run,
    "derive_weights": weights.run,
}


class Step(Config):
    """One step of `check ready`: set exactly one field."""

    health: HealthConfig | None = None
    """Configuration of `check health`."""
    alignment: AlignmentCheckConfig | None = None
    """Configuration of `check alignment`."""
    bootstrap: BootstrapCheckConfig | None = None
    """Configuration of `check bootstrap`."""
    open_set: OpenSetConfig | None = None
    """Configuration of `check open-set`."""
    boundaries: BoundariesConfig | None = None
    """Configuration of `check boundaries`."""
    compare_health: CompareHealthConfig | None = None
    """Configuration of `compare health`."""
    compare_manifests: CompareManifestsConfig | None = None
    """Configuration of `compare manifests`."""
    merge_manifests: MergeConfig | None = None
    """Configuration of `merge manifests`."""
    annotate_techniques: AnnotateConfig | None = None
    """Configuration of `annotate techniques`."""
    normalize_openness: OpennessConfig | None = None
    """Configuration of `normalize openness`."""
    derive_weights: DeriveWeightsConfig | None = None
    """Configuration of `derive weights`."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(getattr(self, name) is not None for name in _CHECKS) != 1:
            raise ValueError(f"a step names one of {', '.join(_CHECKS)}")
        return self

    @property
    def check(self) -> tuple[str, CheckConfig]:
        """Name of the configured check, and its configuration."""
        return next((name, getattr(self, name)) for name in _CHECKS if getattr(self, name) is not None)


class ReadyConfig(CheckConfig):
    """Steps that must pass before a release."""

    steps: tuple[Step, ...] = Field(min_length=1)
    """Steps in the order in which they run. A step without ``output`` writes its files below the ``output`` here, in
    the folder of its name."""
    halt: bool = True
    """Stop at the first step that fails."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [name for name, _, _ in self.named()]
        if len(set(names)) < len(names):
            raise ValueError("two steps have the same name and would write to the same folder")
        return self

    def named(self) -> list[tuple[str, str, CheckConfig]]:
        """(name, check, configuration) of each step; unnamed steps are called "<number>-<check>"."""
        steps = [(number, *step.check) for number, step in enumerate(self.steps, start=1)]
        return [(settings.name or f"{number}-{kind}", kind, settings) for number, kind, settings in steps]


class IngestConfig(ReadyConfig):
    """Steps of an ingest: merge, annotate, normalise, check, derive weights, compare."""

    halt: bool = False
    """Stop at the first step that fails."""


class StepFindings(Config):
    """Verdict and gate counts of one step."""

    name: str
    """Name of the step: as configured, else its number and check."""
    check: str
    """Check that the step runs."""
    verdict: Literal["passed", "failed", "unknown", "unreadable", "not run"]
    """Combined verdict of its gates; ``unreadable`` if an input could not be used, ``not run`` if an earlier step
    failed and ``halt`` is set."""
    gates: int
    """Number of gates."""
    failed: int
    """Number of failed gates."""
    unknown: int
    """Number of gates without a verdict."""
    notes: tuple[str, ...]
    """Notes of the step's report."""
    report: str
    """Location of its page; empty if none was written."""
    below: bool
    """Whether its page is below the folder of this report."""


class ReadyFindings(Config):
    """Findings of `check ready` in its report.json."""

    steps: tuple[StepFindings, ...]
    """Steps in the order in which they ran."""
    halted: bool
    """Whether steps were skipped after a failure."""


def run(config: ReadyConfig) -> CheckResult:
    """Run all steps and combine their verdicts. A step whose input cannot be used fails, and the others run."""
    found: list[StepFindings] = []
    gates: list[Gate] = []
    inputs: list[Input] = []
    failed = False
    for name, kind, settings in config.named():
        if failed and config.halt:
            found.append(_without_gates(name, kind, "not run"))
            continue
        output = settings.output or (join(config.output, name) if config.output else "")
        try:
            outcome = _CHECKS[kind](settings.model_copy(update={"output": output}))
        except DrumlineError as error:
            found.append(_without_gates(name, kind, "unreadable", str(error)))
            gates.append(apply_limit(f"{name}.unreadable", measured(1), Limit(at_most=0)))
            continue
        report = outcome.report
        if output:
            publish(outcome, output)
        failed |= report.verdict == "failed"
        verdicts = [gate.verdict for gate in report.gates]
        gates += [gate.model_copy(update={"name": f"{name}.{gate.name}"}) for gate in report.gates]
        inputs += [source.model_copy(update={"role": f"{name}: {source.role}"}) for source in report.inputs]
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
                below=output == join(config.output, name),
            )
        )
    findings = ReadyFindings(steps=tuple(found), halted=any(step.verdict == "not run" for step in found))
    notes = [f"{step.name}: {note}" for step in found for note in step.notes]
    notes += [f"{step.name}: not run" for step in found if step.verdict == "not run"]
    report = make_report("ready", config, findings=findings, gates=tuple(gates), inputs=inputs, notes=notes)
    errors = tuple(f"step {step.name}: {step.notes[0]}" for step in found if step.verdict == "unreadable")
    return CheckResult(report, lambda: sections(findings), errors=errors)


def _without_gates(name: str, kind: str, verdict: Literal["unreadable", "not run"], *notes: str) -> StepFindings:
    return StepFindings(
        name=name, check=kind, verdict=verdict, gates=0, failed=0, unknown=0, notes=notes, report="", below=False
    )


def sections(found: ReadyFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    rows = tuple(
        (
            Link(step.name, f"{step.name}/report.html" if step.below else step.report) if step.report else step.name,
                step.check.replace("_", " "), step.verdict, step.gates, step.failed, step.unknown,
            )
            for step in found.steps
    )  # fmt: skip
    text = "Stopped at the first failure." if found.halted else ""
    parts = {
        step.name: {
            "passed": float(step.gates - step.failed - step.unknown), "failed": float(step.failed),
            "unknown": float(step.unknown),
        }
        for step in found.steps
    }  # fmt: skip
    figure = Figure("Gates", "Gates by step and verdict.", stacked_bars("steps", parts, unit="gates"))
    table = Table(("Step", "Check", "Verdict", "Gates", "Failed", "Unknown"), rows)
    return (Section("Steps", text, figures=(figure,), tables=(table,)),)
