"""`annotate techniques`: what is played, inferred from what is told of each stroke, tempo and metre.

Each technique has a rule (`techniques.rules`). What the rules find joins ``techniques``, and stands by itself in
``techniques_inferred``, so that it can be told from what a person said and inferred anew: what an earlier run inferred
is taken out first. Techniques that were told stay, under the taxonomy's id where they are an alias.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np

from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.core.measure import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.quality.gates import Limit, judge, judge_all
from drumline.quality.health.files import read_taxonomy
from drumline.quality.lines import Line, input_of, lines_to, put, stream
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import WriterConfig, make_report
from drumline.quality.samples import spelt
from drumline.quality.techniques.reading import Gathering
from drumline.quality.techniques.rules import RULES, meaning

_INFERRED: Final = "techniques_inferred"
_MOST_BARS: Final = 40


class TechniqueGates(Config):
    """Limits."""

    annotated_share: Limit | None = None
    """Share of events with a technique in the end."""
    unknown_techniques: Limit | None = Limit(at_most=0)
    """Events that told a technique which the taxonomy does not know."""


class AnnotateConfig(WriterConfig):
    """Events whose techniques are to be inferred: events.jsonl."""

    events: str
    """An events JSONL."""
    taxonomy: str = ""
    """A technique_taxonomy.json: only techniques that it knows are inferred, and its aliases are understood."""
    rules: tuple[str, ...] = ()
    """Only these; all that there are if empty."""
    group_field: Literal["session_id", "audio_path"] = "session_id"
    """What one performance is: events on one clock."""
    required: tuple[str, ...] = ()
    """Techniques that must occur in the end, each a gate."""
    gates: TechniqueGates = TechniqueGates()


class TechniqueCount(Config):
    """One technique."""

    told: int
    """Events that came with it."""
    inferred: int
    """Events in which its rule found it; some may have come with it."""
    both: int
    """Events with either reason."""


class AnnotateFindings(Config):
    """What `annotate techniques` found."""

    events: int
    """Lines."""
    performances: int
    """Sessions, or recordings."""
    annotated: int
    """Events with a technique in the end."""
    techniques: dict[str, TechniqueCount]
    """By technique."""
    unknown_techniques: dict[str, int]
    """Told, but not in the taxonomy."""
    without_rule: tuple[str, ...]
    """Techniques of the taxonomy that events cannot show."""
    left_out: tuple[str, ...]
    """Rules whose technique the taxonomy does not know."""


def check(config: AnnotateConfig) -> Outcome:
    """Annotate. Raises DrumlineError where a file cannot be used."""
    taxonomy = read_taxonomy(config.taxonomy) if config.taxonomy else {}
    known = frozenset(taxonomy.values())
    rules = _chosen(config.rules, known)
    inferred, events, performances = _inferred(config, rules)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    unknown, annotated = Counter[str](), 0
    uri = config.place("events.jsonl")
    with lines_to(uri) as write:
        for index, line in enumerate(stream(config.events)):
            told = _told(line, taxonomy)
            found = inferred.get(index, ())
            unknown.update(name for name in told if known and name not in known)
            for name in {*told, *found}:
                counts[name].update(both=1, told=name in told, inferred=name in found)
            annotated += bool(told or found)
            _annotate(line, told, found)
            write(line.row)
    findings = AnnotateFindings(
        events=events,
        performances=performances,
        annotated=annotated,
        techniques={
            name: TechniqueCount(told=int(own["told"]), inferred=int(own["inferred"]), both=own["both"])
            for name, own in sorted(counts.items())
        },
        unknown_techniques=dict(sorted(unknown.items())),
        without_rule=tuple(sorted(known - RULES.keys())),
        left_out=tuple(sorted(RULES.keys() - known)) if known else (),
    )
    values = {
        "annotated_share": measured(annotated / events),
        "unknown_techniques": measured(unknown.total()),
    }
    required = [taxonomy.get(spelt(name), spelt(name)) for name in config.required]
    gates = [
        judge(f"technique.{name}", measured(counts[name]["both"]), Limit(at_least=1))
        for name in dict.fromkeys(required)
    ]
    inputs = [input_of("events", config.events, events)]
    if config.taxonomy:
        inputs.append(input_of("taxonomy", config.taxonomy, len(known)))
    report = make_report(
        "annotate-techniques",
        config,
        findings=findings,
        gates=(*judge_all(config.gates, values), *gates),
        inputs=inputs,
    )
    return Outcome(report, lambda: sections(findings), written=(uri,) if uri else ())


def _chosen(wanted: tuple[str, ...], known: frozenset[str]) -> list[str]:
    if unknown := sorted(set(wanted) - RULES.keys()):
        raise ConfigError(f"rules: there is no rule for {unknown[0]!r}, only for {', '.join(sorted(RULES))}")
    return [name for name in RULES if (not known or name in known) and (not wanted or name in wanted)]


def _inferred(config: AnnotateConfig, rules: list[str]) -> tuple[Mapping[int, tuple[str, ...]], int, int]:
    """The techniques found in each line by its place in the file, the number of lines and of performances."""
    gathering = Gathering()
    for line in stream(config.events):
        tree = line.tree
        gathering.add(tree, tree.text(config.group_field, "") or tree.text("audio_path", "") or "not told")
    found: defaultdict[int, list[str]] = defaultdict(list)
    if not gathering.time_s:
        input_of("events", config.events, 0)
    for lines, strokes in gathering.recordings():
        for name in rules:
            for place in np.unique(RULES[name](strokes)).tolist():
                found[int(lines[place])].append(name)
    told = {index: tuple(names) for index, names in found.items()}
    return told, len(gathering.time_s), len(gathering.group.known)


def _told(line: Line, taxonomy: Mapping[str, str]) -> tuple[str, ...]:
    """What the line says of itself, less what an earlier run inferred."""
    earlier = {spelt(name) for name in line.tree.texts(_INFERRED)}
    words = (spelt(word) for word in line.tree.texts("techniques"))
    return tuple(dict.fromkeys(taxonomy.get(word, word) for word in words if word not in earlier))


def _annotate(line: Line, told: tuple[str, ...], found: tuple[str, ...]) -> None:
    if told or found or line.tree.has("techniques"):
        put(line.row, "techniques", list(dict.fromkeys((*told, *found))))
    if own := [name for name in found if name not in told]:
        put(line.row, _INFERRED, own)
    elif line.tree.has(_INFERRED):
        put(line.row, _INFERRED, [])


def sections(found: AnnotateFindings) -> tuple[Section, ...]:
    """What the page shows."""
    ordered = sorted(found.techniques.items(), key=lambda item: (-item[1].both, item[0]))
    parts = {
        name: {"told": float(own.told), "inferred": float(own.both - own.told)} for name, own in ordered[:_MOST_BARS]
    }
    rows = tuple(
        (name, own.told, own.inferred, own.both, meaning(name) if name in RULES else "") for name, own in ordered
    )
    return (
        Section(
            "Techniques",
            facts=(
                ("Events", found.events),
                ("Performances", found.performances),
                ("With a technique", found.annotated),
                ("Techniques found", len(found.techniques)),
            ),
            figures=(Figure("Events by technique", "Told, and inferred besides.", stacked_bars("t", parts, unit="")),),
            tables=(
                Table(("Technique", "Told", "Inferred", "Both", "Rule"), rows, title="All techniques and their rules"),
                Table(("Unknown technique", "Events"), tuple(found.unknown_techniques.items())),
                Table(
                    ("Cannot be seen in events",),
                    tuple((name,) for name in found.without_rule),
                    title=f"{len(found.without_rule)} techniques of the taxonomy without a rule",
                ),
            ),
        ),
    )
