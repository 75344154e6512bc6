"""`compare manifests`: what was added, removed and changed between two files of events, or two datasets.

A session (a song, in a dataset) has changed where anything of its events has, in whatever order they stand.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from drumline.core.artifacts import join
from drumline.core.config import Config, canonical_json
from drumline.core.measure import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.dataset.parquet import open_parquet
from drumline.quality.gates import Limit, judge_all
from drumline.quality.onsets import is_dataset, source_of
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import CheckConfig, make_report
from drumline.quality.samples import labels_of, spelt, stream_lines

_SONG_COLUMNS = ("song_id", "key", "domain", "chart_sha256", "audio_sha256", "num_hits", "label_counts", "split")
_MOST_ROWS = 200
QUANTITIES = ("sessions", "components", "techniques")


class CompareManifestsGates(Config):
    """Limits; null for none."""

    removed_sessions: Limit | None = Limit(at_most=0)
    """Sessions of the baseline that the candidate has not."""
    removed_components: Limit | None = Limit(at_most=0)
    """Labels of components, likewise."""
    removed_techniques: Limit | None = Limit(at_most=0)
    """Techniques, likewise."""
    added_components: Limit | None = None
    """Labels that the baseline has not."""
    changed_sessions: Limit | None = None
    """Sessions that both have, but not alike."""


class CompareManifestsConfig(CheckConfig):
    """Two manifests."""

    candidate: str
    """An events JSONL, or a dataset."""
    baseline: str
    """What it is compared with."""
    gates: CompareManifestsGates = CompareManifestsGates()


class Changed(Config):
    """Something that both have, but not alike."""

    baseline: int
    """Events in the baseline."""
    candidate: int
    """Events in the candidate; of a session it may be as many, but others."""


class Difference(Config):
    """What became of one kind of thing."""

    added: dict[str, int]
    """Only in the candidate, with the number of events."""
    removed: dict[str, int]
    """Only in the baseline."""
    changed: dict[str, Changed]
    """In both, but not alike."""
    unchanged: int
    """How many are alike."""


class CompareManifestsFindings(Config):
    """What `compare manifests` finds."""

    sessions: Difference
    """Sessions, or songs of a dataset by key."""
    components: Difference
    """Labels of components."""
    techniques: Difference
    """Techniques; of a dataset none, its flags stand in `check health`."""


@dataclass
class _Contents:
    """What a manifest holds: events by name, and of sessions a sum over the hashes of their events."""

    sessions: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    components: Counter[str] = field(default_factory=Counter)
    techniques: Counter[str] = field(default_factory=Counter)

    def add(self, session: str, events: int, told: str) -> None:
        self.sessions[session] += events
        self.digests[session] += int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest(), "little")


def check(config: CompareManifestsConfig) -> Outcome:
    """Run the comparison. Raises DrumlineError where a manifest cannot be used."""
    inputs = [source_of(getattr(config, role)).model_copy(update={"role": role}) for role in ("candidate", "baseline")]
    now, before = (_read(each.path) for each in inputs)
    findings = CompareManifestsFindings(
        sessions=_difference(before.sessions, now.sessions, digests=(before.digests, now.digests)),
        components=_difference(before.components, now.components),
        techniques=_difference(before.techniques, now.techniques),
    )
    values = {
        f"{what}_{quantity}": measured(len(getattr(getattr(findings, quantity), what)))
        for quantity in QUANTITIES
        for what in ("added", "removed", "changed")
    }
    report = make_report(
        "compare-manifests", config, findings=findings, gates=judge_all(config.gates, values), inputs=inputs
    )
    return Outcome(report, lambda: sections(findings))


def _read(uri: str) -> _Contents:
    contents = _Contents()
    if is_dataset(uri):
        with open_parquet(join(uri, "songs.parquet")) as file:
            for song in file.read(_SONG_COLUMNS).to_pylist():
                counts = dict(song["label_counts"])
                contents.add(song["key"], song["num_hits"], canonical_json(song | {"label_counts": counts}))
                contents.components.update(counts)
        return contents
    for line in stream_lines(uri):
        session = line.text("session_id", "") or line.text("audio_path", "") or "not told"
        contents.add(session, 1, canonical_json(dict(line.values)))
        contents.components.update(labels_of(line))
        contents.techniques.update(spelt(technique) for technique in line.texts("techniques"))
    return contents


def _difference(
    before: Mapping[str, int],
    now: Mapping[str, int],
    *,
    digests: tuple[Mapping[str, int], Mapping[str, int]] | None = None,
) -> Difference:
    """``digests`` tell apart what is as many; without them numbers are compared."""
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
    """What the page shows."""
    parts = {
        quantity: {
            "unchanged": float(own.unchanged), "changed": float(len(own.changed)), "added": float(len(own.added)),
            "removed": float(len(own.removed)),
        }
        for quantity in QUANTITIES
        for own in (getattr(found, quantity),)
    }  # fmt: skip
    drawing = stacked_bars("changes", parts, unit="how many there are")
    return (
        Section("What changed", figures=(Figure("Sessions, components, techniques", "Of both manifests.", drawing),)),
        *(_section(quantity, getattr(found, quantity)) for quantity in QUANTITIES),
    )


def _section(quantity: str, found: Difference) -> Section:
    rows = [
        *((name, "removed", number, None) for name, number in found.removed.items()),
        *((name, "added", None, number) for name, number in found.added.items()),
        *((name, "changed", each.baseline, each.candidate) for name, each in found.changed.items()),
    ]
    more = f" The first {_MOST_ROWS} of {len(rows):,} differences." if len(rows) > _MOST_ROWS else ""
    return Section(
        quantity.capitalize(),
        f"Numbers are of events.{more}",
        facts=(
            ("Added", len(found.added)),
            ("Removed", len(found.removed)),
            ("Changed", len(found.changed)),
            ("Unchanged", found.unchanged),
        ),
        tables=(Table((quantity.capitalize(), "What happened", "Baseline", "Candidate"), tuple(rows[:_MOST_ROWS])),),
    )
