"""`check health`: composition of a dataset, and gates on counts, duplicates, labels and hours.

Event manifests (JSON lines) are streamed; built datasets are read one row group at a time.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from drumline.charts.drum_maps import COMPONENTS, component_label
from drumline.core.artifacts import join, read_bytes, sha256
from drumline.core.config import Config
from drumline.core.hits import FLAGS
from drumline.core.interval_value import Value, measured
from drumline.core.taxonomy import LABELS
from drumline.dataset.manifest import NAME, read_manifest
from drumline.quality.gates import Gate, Limit, apply_limit, apply_limits
from drumline.quality.health import page
from drumline.quality.health.dataset import count_of, num_groups, tally_groups, tally_songs
from drumline.quality.health.files import read_hours, read_label_set, read_min_counts, read_required, read_taxonomy
from drumline.quality.health.findings import HealthFindings
from drumline.quality.health.parallel import HealthRunConfig, count_on_ray
from drumline.quality.health.tally import Tally
from drumline.quality.lines import describe_file
from drumline.quality.onsets import is_dataset
from drumline.quality.outcome import CheckResult
from drumline.quality.report import CheckConfig, Input, make_report
from drumline.quality.samples import iter_samples, normalise_label


class HealthGates(Config):
    """Limits of `check health`; null disables a gate."""

    events: Limit | None = Limit(at_least=1)
    """Number of events."""
    duplication_rate: Limit | None = Limit(at_most=0.01)
    """Share of events that repeat an earlier event."""
    unknown_labels: Limit | None = Limit(at_most=0)
    """Number of components whose label is not in the label set; of a dataset, hits labelled ``other``."""
    unknown_techniques: Limit | None = None
    """Number of events with a technique that is not in the taxonomy."""
    synthetic_share: Limit | None = None
    """Share of rendered (synthetic) events."""
    hours: dict[str, Limit] = Field(default={})
    """Hours of audio by split."""


class HealthConfig(CheckConfig):
    """An event manifest or dataset, and its required labels, techniques and counts."""

    events: str
    """Event manifest (JSON lines) or built dataset: path or URI."""
    metadata: str = ""
    """A metadata.json with durations, for event manifests; datasets contain their durations."""
    label_set: str = ""
    """A components.json with the label set; if empty, all known component names, or for a dataset its labels."""
    min_counts: dict[str, int] = Field(default={})
    """Required number of components by label, each a gate."""
    min_counts_file: str = ""
    """JSON file with required numbers by label; `min_counts` takes precedence."""
    min_class_count: int = Field(default=0, ge=0)
    """Required number of components of every label of ``label_set``, or of every label that occurs without one."""
    count_by: Literal["total", "real"] = "total"
    """Events that count towards `min_counts`: all of them, or recorded ones only."""
    required_labels: tuple[str, ...] = ()
    """Labels that must occur at least once, each a gate."""
    required_labels_file: str = ""
    """Text file with required labels, one a line."""
    required_techniques: tuple[str, ...] = ()
    """Techniques that must occur at least once, each a gate; of a dataset, flags."""
    required_techniques_file: str = ""
    """Text file with required techniques, one a line."""
    taxonomy: str = ""
    """A technique_taxonomy.json: aliases count as their technique, and techniques that it lacks are unknown."""
    synthetic_sources: tuple[str, ...] = ()
    """Dataset roots (first part of the songs' keys) whose audio was rendered; their hits count as synthetic."""
    run: HealthRunConfig = HealthRunConfig()
    gates: HealthGates = HealthGates()


def run(config: HealthConfig) -> CheckResult:
    """Count events and evaluate the gates. Raises DrumlineError if a file cannot be used."""
    of_dataset = is_dataset(config.events)
    taxonomy = read_taxonomy(config.taxonomy) if config.taxonomy else dict[str, str]()
    labels = read_label_set(config.label_set) if config.label_set else frozenset(LABELS if of_dataset else COMPONENTS)
    required = (*config.required_labels, *(_listed(config.required_labels_file)))
    least = {**(read_min_counts(config.min_counts_file) if config.min_counts_file else {}), **config.min_counts}
    least = {normalise_label(name): 1 for name in required} | {
        normalise_label(name): number for name, number in least.items()
    }
    techniques = (*config.required_techniques, *_listed(config.required_techniques_file))
    techniques_required = [taxonomy.get(normalise_label(name), normalise_label(name)) for name in techniques]
    known_techniques = frozenset(taxonomy.values()) | (frozenset(FLAGS) if of_dataset and taxonomy else frozenset())
    tally = Tally("dataset" if of_dataset else "events", labels, known_techniques)
    source = _count(config, tally, taxonomy)
    findings = tally.findings()
    if config.min_class_count:
        floor = labels if config.label_set else findings.labels.keys()
        least = dict.fromkeys(sorted(floor), config.min_class_count) | least
    report = make_report(
        "health",
        config,
        findings=findings,
        gates=(
            *apply_limits(config.gates, _values(findings)),
            *_required(findings, least, techniques_required, config.count_by),
        ),
        inputs=(source,),
        notes=_notes(findings, labels, least),
    )
    return CheckResult(report, lambda: page.sections(findings))


def _listed(path: str) -> tuple[str, ...]:
    return read_required(path) if path else ()


def _count(config: HealthConfig, tally: Tally, taxonomy: Mapping[str, str]) -> Input:
    if tally.kind == "dataset":
        manifest = read_manifest(config.events)
        tally_songs(config.events, tally)
        sources = config.synthetic_sources
        if manifest.counts.hits > config.run.most_local_hits:
            count_on_ray(config.events, tally, config.run, synthetic_sources=sources)
        else:
            groups = range(num_groups(config.events))
            tally_groups(config.events, groups, tally, synthetic_sources=sources)
        digest = sha256(read_bytes(join(config.events, NAME)))
        return Input(role="dataset", path=config.events, records=manifest.counts.hits, sha256=digest)
    for line in iter_samples(config.events):
        tally.add_line(line, taxonomy)
    if config.metadata:
        tally.hours_by_split, tally.hours_by_source = read_hours(config.metadata)
    return describe_file("events", config.events, tally.events)


def _values(found: HealthFindings) -> dict[str, Value]:
    return {
        "events": measured(found.events),
        "duplication_rate": Value(value=found.duplication_rate, low=None, high=None),
        "unknown_labels": measured(sum(found.unknown_labels.values())),
        "unknown_techniques": measured(sum(found.unknown_techniques.values())),
        "synthetic_share": measured(found.synthetic / found.events if found.events else float("nan")),
    } | {f"hours.{name}": measured(hours) for name, hours in found.hours_by_split.items()}


def _required(
    found: HealthFindings, least: Mapping[str, int], techniques: Sequence[str], count_by: Literal["total", "real"]
) -> tuple[Gate, ...]:
    counts = {name: label.total if count_by == "total" else label.real for name, label in found.labels.items()}
    of_dataset = found.kind == "dataset"

    def number(name: str) -> int:
        if not of_dataset:
            return counts.get(name, 0)
        return count_of(name if name in LABELS else component_label(name), counts)

    gates = [
        apply_limit(f"label.{name}", measured(number(name)), Limit(at_least=limit)) for name, limit in least.items()
    ]
    gates += [
        apply_limit(f"technique.{name}", measured(found.techniques.get(name, 0)), Limit(at_least=1))
        for name in dict.fromkeys(techniques)
    ]
    return tuple(gates)


def _notes(found: HealthFindings, labels: frozenset[str], least: Mapping[str, int]) -> list[str]:
    notes = []
    for name in least:
        if name not in labels and name not in COMPONENTS:
            near = difflib.get_close_matches(name, sorted(labels), n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            notes.append(f"label {name!r} is required, but is not in the label set{hint}")
    if found.bucket_disagreements:
        notes.append(f"{found.bucket_disagreements} components have a dynamic bucket that contradicts their velocity")
    return notes
