"""`compare health`: a candidate against the blessed baseline, by the reports of `check health`.

A drop is the share of the baseline that is gone: 0.1 for a tenth fewer, below 0 for growth.
"""

from collections.abc import Mapping
from typing import Literal

from drumline.core import plots
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes, sha256
from drumline.core.config import Config, parse_config
from drumline.core.documents import parse_json
from drumline.core.errors import DrumlineError
from drumline.core.measure import Number, Value, measured, number
from drumline.quality.gates import Limit, judge, judge_all
from drumline.quality.health.findings import HealthFindings
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import SCHEMA_VERSION, CheckConfig, Input, Report, make_report


class CompareHealthGates(Config):
    """Limits."""

    label_drop: Limit | None = Limit(at_most=0.1)
    """Drop of every label of the baseline."""
    technique_drop: Limit | None = None
    """Drop of every technique of the baseline."""
    hours_drop: Limit | None = None
    """Drop of the hours of every split of the baseline."""
    events_drop: Limit | None = Limit(at_most=0.1)
    """Drop of all events."""
    new_failures: Limit | None = Limit(at_most=0)
    """Gates that the candidate fails and the baseline did not."""
    new_unknown_labels: Limit | None = Limit(at_most=0)
    """Different unknown labels that the baseline did not have."""


class CompareHealthConfig(CheckConfig):
    """Two reports."""

    candidate: str
    """A report.json of `check health`, of what is to be released."""
    baseline: str
    """One of what was released."""
    count_by: Literal["total", "real"] = "total"
    """What is compared of labels: everything, or recordings alone."""
    gates: CompareHealthGates = CompareHealthGates()


class Change(Config):
    """One number before and now."""

    baseline: float
    """Before."""
    candidate: float
    """Now."""
    drop: Number
    """The share of the baseline that is gone; null where there was none."""


class CompareHealthFindings(Config):
    """What `compare health` finds."""

    events: Change
    """Events in all."""
    labels: dict[str, Change]
    """By label of either."""
    techniques: dict[str, Change]
    """By technique of either."""
    hours: dict[str, Change]
    """By split of either."""
    new_failures: tuple[str, ...]
    """Gates that fail now and did not before."""
    mended: tuple[str, ...]
    """Gates that failed before and pass now."""
    new_unknown_labels: dict[str, int]
    """With their number."""


def check(config: CompareHealthConfig) -> Outcome:
    """Run the comparison. Raises DrumlineError where a report cannot be used."""
    (now, source), (before, other) = (_read(getattr(config, role), role) for role in ("candidate", "baseline"))
    new, old = now.findings, before.findings

    def labels(found: HealthFindings) -> dict[str, float]:
        return {name: getattr(label, config.count_by) for name, label in found.labels.items()}

    failing, failed = ({gate.name for gate in each.gates if gate.verdict == "failed"} for each in (now, before))
    passing = {gate.name for gate in now.gates if gate.verdict == "passed"}
    findings = CompareHealthFindings(
        events=_change(old.events, new.events),
        labels=_changes(labels(old), labels(new)),
        techniques=_changes(old.techniques, new.techniques),
        hours=_changes(old.hours_by_split, new.hours_by_split),
        new_failures=tuple(sorted(failing - failed)),
        mended=tuple(sorted(failed & passing)),
        new_unknown_labels={k: n for k, n in new.unknown_labels.items() if k not in old.unknown_labels},
    )
    drops = {"label": findings.labels, "technique": findings.techniques, "hours": findings.hours}
    singles = {
        "events_drop": _value(findings.events),
        "new_failures": measured(len(findings.new_failures)),
        "new_unknown_labels": measured(len(findings.new_unknown_labels)),
    }
    gates = [gate for gate in judge_all(config.gates, singles) if gate.name in singles]
    gates += [
        judge(f"{kind}_drop.{name}", _value(change), limit)
        for kind, changes in drops.items()
        if (limit := getattr(config.gates, f"{kind}_drop"))
        for name, change in changes.items()
        if change.baseline
    ]
    kinds = {found.kind for found in (new, old)}
    notes = ("a file of events is compared with a dataset: their labels differ",) if len(kinds) > 1 else ()
    report = make_report(
        "compare-health", config, findings=findings, gates=tuple(gates), inputs=(source, other), notes=notes
    )
    return Outcome(report, lambda: sections(findings))


def _read(path: str, role: str) -> tuple[Report[HealthFindings], Input]:
    try:
        data = read_bytes(path)
        tree = parse_json(data)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{role}: {path}: cannot be read ({error or type(error).__name__})") from error
    except ValueError as error:
        raise DrumlineError(f"{role}: {path}: not JSON ({error})") from error
    told = (tree.get("check"), tree.get("schema_version")) if isinstance(tree, dict) else None
    if told != ("health", SCHEMA_VERSION):
        raise DrumlineError(f"{role}: {path}: no report of `check health`, schema version {SCHEMA_VERSION}")
    report = parse_config(Report[HealthFindings], tree, place=path)
    return report, Input(role=role, path=path, records=report.findings.events, sha256=sha256(data))


def _change(before: float, now: float) -> Change:
    return Change(baseline=before, candidate=now, drop=number((before - now) / before) if before else None)


def _changes(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, Change]:
    names = dict.fromkeys([*before, *now])
    return {name: _change(before.get(name, 0), now.get(name, 0)) for name in names}


def _value(change: Change) -> Value:
    return Value(value=change.drop, low=None, high=None)


def sections(found: CompareHealthFindings) -> tuple[Section, ...]:
    """What the page shows."""
    growth = {
        name: {"": measured(-100 * change.drop)} for name, change in found.labels.items() if change.drop is not None
    }

    drawing = plots.intervals("growth", growth, unit="per cent", marks={"": 0.0})

    def table(kind: str, changes: Mapping[str, Change]) -> Table:
        rows = tuple((name, each.baseline, each.candidate, each.drop) for name, each in changes.items())
        return Table((kind, "Baseline", "Candidate", "Drop"), rows)

    return (
        Section(
            "Candidate against baseline",
            "A drop is the share of the baseline that is gone; below 0 there is more than before.",
            facts=(
                ("Events before", found.events.baseline),
                ("Events now", found.events.candidate),
                ("New failures", len(found.new_failures)),
                ("Mended", len(found.mended)),
                ("New unknown labels", len(found.new_unknown_labels)),
            ),
            figures=(Figure("Labels", "Growth in per cent.", drawing),),
            tables=(table("Label", found.labels),),
        ),
        Section("Techniques and hours", tables=(table("Technique", found.techniques), table("Split", found.hours))),
        Section(
            "Gates and unknown labels",
            tables=(
                Table(("Gate", "What happened"), tuple((name, "fails now") for name in found.new_failures)
                      + tuple((name, "was mended") for name in found.mended)),
                Table(("New unknown label", "Components"), tuple(found.new_unknown_labels.items())),
            ),
        ),
    )  # fmt: skip
