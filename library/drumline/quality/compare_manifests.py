"""`compare manifests`: sessions, components and techniques that differ between two event manifests or datasets.

Components are counted, not events: an event of two kicks counts twice. Negative examples (``negative_example``) are
counted apart. A session (of a dataset: a song) counts as changed if any field of its events differs; the order of
events is ignored.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from drumline.charts.documents import Tree
from drumline.charts.events_jsonl import components_of
from drumline.core.artifacts import join
from drumline.core.config import Config, canonical_json
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.dataset.parquet import open_parquet
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.onsets import describe_source, is_dataset
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import iter_samples, labels_of, normalise_label

_SONG_COLUMNS = ("song_id", "key", "domain", "chart_sha256", "audio_sha256", "num_hits", "label_counts", "split")
_MOST_ROWS = 200
QUANTITIES = ("sessions", "components", "techniques")


class CompareManifestsGates(Config):
    """Limits of `compare manifests`; null disables a gate."""

    removed_sessions: Limit | None = Limit(at_most=0)
    """Number of sessions that are in the baseline but not in the candidate."""
    removed_components: Limit | None = Limit(at_most=0)
    """Number of component labels that are in the baseline but not in the candidate."""
    removed_techniques: Limit | None = Limit(at_most=0)
    """Number of techniques that are in the baseline but not in the candidate."""
    added_components: Limit | None = None
    """Number of component labels that are in the candidate but not in the baseline."""
    changed_sessions: Limit | None = None
    """Number of sessions that are in both manifests with different events."""


class CompareManifestsConfig(CheckConfig):
    """Two event manifests or datasets to compare."""

    candidate: str
    """Event manifest (JSON lines) or built dataset that is checked: path or URI."""
    baseline: str
    """Event manifest or dataset that the candidate is compared with: path or URI."""
    gates: CompareManifestsGates = CompareManifestsGates()


class Changed(Config):
    """Event counts of a session, label or technique that differs between baseline and candidate."""

    baseline: int
    """Events in the baseline."""
    candidate: int
    """Events in the candidate; a session may have as many events as before with other contents."""


class Difference(Config):
    """Sessions, labels or techniques by what changed between baseline and candidate."""

    added: dict[str, int]
    """Names that occur in the candidate only, with their event counts."""
    removed: dict[str, int]
    """Names that occur in the baseline only, with their event counts."""
    changed: dict[str, Changed]
    """Names that occur in both with different events or counts."""
    unchanged: int
    """Number of names whose events or counts are equal in both."""


class CompareManifestsFindings(Config):
    """Findings of `compare manifests` in its report.json."""

    negatives: Changed
    """Number of negative examples."""
    sessions: Difference
    """Changes of sessions; of a dataset, songs by key."""
    components: Difference
    """Changes of component labels."""
    techniques: Difference
    """Changes of techniques; always empty for datasets, whose flags `check health` counts."""


@dataclass
class _Contents:
    """Event counts by name, and an order-independent hash of each session's events."""

    sessions: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    components: Counter[str] = field(default_factory=Counter)
    techniques: Counter[str] = field(default_factory=Counter)
    negatives: int = 0

    def add(self, session: str, events: int, content: str) -> None:
        self.sessions[session] += events
        self.digests[session] += int.from_bytes(hashlib.blake2b(content.encode(), digest_size=8).digest(), "little")


