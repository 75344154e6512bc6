"""`derive weights`: how often the events of each session are drawn in training, so that long sessions do not rule.

An event of a group of ``n`` counted events is drawn with a weight of::

    clamp((n + smoothing) ** -exponent * boosts, min_weight, max_weight)

where ``boosts`` is the product of the factors of the techniques that occur in the group. A group's share of all draws
is then ``n * weight`` over the sum of it.

Some labels imply a technique (``implied``): a session with a ``crash2`` tells two crash cymbals apart, and counts as
``crash_dual_label`` whether or not its events say so.

weights.json holds ``{group: {count, weight, technique_counts}}``, as BeatSight's loader reads it.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts.documents import Tree
from drumline.core.artifacts import STORAGE_ERRORS, write_bytes
from drumline.core.config import Config, canonical_json
from drumline.core.errors import ConfigError, DrumlineError
from drumline.core.measure import measured
from drumline.dataset.card_plots import bars, histogram
from drumline.quality.gates import Limit, judge_all
from drumline.quality.lines import input_of
from drumline.quality.manifests.profiles import ProfileConfig, read_profile
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import WriterConfig, make_report
from drumline.quality.samples import labels_of, spelt, stream_lines

_MOST_ROWS: Final = 50
_EDGES: Final = (0.25, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0, 2.8, 4.0)


class WeightGates(Config):
    """Limits."""

    groups: Limit | None = Limit(at_least=1)
    """Groups that get a weight."""
    clamped_share: Limit | None = None
    """Share of the groups whose weight was brought to a bound."""
    largest_share: Limit | None = None
    """Share of all draws that one group gets."""
    effective_groups: Limit | None = None
    """How many equal groups would be as varied: one over the sum of squared shares."""


class DeriveWeightsConfig(WriterConfig):
    """Weights of sessions: weights.json."""

    events: str
    """An events JSONL."""
    profiles: str = ""
    """A file of profiles; with it, ``profile`` names the one that counts and the section of that name must be left
    out."""
    profile: str = ""
    """Which one."""
    rule: ProfileConfig | None = None
    """The profile itself, instead of a file's."""
    implied: dict[str, tuple[str, ...]] = Field(default={"crash_dual_label": ("crash2", "crash_2")})
    """Technique -> labels that imply it."""
    gates: WeightGates = WeightGates()


class GroupWeight(Config):
    """One group."""

    count: int
    """Events that were counted."""
    weight: float
    """Of each of them."""
    clamped: bool
    """Whether a bound decided it."""
    natural_share: float
    """Of all draws, were all events drawn alike."""
    share: float
    """Of all draws."""


class DeriveWeightsFindings(Config):
    """What `derive weights` found."""

    rule: ProfileConfig
    """How it was done."""
    events: int
    """Lines."""
    counted: int
    """Events that were counted."""
    duplicates: int
    """Events left out because they repeat one."""
    beyond_the_most: int
    """Events left out because their group had enough."""
    unmatched: int
    """Events that lack the filter's techniques."""
    without_group: int
    """Events that do not say which group they belong to."""
    several_labels: int
    """Counted events with more than one label: they count once, under each label."""
    labels: dict[str, int]
    """Counted events by label."""
    techniques: dict[str, int]
    """Counted events by technique, those that labels imply among them."""
    num_groups: int
    """Groups with a weight."""
    small_groups: int
    """Groups without one: too few events."""
    clamped: int
    """Groups whose weight was brought to a bound."""
    groups: dict[str, GroupWeight]
    """The 50 with the largest share."""
    ratios: tuple[float, ...]
    """Of up to 1,000 groups: share over natural share."""


@dataclass
class _Count:
    """What was met so far."""

    events: int = 0
    duplicates: int = 0
    beyond: int = 0
    unmatched: int = 0
    without_group: int = 0
    several: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    techniques: dict[str, Counter[str]] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    seen: set[int] = field(default_factory=set)


def check(config: DeriveWeightsConfig) -> Outcome:
    """Derive. Raises DrumlineError where a file cannot be used, or no group is left."""
    rule = _rule(config)
    count = _Count()
    for line in stream_lines(config.events):
        _add(line, rule, config.implied, count)
    source = input_of("events", config.events, count.events)
    names = sorted(name for name, size in count.sizes.items() if size >= rule.min_count)
    if not names:
        raise DrumlineError(f"{config.events}: no {rule.group_field} of {rule.min_count} events or more")
    sizes = np.array([count.sizes[name] for name in names], dtype=np.float64)
    raw = weights(sizes, [count.techniques[name] for name in names], rule)
    bounded = np.clip(raw, rule.min_weight, rule.max_weight) if rule.min_weight or rule.max_weight else raw
    share = sizes * bounded / (sizes * bounded).sum()
    groups = {
        name: GroupWeight(
            count=count.sizes[name],
            weight=round(float(bounded[i]), 9),
            clamped=bool(bounded[i] != raw[i]),
            natural_share=round(float(sizes[i] / sizes.sum()), 9),
            share=round(float(share[i]), 9),
        )
        for i, name in enumerate(names)
    }
    findings = _findings(rule, count, groups)
    uri = config.place("weights.json")
    if uri:
        _write(uri, groups, count.techniques)
    values = {
        "groups": measured(len(groups)),
        "clamped_share": measured(findings.clamped / len(groups)),
        "largest_share": measured(share.max()),
        "effective_groups": measured(1 / np.square(share).sum()),
    }
    report = make_report(
        "derive-weights",
        config,
        findings=findings,
        gates=judge_all(config.gates, values),
        inputs=(source,),
        notes=_notes(rule, count),
    )
    return Outcome(report, lambda: sections(findings), written=(uri,) if uri else ())


