"""`compare health`: compare the `check health` reports of a candidate and of a baseline.

A drop is the relative decrease: 0.1 for 10 % fewer, negative for growth.
"""

from collections.abc import Mapping
from typing import Literal

from drumline.core import plots
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes, sha256
from drumline.core.config import Config, parse_config
from drumline.core.documents import parse_json
from drumline.core.errors import DrumlineError
from drumline.core.interval_value import Number, Value, measured, number
from drumline.quality.gates import Limit, apply_limit, apply_limits
from drumline.quality.health.findings import HealthFindings
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import SCHEMA_VERSION, CheckConfig, Input, Report, make_report
from drumline.quality.samples import normalise_label


class CompareHealthGates(Config):
    """Limits of `compare health`; null disables a gate."""

    label_drop: Limit | None = Limit(at_most=0.1)
    """Relative decrease of each label of the baseline."""
    label_loss: Limit | None = None
    """Number of events that each label of the baseline lost, beside the share."""
    technique_drop: Limit | None = None
    """Relative decrease of each technique of the baseline."""
    hours_drop: Limit | None = None
    """Relative decrease of the hours of each split of the baseline."""
    events_drop: Limit | None = Limit(at_most=0.1)
    """Relative decrease of the number of events."""
    new_failures: Limit | None = Limit(at_most=0)
    """Number of gates that fail for the candidate but not for the baseline."""
    new_unknown_labels: Limit | None = Limit(at_most=0)
    """Number of unknown labels that the baseline did not have."""
    unknown_label_growth: Limit | None = Limit(at_most=0)
    """Number of events with unknown labels, less those of the baseline."""


class CompareHealthConfig(CheckConfig):
    """Two reports of `check health` to compare."""

    candidate: str
    """The report.json of `check health` on the data to be released."""
    baseline: str
    """The report.json of `check health` on the released data."""
    count_by: Literal["total", "real"] = "total"
    """Label counts that are compared: all events, or recorded ones only."""
    ignore_labels: tuple[str, ...] = ()
    """Labels that may change freely, unknown ones too."""
    gates: CompareHealthGates = CompareHealthGates()


class Change(Config):
    """A count in the baseline and in the candidate."""

    baseline: float
    """Value in the baseline."""
    candidate: float
    """Value in the candidate."""
    drop: Number
    """Relative decrease; negative for growth, null if the baseline is 0."""


class CompareHealthFindings(Config):
    """Findings of `compare health` in its report.json."""

    events: Change
    """Change of the number of events."""
    labels: dict[str, Change]
    """Changes of label counts, for all labels of either report."""
    techniques: dict[str, Change]
    """Changes of technique counts, for all techniques of either report."""
    hours: dict[str, Change]
    """Changes of hours, for all splits of either report."""
    new_failures: tuple[str, ...]
    """Gates that fail for the candidate and did not fail for the baseline."""
    mended: tuple[str, ...]
    """Gates that failed for the baseline and pass for the candidate."""
    new_unknown_labels: dict[str, int]
    """Unknown labels that the baseline did not have, with their counts."""


