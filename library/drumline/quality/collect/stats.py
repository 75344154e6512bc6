"""`collect stats`: count the samples of a collection and evaluate gates on the counts."""

from collections import Counter

from pydantic import Field

from drumline.charts.documents import as_tree
from drumline.core.artifacts import filesystem, join
from drumline.core.config import Config
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import bars
from drumline.quality.collect.collection import AUDIO, EVENTS, counts_of, open_collection
from drumline.quality.collect.outcome import label_bars
from drumline.quality.gates import Limit, apply_limit, apply_limits
from drumline.quality.lines import describe_file
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import normalise_label


class StatsGates(Config):
    """Limits of `collect stats`; null disables a gate."""

    samples: Limit | None = Limit(at_least=1)
    """Number of samples."""
    missing_files: Limit | None = Limit(at_most=0)
    """Number of samples whose audio file is missing."""
    stray_files: Limit | None = None
    """Number of audio files that no sample refers to."""


class StatsConfig(CheckConfig):
    """Collection to count, and its required counts."""

    collection: str
    """Folder or URI of the collection."""
    min_counts: dict[str, int] = Field(default={})
    """Required number of samples by label, each a gate."""
    gates: StatsGates = StatsGates()


class StatsFindings(Config):
    """Findings of `collect stats` in its report.json."""

    samples: int
    """Number of samples."""
    labels: dict[str, int]
    """Number of samples by label; a sample with several labels counts for each."""
    several_labels: int
    """Number of samples with more than one label."""
    sessions: dict[str, int]
    """Number of samples by session."""
    sources: dict[str, int]
    """Number of samples by the person or program that collected them."""
    with_velocity: int
    """Number of samples with a known velocity."""
    missing_files: tuple[str, ...]
    """Paths of missing audio files, at most 200."""
    num_missing_files: int
    """Number of missing audio files."""
    num_stray_files: int
    """Number of audio files that no sample refers to."""


def run(config: StatsConfig) -> CheckResult:
    """Count the samples of a collection. Raises DrumlineError without a collection."""
    collection = open_collection(config.collection, must_exist=True)
    rows = [as_tree(row, f"{config.collection}: ") for row in collection.rows.values()]
    labels = counts_of(rows)
    named, present = {row.text("audio_path") for row in rows}, _files(config.collection)
    missing = sorted(named - present)
    findings = StatsFindings(
        samples=len(rows),
        labels=labels,
        several_labels=sum(len(row.trees("components")) > 1 for row in rows),
        sessions=_ordered(Counter(row.text("session_id", "") for row in rows)),
        sources=_ordered(Counter(row.text("source_set", "") for row in rows)),
        with_velocity=sum(any(part.has("velocity") for part in row.trees("components")) for row in rows),
        missing_files=tuple(missing[:200]),
        num_missing_files=len(missing),
        num_stray_files=len(present - named),
    )
    values = {
        "samples": measured(findings.samples),
        "missing_files": measured(findings.num_missing_files),
        "stray_files": measured(findings.num_stray_files),
    }
    least = {normalise_label(name): number for name, number in config.min_counts.items()}
    gates = [
        apply_limit(f"label.{name}", measured(labels.get(name, 0)), Limit(at_least=n)) for name, n in least.items()
    ]
    source = describe_file("collection", join(config.collection, EVENTS), len(rows))
    report = make_report(
        "collect-stats",
        config,
        findings=findings,
        gates=(*apply_limits(config.gates, values), *gates),
        inputs=(source,),
    )
    return CheckResult(report, lambda: sections(findings))


def _files(uri: str) -> set[str]:
    fs, path = filesystem(uri)
    fs.invalidate_cache()
    return {str(entry).removeprefix(f"{path}/") for entry in fs.find(f"{path}/{AUDIO}")}


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sections(found: StatsFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    sessions = dict(list(found.sessions.items())[:20])
    return (
        Section(
            "Samples",
            facts=(
                ("Samples", found.samples),
                ("Sessions", len(found.sessions)),
                ("Several labels", found.several_labels),
                ("With velocity", found.with_velocity),
                ("Missing files", found.num_missing_files),
                ("Stray files", found.num_stray_files),
            ),
            figures=(
                label_bars("labels", found.labels),
                Figure("Sessions", "The 20 largest.", bars("sessions", _short(sessions), unit="samples")),
            ),
            tables=(
                Table(("Collected by", "Samples"), tuple(found.sources.items())),
                Table(("Missing file",), tuple((path,) for path in found.missing_files)),
            ),
        ),
    )


def _short(counts: dict[str, int]) -> dict[str, int]:
    """Counts under shortened names that fit beside the bars."""
    return {f"{number}. {name[-24:]}": count for number, (name, count) in enumerate(counts.items(), start=1)}
