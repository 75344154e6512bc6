"""Count events one line or one table at a time: the statistics behind `check health`.

A tally holds counts, sets of names and a 64-bit key for each event: about 10 MB for a million events.
"""

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from drumline.charts.documents import Tree
from drumline.charts.drum_maps import component_label
from drumline.charts.events_jsonl import components_of
from drumline.core.interval_value import number
from drumline.quality.health.findings import BUCKET_EDGES, BUCKETS, UNSPECIFIED, HealthFindings, Histogram, LabelHealth
from drumline.quality.samples import normalise_label

OPENNESS_EDGES: Final = tuple(n / 10 for n in range(11))
LOUDNESS_EDGES_LUFS: Final = tuple(float(lufs) for lufs in range(-40, 1, 4))
_TIME_UNITS_PER_S: Final = 10_000


def is_crash(name: str) -> bool:
    """Whether a component label is a crash cymbal: of the class ``crash``, chinas and splashes are none."""
    return component_label(name) == "crash" and not name.startswith(("china", "splash"))


@dataclass
class Tally:
    """Running counts of events, labels, techniques and values."""

    kind: str
    known_labels: frozenset[str]
    known_techniques: frozenset[str]
    """Techniques of the taxonomy; empty without a taxonomy."""
    events: int = 0
    synthetic: int = 0
    negative: int = 0
    disagreements: int = 0
    several_crashes: int = 0
    sessions: set[str] = field(default_factory=set)
    drummers: set[str] = field(default_factory=set)
    labels: Counter[tuple[str, bool, str]] = field(default_factory=Counter)
    """Components by (label, whether synthetic, dynamic bucket)."""
    words: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Counts by quantity (bleed, source ...) and value."""
    openness: list[float] = field(default_factory=list)
    loudness: list[float] = field(default_factory=list)
    keys: "array[int]" = field(default_factory=lambda: array("Q"))
    """64-bit event keys; equal events have equal keys."""
    hours_by_split: dict[str, float] = field(default_factory=dict)
    hours_by_source: dict[str, float] = field(default_factory=dict)

    def add_line(self, line: Tree, technique_of: Mapping[str, str]) -> None:
        """Count one line of an event manifest.

        ``technique_of`` resolves technique aliases. Raises ChartError if the line is invalid.
        """
        synthetic = line.flag("is_synthetic")
        self.events += 1
        self.synthetic += synthetic
        session = line.text("session_id", "")
        self.sessions |= {session} - {""}
        self.drummers |= {line.text("drummer_id", "")} - {""}
        for quantity, name in (
            ("bleed", "bleed_level"), ("mix_context", "mix_context"), ("source", "source_set"), ("split", "split")
        ):  # fmt: skip
            self.words[quantity][line.text(name, "") or UNSPECIFIED] += 1
        for technique in line.texts("techniques"):
            name = normalise_label(technique)
            self.words["technique"][technique_of.get(name, name)] += 1
        loudness = line.tree("loudness")
        if loudness.has("LUFS_i"):
            self.loudness.append(loudness.number("LUFS_i"))
        components = components_of(line)
        names = sorted(normalise_label(part.text("label")) for part in components)
        self.keys.append(event_key(line.text("audio_path", "") or session, line.seconds("onset_time"), names))
        if line.flag("negative_example"):
            self.negative += 1
            return
        for part in components:
            self._add_component(part, synthetic)
        self.several_crashes += sum(map(is_crash, names)) > 1

    def _add_component(self, part: Tree, synthetic: bool) -> None:
        name = normalise_label(part.text("label"))
        implied = bucket_of(part.number("velocity")) if part.has("velocity") else "unknown"
        stated = part.text("dynamic_bucket", "").strip().casefold() or implied
        bucket = stated if stated in BUCKETS else "unknown"
        self.disagreements += "unknown" not in (bucket, implied) and bucket != implied
        self.labels[name, synthetic, bucket] += 1
        if name not in self.known_labels:
            self.words["unknown"][name] += 1
        if is_crash(name):
            self.words["crash"][part.text("instrument_variant", "") or name] += 1
        if part.has("openness"):
            self.openness.append(part.number("openness"))

    def merge(self, other: "Tally") -> None:
        """Add the counts of another tally; the hours of this one are kept."""
        for name in ("events", "synthetic", "negative", "disagreements", "several_crashes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.sessions |= other.sessions
        self.drummers |= other.drummers
        self.labels.update(other.labels)
        for quantity, words in other.words.items():
            self.words[quantity].update(words)
        self.openness += other.openness
        self.loudness += other.loudness
        self.keys.extend(other.keys)

    def findings(self) -> HealthFindings:
        """Findings from the counts so far."""
        keys = np.frombuffer(self.keys, dtype=np.uint64) if self.keys else np.zeros(0, np.uint64)
        duplicates = len(keys) - len(np.unique(keys))
        names = sorted({name for name, _, _ in self.labels})
        techniques = self.words["technique"]
        return HealthFindings(
            kind=self.kind,
            events=self.events,
            real=self.events - self.synthetic,
            synthetic=self.synthetic,
            negative=self.negative,
            sessions=len(self.sessions),
            drummers=len(self.drummers),
            duplicates=duplicates,
            duplication_rate=number(duplicates / self.events if self.events else float("nan")),
            labels={name: self._label(name) for name in names},
            unknown_labels=_ordered(self.words["unknown"]),
            dynamics={
                bucket: sum(n for (_, _, name), n in self.labels.items() if name == bucket) for bucket in BUCKETS
            },
            bucket_disagreements=self.disagreements,
            openness=_histogram(self.openness, OPENNESS_EDGES),
            loudness=_histogram(self.loudness, LOUDNESS_EDGES_LUFS),
            bleed=_ordered(self.words["bleed"]),
            mix_context=_ordered(self.words["mix_context"]),
            techniques=_ordered(techniques),
            unknown_techniques={
                name: count
                for name, count in _ordered(techniques).items()
                if self.known_techniques and name not in self.known_techniques
            },
            crash_variants=_ordered(self.words["crash"]),
            several_crashes=self.several_crashes,
            sources=_ordered(self.words["source"]),
            splits=_ordered(self.words["split"]),
            hours_by_split=self.hours_by_split,
            hours_by_source=self.hours_by_source,
        )

    def _label(self, name: str) -> LabelHealth:
        counts = {(synthetic, bucket): n for (label, synthetic, bucket), n in self.labels.items() if label == name}
        synthetic = sum(count for (is_synthetic, _), count in counts.items() if is_synthetic)
        total = sum(counts.values())
        dynamics = {bucket: counts.get((False, bucket), 0) + counts.get((True, bucket), 0) for bucket in BUCKETS}
        return LabelHealth(total=total, real=total - synthetic, synthetic=synthetic, dynamics=dynamics)


def bucket_of(velocity: float) -> str:
    """Dynamic bucket of a velocity, 0 to 1."""
    return BUCKETS[sum(velocity >= edge for edge in BUCKET_EDGES)]


def event_key(recording: str, onset_s: float, names: Sequence[str]) -> int:
    """64-bit key of an event from its recording, time (to 0.1 ms) and sorted labels."""
    text = "\x00".join([recording, str(round(onset_s * _TIME_UNITS_PER_S)), *names])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _histogram(values: list[float], edges: tuple[float, ...]) -> Histogram:
    counts, _ = np.histogram(np.clip(np.array(values, dtype=np.float64), edges[0], edges[-1]), bins=edges)
    return Histogram(edges=edges, counts=tuple(counts.tolist()))


def _ordered(counts: Counter[str]) -> dict[str, int]:
    """Counts in decreasing order, ties in alphabetical order."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
