"""`derive weights`: sampling weights that balance long and short sessions in training.

An event of a group with ``n`` counted events is sampled with a weight of::

    clamp((n + smoothing) ** -exponent * boosts, min_weight, max_weight)

where ``boosts`` is the product of the factors of the techniques that occur in the group. A group's share of all samples
is ``n * weight``, normalised to a sum of 1.

Labels may imply a technique (``implied={crash_dual_label: [crash2]}``), so that a session with it counts whether or not
its events name the technique.

weights.json has BeatSight's shape: ``parameters``, ``weights`` as ``{group: {count, weight, technique_counts}}``, and
``technique_totals``. `sampling-weights` takes it as ``group_weights``.
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
from drumline.core.artifacts import STORAGE_ERRORS, refuse_foreign_file, write_bytes
from drumline.core.config import Config, canonical_json
from drumline.core.errors import ConfigError, DrumlineError
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import bars, histogram
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.lines import describe_file
from drumline.quality.manifests.profiles import ProfileConfig, read_profile
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import WriterConfig, make_report
from drumline.quality.samples import iter_samples, labels_of, normalise_label

_MOST_ROWS: Final = 50
_EDGES: Final = (0.25, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0, 2.8, 4.0)


class WeightGates(Config):
    """Limits of `derive weights`; null disables a gate."""

    groups: Limit | None = Limit(at_least=1)
    """Number of groups with a weight."""
    clamped_share: Limit | None = None
    """Share of the groups whose weight was clamped to a bound."""
    largest_share: Limit | None = None
    """Largest share of all samples that one group gets."""
    effective_groups: Limit | None = None
    """Effective number of groups: 1 / sum of squared shares."""


class DeriveWeightsConfig(WriterConfig):
    """Event manifest whose sessions are weighted; writes weights.json."""

    events: str
    """Event manifest (JSON lines): path or URI."""
    profiles: str = ""
    """File of sampling profiles (YAML or JSON); requires ``profile`` and excludes ``rule``."""
    profile: str = ""
    """Name of the profile in ``profiles``."""
    rule: ProfileConfig | None = None
    """Profile given here instead of in a file."""
    implied: dict[str, tuple[str, ...]] = Field(default={})
    """Labels that imply a technique, by technique."""
    gates: WeightGates = WeightGates()


class GroupWeight(Config):
    """Weight of one group."""

    count: int
    """Number of counted events."""
    weight: float
    """Weight of each event."""
    clamped: bool
    """Whether the weight was clamped to a bound."""
    natural_share: float
    """Share of all samples if all events had equal weights."""
    share: float
    """Share of all samples with these weights."""


class DeriveWeightsFindings(Config):
    """Findings of `derive weights` in its report.json."""

    rule: ProfileConfig
    """Profile that was applied."""
    events: int
    """Number of events."""
    counted: int
    """Number of counted events."""
    duplicates: int
    """Number of events ignored as duplicates."""
    beyond_the_most: int
    """Number of events ignored because their group had reached `max_events_per_group`."""
    unmatched: int
    """Number of events that do not match the technique filter."""
    without_group: int
    """Number of events without a group."""
    several_labels: int
    """Number of counted events with several labels; each counts once, under every label."""
    labels: dict[str, int]
    """Counted events by label."""
    techniques: dict[str, int]
    """Counted events by technique, including implied ones."""
    num_groups: int
    """Number of groups with a weight."""
    small_groups: int
    """Number of groups with too few events for a weight."""
    clamped: int
    """Number of groups whose weight was clamped to a bound."""
    groups: dict[str, GroupWeight]
    """The 50 groups with the largest share of samples."""
    ratios: tuple[float, ...]
    """Share divided by natural share, for up to 1,000 groups."""


@dataclass
class _EventCounts:
    """Running counts of events, groups, labels and techniques."""

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


def run(config: DeriveWeightsConfig) -> CheckResult:
    """Compute session weights. Raises DrumlineError if a file cannot be used or no group is large enough."""
    rule = _rule(config)
    count = _EventCounts()
    for line in iter_samples(config.events):
        _add(line, rule, config.implied, count)
    source = describe_file("events", config.events, count.events)
    names = sorted(name for name, size in count.sizes.items() if size >= rule.min_count)
    if not names:
        raise DrumlineError(f"{config.events}: no {rule.group_field} has {rule.min_count} events or more")
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
    uri = config.output_uri("weights.json")
    if uri:
        _write(uri, config, findings, groups, count.techniques)
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
        gates=apply_limits(config.gates, values),
        inputs=(source,),
        notes=_notes(rule, count),
    )
    return CheckResult(report, lambda: sections(findings), written=(uri,) if uri else ())


def weights(sizes: NDArray[np.float64], techniques: list[Counter[str]], rule: ProfileConfig) -> NDArray[np.float64]:
    """Weights of groups before clamping [G]."""
    boosts = [
        np.prod(
            [factor for name, factor in rule.technique_boosts.items() if counts[normalise_label(name)]], initial=1.0
        )
        for counts in techniques
    ]
    return np.asarray((sizes + rule.smoothing) ** -rule.exponent * np.array(boosts))


def _rule(config: DeriveWeightsConfig) -> ProfileConfig:
    if bool(config.profiles) != bool(config.profile) or (config.profiles and config.rule):
        raise ConfigError("set both profiles and profile, or rule alone")
    return read_profile(config.profiles, config.profile) if config.profiles else config.rule or ProfileConfig()


def _add(line: Tree, rule: ProfileConfig, implied: Mapping[str, tuple[str, ...]], count: _EventCounts) -> None:
    count.events += 1
    labels = labels_of(line)
    techniques = {normalise_label(word) for word in line.texts("techniques")}
    techniques |= {
        name for name, implying in implied.items() if any(normalise_label(label) in labels for label in implying)
    }
    if rule.technique_filter:
        has = [normalise_label(word) in techniques for word in rule.technique_filter]
        if not (all(has) if rule.filter_match_all else any(has)):
            count.unmatched += 1
            if not rule.include_unmatched:
                return
    group = line.text(rule.group_field, "")
    if not group:
        count.without_group += 1
        return
    if rule.dedupe_fields:
        identity = canonical_json([line.values.get(name.casefold()) for name in rule.dedupe_fields])
        key = int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "little")
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


def _findings(rule: ProfileConfig, count: _EventCounts, groups: Mapping[str, GroupWeight]) -> DeriveWeightsFindings:
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


def _notes(rule: ProfileConfig, count: _EventCounts) -> list[str]:
    notes = [
        f"technique_boosts: the factor of {name} is {factor:g}; a factor below 1 makes its groups rarer"
        for name, factor in rule.technique_boosts.items()
        if factor < 1
    ]
    if count.without_group:
        notes.append(f"{count.without_group} events have no {rule.group_field} and get no weight")
    return notes


def _write(
    uri: str,
    config: DeriveWeightsConfig,
    findings: DeriveWeightsFindings,
    groups: Mapping[str, GroupWeight],
    techniques: Mapping[str, Counter[str]],
) -> None:
    table = {
        "parameters": {"events": config.events, **findings.rule.model_dump(mode="json")},
        "weights": {
            name: {
                "count": group.count,
                "weight": group.weight,
                "technique_counts": dict(sorted(techniques[name].items())),
            }
            for name, group in groups.items()
        },
        "technique_totals": findings.techniques,
    }
    try:
        refuse_foreign_file(uri, mark=b'"technique_counts"')
        write_bytes(uri, (canonical_json(table, indent=1) + "\n").encode())
    except STORAGE_ERRORS as error:
        raise ConfigError(f"output: {uri}: cannot be written ({error or type(error).__name__})") from error


def sections(found: DeriveWeightsFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    rows = tuple(
        (name, group.count, group.weight, group.natural_share, group.share, "yes" if group.clamped else "")
        for name, group in found.groups.items()
    )
    drawing = histogram(
        "ratios",
        np.array(found.ratios),
        edges=_EDGES,
        unit="share of samples / share of events",
        mark=1.0,
        what="groups",
    )
    return (
        Section(
            "Groups",
            f"Groups by {found.rule.group_field}. A ratio above 1 means sampled more often than its length implies.",
            facts=(
                ("Groups", found.num_groups),
                ("Too small", found.small_groups),
                ("Clamped", found.clamped),
                ("Events counted", found.counted),
                ("Duplicates", found.duplicates),
                ("Beyond the limit", found.beyond_the_most),
                ("Several labels", found.several_labels),
            ),
            figures=(
                Figure("Effect of the weights", "Groups by ratio.", drawing),
                Figure("Labels", "Counted events.", bars("labels", found.labels, unit="events")),
            ),
            tables=(
                Table(("Group", "Events", "Weight", "Share of events", "Share of samples", "Clamped"), rows),
                Table(("Technique", "Events"), tuple(found.techniques.items())),
            ),
        ),
    )
