"""`annotate techniques`: infer playing techniques from hits, tempo and metre.

Each technique has a rule (`techniques.rules`). Inferred techniques are added to ``techniques`` and listed separately in
``techniques_inferred``, so that they can be told from annotated ones and inferred again: techniques inferred by an
earlier run are removed first. Annotated techniques are kept, renamed to the taxonomy's id if they are an alias.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np

from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.quality.gates import Limit, apply_limit, apply_limits
from drumline.quality.health.files import read_taxonomy
from drumline.quality.lines import JsonLine, describe_file, iter_json_lines, json_lines_writer, set_field
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import WriterConfig, make_report
from drumline.quality.samples import normalise_label
from drumline.quality.techniques.hit_collector import HitCollector
from drumline.quality.techniques.rules import RULES, rule_description

_INFERRED: Final = "techniques_inferred"
_MOST_BARS: Final = 40


class TechniqueGates(Config):
    """Limits of `annotate techniques`; null disables a gate."""

    annotated_share: Limit | None = None
    """Share of events that have a technique after annotation."""
    unknown_techniques: Limit | None = Limit(at_most=0)
    """Number of events annotated with a technique that is not in the taxonomy."""


class AnnotateConfig(WriterConfig):
    """Event manifest whose techniques are inferred; writes events.jsonl."""

    events: str
    """Event manifest (JSON lines): path or URI."""
    taxonomy: str = ""
    """A technique_taxonomy.json: restricts inference to its techniques and resolves its aliases; empty for none."""
    rules: tuple[str, ...] = ()
    """Rules to apply; all if empty."""
    group_field: Literal["session_id", "audio_path"] = "session_id"
    """Field that identifies a performance: events with one clock."""
    required: tuple[str, ...] = ()
    """Techniques that must occur after annotation, each a gate."""
    gates: TechniqueGates = TechniqueGates()


class TechniqueCount(Config):
    """Events with one technique, by its origin."""

    annotated: int
    """Events that were annotated with it in the input."""
    inferred: int
    """Events in which its rule found it, annotated or not."""
    both: int
    """Events with the technique from either origin."""


class AnnotateFindings(Config):
    """Findings of `annotate techniques` in its report.json."""

    events: int
    """Number of events."""
    performances: int
    """Number of performances: sessions or recordings."""
    annotated: int
    """Number of events that have a technique after annotation."""
    techniques: dict[str, TechniqueCount]
    """Event counts by technique."""
    unknown_techniques: dict[str, int]
    """Annotated techniques that are not in the taxonomy, with their event counts."""
    without_rule: tuple[str, ...]
    """Techniques of the taxonomy that have no rule because events do not show them."""
    left_out: tuple[str, ...]
    """Rules that were skipped because the taxonomy lacks their technique."""


def run(config: AnnotateConfig) -> CheckResult:
    """Infer techniques and write the annotated manifest. Raises DrumlineError if a file cannot be used."""
    taxonomy = read_taxonomy(config.taxonomy) if config.taxonomy else {}
    known = frozenset(taxonomy.values())
    rules = _chosen(config.rules, known)
    inferred, events, performances = _inferred(config, rules)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    unknown, annotated = Counter[str](), 0
    uri = config.output_uri("events.jsonl")
    with json_lines_writer(uri) as write:
        for index, line in enumerate(iter_json_lines(config.events)):
            annotated_names = _annotated(line, taxonomy)
            found = inferred.get(index, ())
            unknown.update(name for name in annotated_names if known and name not in known)
            for name in {*annotated_names, *found}:
                counts[name].update(both=1, annotated=name in annotated_names, inferred=name in found)
            annotated += bool(annotated_names or found)
            _annotate(line, annotated_names, found)
            write(line.row)
    findings = AnnotateFindings(
        events=events,
        performances=performances,
        annotated=annotated,
        techniques={
            name: TechniqueCount(annotated=int(n["annotated"]), inferred=int(n["inferred"]), both=n["both"])
            for name, n in sorted(counts.items())
        },
        unknown_techniques=dict(sorted(unknown.items())),
        without_rule=tuple(sorted(known - RULES.keys())),
        left_out=tuple(sorted(RULES.keys() - known)) if known else (),
    )
    values = {
        "annotated_share": measured(annotated / events),
        "unknown_techniques": measured(unknown.total()),
    }
    required = [taxonomy.get(normalise_label(name), normalise_label(name)) for name in config.required]
    gates = [
        apply_limit(f"technique.{name}", measured(counts[name]["both"]), Limit(at_least=1))
        for name in dict.fromkeys(required)
    ]
    inputs = [describe_file("events", config.events, events)]
    if config.taxonomy:
        inputs.append(describe_file("taxonomy", config.taxonomy, len(known)))
    report = make_report(
        "annotate-techniques",
        config,
        findings=findings,
        gates=(*apply_limits(config.gates, values), *gates),
        inputs=inputs,
    )
    return CheckResult(report, lambda: sections(findings), written=(uri,) if uri else ())


def _chosen(selected: tuple[str, ...], known: frozenset[str]) -> list[str]:
    if unknown := sorted(set(selected) - RULES.keys()):
        raise ConfigError(f"rules: no rule for {unknown[0]!r}; rules exist for {', '.join(sorted(RULES))}")
    return [name for name in RULES if (not known or name in known) and (not selected or name in selected)]


def _inferred(config: AnnotateConfig, rules: list[str]) -> tuple[Mapping[int, tuple[str, ...]], int, int]:
    """Inferred techniques by line index, the number of lines and the number of performances."""
    collector = HitCollector()
    for line in iter_json_lines(config.events):
        tree = line.tree
        collector.add(tree, tree.text(config.group_field, "") or tree.text("audio_path", "") or "unspecified")
    found: defaultdict[int, list[str]] = defaultdict(list)
    if not collector.time_s:
        describe_file("events", config.events, 0)
    for lines, hits in collector.recordings():
        for name in rules:
            for index in np.unique(RULES[name](hits)).tolist():
                found[int(lines[index])].append(name)
    inferred = {index: tuple(names) for index, names in found.items()}
    return inferred, len(collector.time_s), len(collector.group.known)


def _annotated(line: JsonLine, taxonomy: Mapping[str, str]) -> tuple[str, ...]:
    """Techniques of a line without those that an earlier run inferred."""
    earlier = {normalise_label(name) for name in line.tree.texts(_INFERRED)}
    words = (normalise_label(word) for word in line.tree.texts("techniques"))
    return tuple(dict.fromkeys(taxonomy.get(word, word) for word in words if word not in earlier))


def _annotate(line: JsonLine, annotated: tuple[str, ...], found: tuple[str, ...]) -> None:
    if annotated or found or line.tree.has("techniques"):
        set_field(line.row, "techniques", list(dict.fromkeys((*annotated, *found))))
    if new := [name for name in found if name not in annotated]:
        set_field(line.row, _INFERRED, new)
    elif line.tree.has(_INFERRED):
        set_field(line.row, _INFERRED, [])


def sections(found: AnnotateFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    ordered = sorted(found.techniques.items(), key=lambda item: (-item[1].both, item[0]))
    parts = {
        name: {"annotated": float(n.annotated), "inferred": float(n.both - n.annotated)}
        for name, n in ordered[:_MOST_BARS]
    }
    rows = tuple(
        (name, n.annotated, n.inferred, n.both, rule_description(name) if name in RULES else "") for name, n in ordered
    )
    return (
        Section(
            "Techniques",
            facts=(
                ("Events", found.events),
                ("Performances", found.performances),
                ("With a technique", found.annotated),
                ("Distinct techniques", len(found.techniques)),
            ),
            figures=(
                Figure(
                    "Events by technique", "Annotated, and inferred in addition.", stacked_bars("t", parts, unit="")
                ),
            ),
            tables=(
                Table(
                    ("Technique", "Annotated", "Inferred", "Either", "Rule"),
                    rows,
                    title="All techniques and their rules",
                ),
                Table(("Unknown technique", "Events"), tuple(found.unknown_techniques.items())),
                Table(
                    ("Technique without a rule",),
                    tuple((name,) for name in found.without_rule),
                    title=f"{len(found.without_rule)} techniques of the taxonomy have no rule",
                ),
            ),
        ),
    )
