"""Openness curves: what a hi-hat controller of an electronic kit sends (0 to 127), as openness (0 closed to 1 open).

A curve is a set of points with straight lines between them, then an offset, then clipped to 0 and 1. Beyond its last
point it stays where it is. Format: BeatSight's openness_curves.json (docs/formats.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from drumline.charts.documents import Tree, read_json
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes
from drumline.core.errors import DrumlineError

MOST_RAW: Final = 127
LEVELS: Final = ("none", "some", "full")
_CLOSED, _OPEN = 0.15, 0.85


@dataclass(frozen=True)
class Curve:
    """One device's."""

    curve_id: str
    raw: tuple[float, ...]
    """Rising."""
    openness: tuple[float, ...]
    offset: float
    """Added to what lies between the points."""

    def __call__(self, raw: float) -> float:
        """The openness that a raw value means."""
        return float(np.clip(np.interp(raw, self.raw, self.openness) + self.offset, 0.0, 1.0))


@dataclass(frozen=True)
class Curves:
    """All of a file."""

    by_device: Mapping[tuple[str, str], Curve]
    """By vendor and model in lower case."""
    by_id: Mapping[str, Curve]
    """By id in lower case."""

    def find(self, *, curve_id: str, vendor: str, model: str) -> Curve | None:
        """The curve that a component names, or its device's."""
        if curve_id:
            return self.by_id.get(curve_id.casefold())
        return self.by_device.get((vendor.strip().casefold(), model.strip().casefold()))


def read_curves(path: str, offsets: Mapping[str, float]) -> Curves:
    """The curves of a file; ``offsets`` overrule its own, by id. Raises DrumlineError where one is no curve."""
    try:
        data = read_bytes(path)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"curves: {path}: cannot be read ({error or type(error).__name__})") from error
    vendors = read_json(data, path).tree("vendors")
    by_device = {
        (vendor, model): _curve(models.tree(model), f"{vendor}_{model}", offsets)
        for vendor in vendors.values
        for models in (vendors.tree(vendor),)
        for model in models.values
    }
    by_id = {curve.curve_id.casefold(): curve for curve in by_device.values()}
    if unknown := sorted(offsets.keys() - {curve.curve_id for curve in by_device.values()}):
        raise DrumlineError(f"offsets: {path} has no curve {unknown[0]!r}, only {', '.join(sorted(by_id))}")
    return Curves(by_device, by_id)


def level_of(openness: float) -> str:
    """One of `LEVELS`."""
    return LEVELS[0] if openness <= _CLOSED else LEVELS[2] if openness >= _OPEN else LEVELS[1]


def _curve(tree: Tree, name: str, offsets: Mapping[str, float]) -> Curve:
    points = [(point.number("raw"), point.number("normalized")) for point in tree.trees("breakpoints")]
    raw, openness = ([p[side] for p in points] for side in (0, 1))
    if len(points) < 2 or sorted(set(raw)) != raw or not 0 <= raw[0] <= raw[-1] <= MOST_RAW:
        raise tree.fault("breakpoints", f"must be two points or more whose raw values rise within 0..{MOST_RAW}")
    if not all(0 <= value <= 1 for value in openness):
        raise tree.fault("breakpoints", "normalized values must lie within 0..1")
    curve_id = tree.text("curve_id", name)
    offset = offsets.get(curve_id, tree.number("offset", 0.0))
    return Curve(curve_id, tuple(raw), tuple(openness), offset)
