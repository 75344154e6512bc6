"""The strokes of every recording of an events file: gathered as flat arrays, so that a million events take 100 MB."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drumline.charts.documents import Tree
from drumline.charts.drum_maps import component_label
from drumline.quality.samples import spelt
from drumline.quality.techniques.strokes import Strokes


@dataclass
class _Words:
    """Different words, each with a number."""

    known: dict[str, int] = field(default_factory=dict)
    numbers: "array[int]" = field(default_factory=lambda: array("i"))

    def add(self, word: str) -> None:
        self.numbers.append(self.known.setdefault(word, len(self.known)))

    def array(self) -> NDArray[np.str_]:
        """[N] the words themselves."""
        return np.array([*self.known, ""])[np.frombuffer(self.numbers, dtype=np.int32)]


@dataclass
class Gathering:
    """What lines have told so far."""

    group: _Words = field(default_factory=_Words)
    metre: _Words = field(default_factory=_Words)
    time_s: "array[float]" = field(default_factory=lambda: array("d"))
    tempo_bpm: "array[float]" = field(default_factory=lambda: array("f"))
    event: "array[int]" = field(default_factory=lambda: array("q"))
    name: _Words = field(default_factory=_Words)
    variant: _Words = field(default_factory=_Words)
    velocity: "array[float]" = field(default_factory=lambda: array("f"))
    openness: "array[float]" = field(default_factory=lambda: array("f"))
    length_s: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, line: Tree, group: str) -> None:
        """A line. Negative examples count as events without strokes. Raises ChartError where it is damaged."""
        self.group.add(group)
        self.metre.add(line.text("meter", "").replace(" ", ""))
        onset_s = line.seconds("onset_time")
        self.tempo_bpm.append(line.number("tempo_bpm", 0.0))
        if not line.flag("negative_example"):
            length_s = line.seconds("offset_time") - onset_s if line.has("offset_time") else float("nan")
            for part in line.trees("components") or [line]:
                self.event.append(len(self.time_s))
                self.name.add(spelt(part.text("label")))
                self.variant.add(spelt(part.text("instrument_variant", "")))
                self.velocity.append(_number(part, "velocity"))
                self.openness.append(_number(part, "openness"))
                self.length_s.append(length_s)
        self.time_s.append(onset_s)

    def recordings(self) -> Iterator[tuple[NDArray[np.int64], Strokes]]:
        """Each recording: the numbers of its lines in order of time, and its strokes."""
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
        place = np.empty_like(order)
        place[order] = np.arange(len(order))  # of each line among all, recording by recording
        strokes = np.argsort(place[owner], kind="stable")
        ends = np.searchsorted(group[order], np.arange(len(self.group.known)), side="right").tolist()
        stroke_ends = np.searchsorted(place[owner][strokes], ends, side="left").tolist()
        first = first_stroke = 0
        for end, stroke_end in zip(ends, stroke_ends, strict=True):
            lines, own = order[first:end], strokes[first_stroke:stroke_end]
            yield (
                lines,
                Strokes(
                    event=place[owner[own]] - first,
                    time_s=time_s[owner[own]],
                    label=label[own],
                    name=name[own],
                    variant=variant[own],
                    velocity=velocity[own],
                    openness=openness[own],
                    length_s=length_s[own],
                    event_time_s=time_s[lines],
                    tempo_bpm=tempo_bpm[lines],
                    metre=metre[lines],
                ),
            )
            first, first_stroke = end, stroke_end


def _number(part: Tree, name: str) -> float:
    return part.number(name) if part.has(name) else float("nan")
