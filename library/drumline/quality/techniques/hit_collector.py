"""Collect the hits of every recording of an event manifest in flat arrays: about 100 MB for a million events."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drumline.charts.documents import Tree
from drumline.charts.drum_maps import component_label
from drumline.charts.events_jsonl import components_of
from drumline.quality.samples import normalise_label
from drumline.quality.techniques.recording_hits import RecordingHits


@dataclass
class _StringTable:
    """Strings stored once, with an index for each occurrence."""

    known: dict[str, int] = field(default_factory=dict)
    numbers: "array[int]" = field(default_factory=lambda: array("i"))

    def add(self, word: str) -> None:
        self.numbers.append(self.known.setdefault(word, len(self.known)))

    def array(self) -> NDArray[np.str_]:
        """All occurrences as strings [N]."""
        return np.array([*self.known, ""])[np.frombuffer(self.numbers, dtype=np.int32)]


@dataclass
class HitCollector:
    """Hits of all lines so far, in columns."""

    group: _StringTable = field(default_factory=_StringTable)
    metre: _StringTable = field(default_factory=_StringTable)
    time_s: "array[float]" = field(default_factory=lambda: array("d"))
    tempo_bpm: "array[float]" = field(default_factory=lambda: array("f"))
    event: "array[int]" = field(default_factory=lambda: array("q"))
    name: _StringTable = field(default_factory=_StringTable)
    variant: _StringTable = field(default_factory=_StringTable)
    velocity: "array[float]" = field(default_factory=lambda: array("f"))
    openness: "array[float]" = field(default_factory=lambda: array("f"))
    length_s: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, line: Tree, group: str) -> None:
        """Add one line; negative examples are events without hits. Raises ChartError if the line is invalid."""
        self.group.add(group)
        self.metre.add(line.text("meter", "").replace(" ", ""))
        onset_s = line.seconds("onset_time")
        self.tempo_bpm.append(line.number("tempo_bpm", 0.0))
        if not line.flag("negative_example"):
            length_s = line.seconds("offset_time") - onset_s if line.has("offset_time") else float("nan")
            for part in components_of(line):
                self.event.append(len(self.time_s))
                self.name.add(normalise_label(part.text("label")))
                self.variant.add(normalise_label(part.text("instrument_variant", "")))
                self.velocity.append(_number(part, "velocity"))
                self.openness.append(_number(part, "openness"))
                self.length_s.append(length_s)
        self.time_s.append(onset_s)

    def recordings(self) -> Iterator[tuple[NDArray[np.int64], RecordingHits]]:
        """Iterate over recordings: indices of the lines in order of time, and the hits."""
        group = np.frombuffer(self.group.numbers, dtype=np.int32)
        time_s = np.frombuffer(self.time_s, dtype=np.float64)
        owner = np.frombuffer(self.event, dtype=np.int64)
        name, variant, metre = self.name.array(), self.variant.array(), self.metre.array()
        label_of = {word: component_label(word) for word in self.name.known}
        label = np.array([*label_of.values(), ""])[np.frombuffer(self.name.numbers, dtype=np.int32)]
        velocity, openness, length_s, tempo_bpm = (
            np.frombuffer(values, dtype=np.float32).astype(np.float64)
            for values in (self.velocity, self.openness, self.length_s, self.tempo_bpm)
        )
        order = np.lexsort((time_s, group))
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))  # of each line among all lines, recording by recording
        hits = np.argsort(rank[owner], kind="stable")
        ends = np.searchsorted(group[order], np.arange(len(self.group.known)), side="right").tolist()
        hit_ends = np.searchsorted(rank[owner][hits], ends, side="left").tolist()
        first = first_hit = 0
        for end, hit_end in zip(ends, hit_ends, strict=True):
            lines, selected = order[first:end], hits[first_hit:hit_end]
            yield (
                lines,
                RecordingHits(
                    event=rank[owner[selected]] - first,
                    time_s=time_s[owner[selected]],
                    label=label[selected],
                    name=name[selected],
                    variant=variant[selected],
                    velocity=velocity[selected],
                    openness=openness[selected],
                    length_s=length_s[selected],
                    event_time_s=time_s[lines],
                    tempo_bpm=tempo_bpm[lines],
                    metre=metre[lines],
                ),
            )
            first, first_hit = end, hit_end


def _number(part: Tree, name: str) -> float:
    return part.number(name) if part.has(name) else float("nan")