def run(config: CompareHealthConfig) -> CheckResult:
    """Compare two health reports. Raises DrumlineError if a report cannot be used."""
    (now, source), (before, other) = (_read(getattr(config, role), role) for role in ("candidate", "baseline"))
    new, old = now.findings, before.findings
    ignored = set(map(normalise_label, config.ignore_labels))

    def labels(found: HealthFindings) -> dict[str, float]:
        counts = {name: getattr(label, config.count_by) for name, label in found.labels.items()}
        return {name: count for name, count in counts.items() if name not in ignored}

    unknown, unknown_before = (
        {name: count for name, count in found.unknown_labels.items() if name not in ignored} for found in (new, old)
    )

    failing, failed = ({gate.name for gate in each.gates if gate.verdict == "failed"} for each in (now, before))
    passing = {gate.name for gate in now.gates if gate.verdict == "passed"}
    findings = CompareHealthFindings(
        events=_change(old.events, new.events),
        labels=_changes(labels(old), labels(new)),
        techniques=_changes(old.techniques, new.techniques),
        hours=_changes(old.hours_by_split, new.hours_by_split),
        new_failures=tuple(sorted(failing - failed)),
        mended=tuple(sorted(failed & passing)),
        new_unknown_labels={name: count for name, count in unknown.items() if name not in unknown_before},
    )
    drops = {"label": findings.labels, "technique": findings.techniques, "hours": findings.hours}
    singles = {
        "events_drop": _value(findings.events),
        "new_failures": measured(len(findings.new_failures)),
        "new_unknown_labels": measured(len(findings.new_unknown_labels)),
        "unknown_label_growth": measured(sum(unknown.values()) - sum(unknown_before.values())),
    }
    gates = [gate for gate in apply_limits(config.gates, singles) if gate.name in singles]
    gates += [
        apply_limit(f"{kind}_drop.{name}", _value(change), limit)
        for kind, changes in drops.items()
        if (limit := getattr(config.gates, f"{kind}_drop"))
        for name, change in changes.items()
        if change.baseline
    ]
    gates += [
        apply_limit(f"label_loss.{name}", measured(change.baseline - change.candidate), config.gates.label_loss)
        for name, change in findings.labels.items()
        if config.gates.label_loss and change.baseline
    ]
    kinds = {found.kind for found in (new, old)}
    notes = ("an event manifest is compared with a dataset: their labels differ",) if len(kinds) > 1 else ()
    report = make_report(
        "compare-health", config, findings=findings, gates=tuple(gates), inputs=(source, other), notes=notes
    )
    return CheckResult(report, lambda: sections(findings))


def _read(path: str, role: str) -> tuple[Report[HealthFindings], Input]:
    try:
        data = read_bytes(path)
        tree = parse_json(data)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{role}: {path}: cannot be read ({error or type(error).__name__})") from error
    except ValueError as error:
        raise DrumlineError(f"{role}: {path}: not JSON ({error})") from error
    identity = (tree.get("check"), tree.get("schema_version")) if isinstance(tree, dict) else None
    if identity != ("health", SCHEMA_VERSION):
        raise DrumlineError(f"{role}: {path}: not a report of `check health`, schema version {SCHEMA_VERSION}")
    report = parse_config(Report[HealthFindings], tree, location=path)
    return report, Input(role=role, path=path, records=report.findings.events, sha256=sha256(data))


def _change(before: float, now: float) -> Change:
    return Change(baseline=before, candidate=now, drop=number((before - now) / before) if before else None)


def _changes(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, Change]:
    names = dict.fromkeys([*before, *now])
    return {name: _change(before.get(name, 0), now.get(name, 0)) for name in names}


def _value(change: Change) -> Value:
    return Value(value=change.drop, low=None, high=None)


def sections(found: CompareHealthFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    growth = {
        name: {"": measured(-100 * change.drop)} for name, change in found.labels.items() if change.drop is not None
    }

    drawing = plots.intervals("growth", growth, unit="%", marks={"": 0.0})

    def table(kind: str, changes: Mapping[str, Change]) -> Table:
        rows = tuple((name, change.baseline, change.candidate, change.drop) for name, change in changes.items())
        return Table((kind, "Baseline", "Candidate", "Drop"), rows)

    return (
        Section(
            "Candidate against baseline",
            "Drop: relative decrease against the baseline; negative for growth.",
            facts=(
                ("Events in the baseline", found.events.baseline),
                ("Events in the candidate", found.events.candidate),
                ("New failures", len(found.new_failures)),
                ("Fixed failures", len(found.mended)),
                ("New unknown labels", len(found.new_unknown_labels)),
            ),
            figures=(Figure("Labels", "Growth of label counts [%].", drawing),),
            tables=(table("Label", found.labels),),
        ),
        Section("Techniques and hours", tables=(table("Technique", found.techniques), table("Split", found.hours))),
        Section(
            "Gates and unknown labels",
            tables=(
                Table(("Gate", "Change"), tuple((name, "new failure") for name in found.new_failures)
                      + tuple((name, "fixed") for name in found.mended)),
                Table(("New unknown label", "Components"), tuple(found.new_unknown_labels.items())),
            ),
        ),
    )  # fmt: skip
