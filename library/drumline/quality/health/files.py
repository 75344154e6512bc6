"""Read the small files beside an event manifest: label sets, required names, technique taxonomies, durations.

Label sets have three forms: ``components`` as strings (BeatSight's development builds) or as objects with an ``id``,
``label`` or ``name``, and ``classes`` of objects with an ``id`` (BeatSight's health check).
"""

from collections.abc import Mapping
from typing import Any

from drumline.charts.documents import Tree, as_tree, read_json
from drumline.charts.text import decode, split_lines
from drumline.core.artifacts import STORAGE_ERRORS, read_bytes
from drumline.core.errors import DrumlineError
from drumline.quality.samples import normalise_label


def read_label_set(path: str) -> frozenset[str]:
    """Read the labels of a components.json in any of its forms. Raises DrumlineError if it has none."""
    tree = read_json(_bytes(path), path)
    for key in ("components", "classes"):
        if tree.has(key):
            return frozenset(_name(item, f"{tree.location}{key}[{i}].") for i, item in enumerate(tree.items(key)))
    raise tree.fault("components", "must list the labels (as `components` or `classes`)")


def read_required(path: str) -> tuple[str, ...]:
    """Read names, one a line; ``#`` starts a comment."""
    names = (line.split("#", 1)[0] for line in split_lines(decode(_bytes(path))))
    return tuple(normalise_label(name) for name in names if name.strip())


def read_min_counts(path: str) -> Mapping[str, int]:
    """Read a JSON object of required numbers by label."""
    tree = read_json(_bytes(path), path)
    return {normalise_label(name): tree.whole(name) for name in tree.values}


def read_taxonomy(path: str) -> Mapping[str, str]:
    """Read a technique taxonomy: every id and alias with the id that it stands for."""
    known: dict[str, str] = {}
    for technique in read_json(_bytes(path), path).trees("techniques"):
        name = technique.text("id")
        for word in (*technique.texts("aliases"), name):
            known[normalise_label(word)] = normalise_label(name)
    return known


def read_hours(path: str) -> tuple[dict[str, float], dict[str, float]]:
    """Hours by split and by source from a metadata.json, which has seconds; totals of its last run are ignored."""
    tree = read_json(_bytes(path), path)
    return _hours(tree, "split_durations_seconds"), _hours(tree, "duration_seconds_by_source")


def _hours(tree: Tree, key: str) -> dict[str, float]:
    """Values of one object, keeping the case of its keys."""
    seconds = tree.tree(key)
    return {name: round(seconds.number(name) / 3600, 6) for name in (tree.values.get(key) or {})}


def _name(item: Any, location: str) -> str:
    if isinstance(item, str):
        return normalise_label(item)
    tree = as_tree(item, location)
    return normalise_label(
        next((tree.text(key) for key in ("id", "label", "name") if tree.has(key)), "") or tree.text("id")
    )


def _bytes(path: str) -> bytes:
    try:
        return read_bytes(path)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{path}: cannot be read ({error or type(error).__name__})") from error
