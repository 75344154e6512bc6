"""The small files beside an events manifest: label sets, what is required, technique taxonomies, durations.

Label sets come in three shapes: ``components`` as words (BeatSight's development builds) or as objects with an ``id``,
``label`` or ``name``, and ``classes`` of objects with an ``id`` (what its health check wanted).
"""

from collections.abc import Mapping
from typing import Any

from drumline.charts.documents import Tree, as_tree, read_json
from drumline.charts.text import decode, split_lines
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes
from drumline.core.errors import DrumlineError
from drumline.quality.samples import spelt


def read_label_set(path: str) -> frozenset[str]:
    """The labels of a components.json, in any of its shapes. Raises DrumlineError where it holds none."""
    tree = read_json(_bytes(path), path)
    for key in ("components", "classes"):
        if tree.has(key):
            return frozenset(_name(item, f"{tree.place}{key}[{i}].") for i, item in enumerate(tree.items(key)))
    raise tree.fault("components", "must hold the labels (or `classes`)")


def read_required(path: str) -> tuple[str, ...]:
    """Names, one a line; ``#`` begins a comment."""
    names = (line.split("#", 1)[0] for line in split_lines(decode(_bytes(path))))
    return tuple(spelt(name) for name in names if name.strip())


def read_min_counts(path: str) -> Mapping[str, int]:
    """A JSON object of label and least number."""
    tree = read_json(_bytes(path), path)
    return {spelt(name): tree.whole(name) for name in tree.values}


def read_taxonomy(path: str) -> Mapping[str, str]:
    """Every id and alias of a technique taxonomy, with the id that it stands for."""
    known: dict[str, str] = {}
    for technique in read_json(_bytes(path), path).trees("techniques"):
        name = technique.text("id")
        for word in (*technique.texts("aliases"), name):
            known[spelt(word)] = spelt(name)
    return known


def read_hours(path: str) -> tuple[dict[str, float], dict[str, float]]:
    """Hours by split and by source, of a metadata.json (seconds there). Those of its last run alone are left out."""
    tree = read_json(_bytes(path), path)
    return _hours(tree, "split_durations_seconds"), _hours(tree, "duration_seconds_by_source")


def _hours(tree: Tree, key: str) -> dict[str, float]:
    """The numbers of one object, whose names keep their case."""
    seconds = tree.tree(key)
    return {name: round(seconds.number(name) / 3600, 6) for name in (tree.values.get(key) or {})}


def _name(item: Any, place: str) -> str:
    if isinstance(item, str):
        return spelt(item)
    tree = as_tree(item, place)
    return spelt(next((tree.text(key) for key in ("id", "label", "name") if tree.has(key)), "") or tree.text("id"))


def _bytes(path: str) -> bytes:
    try:
        return read_bytes(path)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{path}: cannot be read ({error or type(error).__name__})") from error