def weights(sizes: NDArray[np.float64], techniques: list[Counter[str]], rule: ProfileConfig) -> NDArray[np.float64]:
    """The weights of groups before they are clamped [G]."""
    boosts = [
        np.prod([factor for name, factor in rule.technique_boosts.items() if own[spelt(name)]], initial=1.0)
        for own in techniques
    ]
    return np.asarray((sizes + rule.smoothing) ** -rule.exponent * np.array(boosts))


def _rule(config: DeriveWeightsConfig) -> ProfileConfig:
    if bool(config.profiles) != bool(config.profile) or (config.profiles and config.rule):
        raise ConfigError("set profiles and profile together, or rule alone")
    return read_profile(config.profiles, config.profile) if config.profiles else config.rule or ProfileConfig()


def _add(line: Tree, rule: ProfileConfig, implied: Mapping[str, tuple[str, ...]], count: _Count) -> None:
    count.events += 1
    labels = labels_of(line)
    techniques = {spelt(word) for word in line.texts("techniques")}
    techniques |= {name for name, own in implied.items() if any(spelt(label) in labels for label in own)}
    if rule.technique_filter:
        has = [spelt(word) in techniques for word in rule.technique_filter]
        if not (all(has) if rule.filter_match_all else any(has)):
            count.unmatched += 1
            if not rule.include_unmatched:
                return
    group = line.text(rule.group_field, "")
    if not group:
        count.without_group += 1
        return
    if rule.dedupe_fields:
        told = canonical_json([line.values.get(name.casefold()) for name in rule.dedupe_fields])
        key = int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest(), "little")
        if key in count.seen:
            count.duplicates += 1
            return
        count.seen.add(key)
    if rule.max_events_per_group is not None and count.sizes[group] >= rule.max_events_per_group:
        count.beyond += 1
        return
    count.sizes[group] += 1
    count.labels.update(labels)
    count.several += len(labels) > 1
    count.techniques.setdefault(group, Counter()).update(techniques)


def _findings(rule: ProfileConfig, count: _Count, groups: Mapping[str, GroupWeight]) -> DeriveWeightsFindings:
    totals = sum((count.techniques[name] for name in groups), Counter[str]())
    largest = sorted(groups.items(), key=lambda item: (-item[1].share, item[0]))
    shown = np.unique(np.linspace(0, len(largest) - 1, min(len(largest), 1_000)).round().astype(int)).tolist()
    return DeriveWeightsFindings(
        rule=rule,
        events=count.events,
        counted=count.sizes.total(),
        duplicates=count.duplicates,
        beyond_the_most=count.beyond,
        unmatched=count.unmatched,
        without_group=count.without_group,
        several_labels=count.several,
        labels=dict(sorted(count.labels.items())),
        techniques=dict(sorted(totals.items())),
        num_groups=len(groups),
        small_groups=len(count.sizes) - len(groups),
        clamped=sum(group.clamped for group in groups.values()),
        groups=dict(largest[:_MOST_ROWS]),
        ratios=tuple(round(largest[i][1].share / largest[i][1].natural_share, 6) for i in shown),
    )


def _notes(rule: ProfileConfig, count: _Count) -> list[str]:
    notes = [
        f"technique_boosts: {name} has the factor {factor:g}, below 1: it makes its groups rarer"
        for name, factor in rule.technique_boosts.items()
        if factor < 1
    ]
    if count.without_group:
        notes.append(f"{count.without_group} events tell no {rule.group_field} and get no weight")
    return notes


def _write(uri: str, groups: Mapping[str, GroupWeight], techniques: Mapping[str, Counter[str]]) -> None:
    table = {
        name: {"count": group.count, "weight": group.weight, "technique_counts": dict(sorted(techniques[name].items()))}
        for name, group in groups.items()
    }
    try:
        write_bytes(uri, (canonical_json(table, indent=1) + "\n").encode())
    except STORAGE_ERRORS as error:
        raise ConfigError(f"output: {uri}: cannot be written ({error or type(error).__name__})") from error


def sections(found: DeriveWeightsFindings) -> tuple[Section, ...]:
    """What the page shows."""
    rows = tuple(
        (name, each.count, each.weight, each.natural_share, each.share, "yes" if each.clamped else "")
        for name, each in found.groups.items()
    )
    drawing = histogram(
        "ratios",
        np.array(found.ratios),
        edges=_EDGES,
        unit="share of the draws over share of the events",
        mark=1.0,
        what="groups",
    )
    return (
        Section(
            "Groups",
            f"Groups by {found.rule.group_field}. Above 1 a group is drawn more often than it is long.",
            facts=(
                ("Groups", found.num_groups),
                ("Too small", found.small_groups),
                ("Clamped", found.clamped),
                ("Events counted", found.counted),
                ("Duplicates", found.duplicates),
                ("Beyond the most", found.beyond_the_most),
                ("Several labels", found.several_labels),
            ),
            figures=(
                Figure("What weights change", "Groups.", drawing),
                Figure("Labels", "Counted events.", bars("labels", found.labels, unit="events")),
            ),
            tables=(
                Table(("Group", "Events", "Weight", "Share of events", "Share of draws", "Clamped"), rows),
                Table(("Technique", "Events"), tuple(found.techniques.items())),
            ),
        ),
    )