def run(config: CompareManifestsConfig) -> CheckResult:
    """Compare two event manifests or datasets.

    Parameters
    ----------
    config
        Candidate, baseline and gates.

    Returns
    -------
    CheckResult
        Report with `CompareManifestsFindings`, and the sections of its page.

    Raises
    ------
    DrumlineError
        A manifest or dataset cannot be read.
    """
    inputs = [
        describe_source(getattr(config, role)).model_copy(update={"role": role}) for role in ("candidate", "baseline")
    ]
    now, before = (_read(source.path) for source in inputs)
    findings = CompareManifestsFindings(
        negatives=Changed(baseline=before.negatives, candidate=now.negatives),
        sessions=_difference(before.sessions, now.sessions, digests=(before.digests, now.digests)),
        components=_difference(before.components, now.components),
        techniques=_difference(before.techniques, now.techniques),
    )
    values = {
        f"{change}_{quantity}": measured(len(getattr(getattr(findings, quantity), change)))
        for quantity in QUANTITIES
        for change in ("added", "removed", "changed")
    }
    report = make_report(
        "compare-manifests", config, findings=findings, gates=apply_limits(config.gates, values), inputs=inputs
    )
    return CheckResult(report, lambda: sections(findings))


def _read(uri: str) -> _Contents:
    contents = _Contents()
    if is_dataset(uri):
        with open_parquet(join(uri, "songs.parquet")) as file:
            for song in file.read(_SONG_COLUMNS).to_pylist():
                counts = dict(song["label_counts"])
                contents.add(song["key"], song["num_hits"], canonical_json(song | {"label_counts": counts}))
                contents.components.update(counts)
        return contents
    for line in iter_samples(uri):
        session = line.text("session_id", "") or line.text("audio_path", "") or "unspecified"
        contents.add(session, 1, canonical_json(dict(line.values)))
        if line.flag("negative_example"):
            contents.negatives += 1
        else:
            contents.components.update(_component_names(line))
        contents.techniques.update(normalise_label(technique) for technique in line.texts("techniques"))
    return contents


def _component_names(line: Tree) -> list[str]:
    """Label of each component of an event, repeated ones included."""
    if not line.has("components"):
        return list(labels_of(line))
    return [normalise_label(part.text("label")) for part in components_of(line)]


def _difference(
    before: Mapping[str, int],
    now: Mapping[str, int],
    *,
    digests: tuple[Mapping[str, int], Mapping[str, int]] | None = None,
) -> Difference:
    """Differences by name; ``digests`` are compared instead of the counts if given."""
    old, new = digests or (before, now)
    both = sorted(before.keys() & now.keys())
    changed = {name: Changed(baseline=before[name], candidate=now[name]) for name in both if old[name] != new[name]}
    return Difference(
        added={name: now[name] for name in sorted(now.keys() - before.keys())},
        removed={name: before[name] for name in sorted(before.keys() - now.keys())},
        changed=changed,
        unchanged=len(both) - len(changed),
    )


def sections(found: CompareManifestsFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    parts = {
        quantity: {
            "unchanged": float(change.unchanged), "changed": float(len(change.changed)),
                "added": float(len(change.added)), "removed": float(len(change.removed)),
            }
            for quantity in QUANTITIES
            for change in (getattr(found, quantity),)
    }  # fmt: skip
    drawing = stacked_bars("changes", parts, unit="number of names")
    return (
        Section("Changes", figures=(Figure("Sessions, components, techniques", "Both manifests together.", drawing),)),
        *(_section(quantity, getattr(found, quantity)) for quantity in QUANTITIES),
    )


def _section(quantity: str, found: Difference) -> Section:
    rows = [
        *((name, "removed", number, None) for name, number in found.removed.items()),
        *((name, "added", None, number) for name, number in found.added.items()),
        *((name, "changed", counts.baseline, counts.candidate) for name, counts in found.changed.items()),
    ]
    more = f" First {_MOST_ROWS} of {len(rows):,} differences." if len(rows) > _MOST_ROWS else ""
    return Section(
        quantity.capitalize(),
        f"Columns count {'components' if quantity == 'components' else 'events'}.{more}",
        facts=(
            ("Added", len(found.added)),
            ("Removed", len(found.removed)),
            ("Changed", len(found.changed)),
            ("Unchanged", found.unchanged),
        ),
        tables=(Table((quantity.capitalize(), "Change", "Baseline", "Candidate"), tuple(rows[:_MOST_ROWS])),),
    )
