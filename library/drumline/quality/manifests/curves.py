"""Openness curves: values of an electronic kit's hi-hat controller (0 to 127) as openness (0 closed to 1 open).

A curve interpolates linearly between points, adds an offset and clips to 0 and 1; beyond its ends it is constant.
Format: BeatSight's openness_curves.json (docs/formats.md).
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
class OpennessCurve:
    """Openness curve of one hi-hat controller."""

    curve_id: str
    raw: tuple[float, ...]
    """Controller values of the points, increasing."""
    openness: tuple[float, ...]
    offset: float
    """Added to the interpolated openness."""

    def __call__(self, raw: float) -> float:
        """Openness, 0 to 1, of a raw controller value."""
        return float(np.clip(np.interp(raw, self.raw, self.openness) + self.offset, 0.0, 1.0))


@dataclass(frozen=True)
class OpennessCurves:
    """All openness curves of a file."""

    by_device: Mapping[tuple[str, str], OpennessCurve]
    """Curve by (vendor, model) in lower case."""
    by_id: Mapping[str, OpennessCurve]
    """Curve by id in lower case."""

    def find(self, *, curve_id: str, vendor: str, model: str) -> OpennessCurve | None:
        """Find the curve with the given id, else the one of the device; None if there is none."""
        if curve_id:
            return self.by_id.get(curve_id.casefold())
        return self.by_device.get((vendor.strip().casefold(), model.strip().casefold()))


def read_curves(path: str, offsets: Mapping[str, float]) -> OpennessCurves:
    """Read the openness curves of a file.

    ``offsets`` (by curve id) override those of the file. Raises DrumlineError if a curve is invalid or an id unknown.
    """
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
    return OpennessCurves(by_device, by_id)


def level_of(openness: float) -> str:
    """Openness level, one of `LEVELS`."""
    return LEVELS[0] if openness <= _CLOSED else LEVELS[2] if openness >= _OPEN else LEVELS[1]


def _curve(tree: Tree, name: str, offsets: Mapping[str, float]) -> OpennessCurve:
    points = [(point.number("raw"), point.number("normalized")) for point in tree.trees("breakpoints")]
    raw, openness = ([p[side] for p in points] for side in (0, 1))
    if len(points) < 2 or sorted(set(raw)) != raw or not 0 <= raw[0] <= raw[-1] <= MOST_RAW:
        raise tree.fault("breakpoints", f"must be two points or more whose raw values rise within 0..{MOST_RAW}")
    if not all(0 <= value <= 1 for value in openness):
        raise tree.fault("breakpoints", "normalized values must be within 0..1")
    curve_id = tree.text("curve_id", name)
    offset = offsets.get(curve_id, tree.number("offset", 0.0))
    return OpennessCurve(curve_id, tuple(raw), tuple(openness), offset)
