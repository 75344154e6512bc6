"""`collect stats`: what is in a collection, and whether that is enough."""

from collections import Counter

from pydantic import Field

from drumline.charts.documents import as_tree
from drumline.core.artifacts import filesystem, join
from drumline.core.config import Config
from drumline.core.measure import measured
from drumline.dataset.card_plots import bars
from drumline.quality.collect.collection import AUDIO, EVENTS, counts_of, open_collection
from drumline.quality.collect.outcome import label_bars
from drumline.quality.gates import Limit, judge, judge_all
from drumline.quality.lines import input_of
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import spelt


class StatsGates(Config):
    """Limits."""

    samples: Limit | None = Limit(at_least=1)
    """Samples in all."""
    missing_files: Limit | None = Limit(at_most=0)
    """Samples whose audio is not there."""
    stray_files: Limit | None = None
    """Audio files that no sample names."""


class StatsConfig(CheckConfig):
    """A collection to count."""

    collection: str
    """Folder or URI."""
    min_counts: dict[str, int] = Field(default={})
    """Least number of samples by label, each a gate."""
    gates: StatsGates = StatsGates()


class StatsFindings(Config):
    """What is in a collection."""

    samples: int
    """Samples."""
    labels: dict[str, int]
    """By label; a sample with several counts under each."""
    several_labels: int
    """Samples with more than one label."""
    sessions: dict[str, int]
    """By session."""
    sources: dict[str, int]
    """By who or what collected them."""
    with_velocity: int
    """Samples that tell how hard the stroke was."""
    missing_files: tuple[str, ...]
    """Paths of audio that is not there, at most 200."""
    num_missing_files: int
    """How many."""
    num_stray_files: int
    """Audio files that no sample names."""


def check(config: StatsConfig) -> Outcome:
    """Count. Raises DrumlineError where there is no collection."""
    collection = open_collection(config.collection, must_exist=True)
    rows = [as_tree(row, f"{config.collection}: ") for row in collection.rows.values()]
    labels = counts_of(rows)
    named, there = {row.text("audio_path") for row in rows}, _files(config.collection)
    missing = sorted(named - there)
    findings = StatsFindings(
        samples=len(rows),
        labels=labels,
        several_labels=sum(len(row.trees("components")) > 1 for row in rows),
        sessions=_ordered(Counter(row.text("session_id", "") for row in rows)),
        sources=_ordered(Counter(row.text("source_set", "") for row in rows)),
        with_velocity=sum(any(part.has("velocity") for part in row.trees("components")) for row in rows),
        missing_files=tuple(missing[:200]),
        num_missing_files=len(missing),
        num_stray_files=len(there - named),
    )
    values = {
        "samples": measured(findings.samples),
        "missing_files": measured(findings.num_missing_files),
        "stray_files": measured(findings.num_stray_files),
    }
    least = {spelt(name): number for name, number in config.min_counts.items()}
    gates = [judge(f"label.{name}", measured(labels.get(name, 0)), Limit(at_least=n)) for name, n in least.items()]
    source = input_of("collection", join(config.collection, EVENTS), len(rows))
    report = make_report(
        "collect-stats",
        config,
        findings=findings,
        gates=(*judge_all(config.gates, values), *gates),
        inputs=(source,),
    )
    return Outcome(report, lambda: sections(findings))


def _files(uri: str) -> set[str]:
    fs, path = filesystem(uri)
    fs.invalidate_cache()
    return {str(entry).removeprefix(f"{path}/") for entry in fs.find(f"{path}/{AUDIO}")}


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sections(found: StatsFindings) -> tuple[Section, ...]:
    """What the page shows."""
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
                Figure("Sessions", "The largest 20.", bars("sessions", _short(sessions), unit="samples")),
            ),
            tables=(
                Table(("Collected by", "Samples"), tuple(found.sources.items())),
                Table(("Missing file",), tuple((path,) for path in found.missing_files)),
            ),
        ),
    )


def _short(counts: dict[str, int]) -> dict[str, int]:
    """Names that leave room for the bars."""
    return {f"{number}. {name[-24:]}": count for number, (name, count) in enumerate(counts.items(), start=1)}
