"""JSON lines of samples, true and predicted, in every spelling that BeatSight's tools and examples use.

A *sample* is a short piece of audio with what sounds in it. The true ones say ``labels`` (or ``components`` with a
``label`` each, or one ``label``); predictions give ``scores`` (or ``probabilities``, ``predicted_scores``) by label, or
``labels`` (``predicted_labels``, ``predicted_label``) without. Labels stay what the files call them, in lower case with
underscores, because a file's own label set is what its gates are about.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from drumline.charts.documents import Tree, as_tree, read_json_line, read_json_lines
from drumline.charts.text import decode
from drumline.core.artifacts import STORAGE_ERRORS, filesystem, read_bytes, sha256
from drumline.core.errors import DrumlineError
from drumline.quality.report import Input

GROUP_KEYS: Final = ("song_id", "session_id", "audio_path", "sample_id")
"""What samples belong together by, in order of preference: the first that every line tells."""
_SCORES: Final = ("scores", "probabilities", "predicted_scores")
_LABELS: Final = ("labels", "components")
_PREDICTED: Final = ("predicted_labels", "labels")


@dataclass(frozen=True)
class Lines:
    """The lines of one file."""

    source: Input
    trees: tuple[Tree, ...]


@dataclass(frozen=True)
class Pairs:
    """True samples, each with its prediction."""

    pairs: tuple[tuple[Tree, Tree | None], ...]
    """In the order of the truth; None where there is no prediction."""
    notes: tuple[str, ...]
    """What has no partner."""


def read_lines(path: str, role: str) -> Lines:
    """All lines of a file. Raises DrumlineError where it cannot be read or holds none, ChartError at a damaged line."""
    try:
        data = read_bytes(path)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{role}: {path}: cannot be read ({error or type(error).__name__})") from error
    trees = tuple(read_json_lines(data, path))
    if not trees:
        raise DrumlineError(f"{role}: {path}: holds no line")
    return Lines(Input(role=role, path=path, records=len(trees), sha256=sha256(data)), trees)


def stream_lines(path: str) -> Iterator[Tree]:
    """The lines of a file one by one, however long it is. Raises as `read_lines` does."""
    for number, line in stream_text(path):
        yield read_json_line(line, f"{path}:{number}")


def stream_text(path: str) -> Iterator[tuple[int, str]]:
    """The lines that hold anything with their numbers, as text. Raises DrumlineError where there are none to read."""
    fs, inner = filesystem(path)
    try:
        with fs.open(inner, "rb") as file:
            yield from ((number, decode(line)) for number, line in enumerate(file, start=1) if line.strip())
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{path}: cannot be read ({error or type(error).__name__})") from error


def sample_id(tree: Tree) -> str:
    """The name of a sample. Raises ChartError where it has none."""
    return tree.text("event_id") if not tree.has("sample_id") and tree.has("event_id") else tree.text("sample_id")


def pair(truth: Lines, predictions: Lines) -> Pairs:
    """Each true sample with its prediction, by name.

    A sample without a prediction counts as one in which nothing was heard. Raises DrumlineError where a name stands
    twice in one file, or no name stands in both.
    """
    told, known = _by_name(predictions), _by_name(truth)
    both = told.keys() & known.keys()
    if not both:
        raise DrumlineError(
            f"{predictions.source.path}: none of its {len(told)} samples is in {truth.source.path} "
            f"({next(iter(told))!r} against {next(iter(known))!r}: other files' names?)"
        )
    notes = []
    if missing := len(known) - len(both):
        example = next(name for name in known if name not in told)
        notes.append(
            f"{missing} of {len(known)} samples have no line in {predictions.source.role}, so nothing was heard "
            f"there ({example})"
        )
    if extra := len(told) - len(both):
        example = next(name for name in told if name not in known)
        notes.append(f"{extra} samples of {predictions.source.role} are not in the truth and left out ({example})")
    return Pairs(tuple((tree, told.get(name)) for name, tree in known.items()), tuple(notes))


def group_key(trees: Iterable[Tree]) -> str:
    """The first of `GROUP_KEYS` that every sample tells."""
    rows = tuple(trees)
    return next((key for key in GROUP_KEYS if all(row.has(key) for row in rows)), "sample_id")


def group_of(tree: Tree, key: str) -> str:
    """What a sample belongs to, by such a key."""
    return sample_id(tree) if key == "sample_id" else tree.text(key)


def labels_of(tree: Tree) -> tuple[str, ...]:
    """The true labels of a sample, each once, in the file's order. Raises ChartError where it tells none at all."""
    for name in _LABELS:
        if tree.has(name):
            return tuple(dict.fromkeys(spelt(label) for label in _names(tree, name)))
    return (spelt(tree.text("label")),)


def scores_of(tree: Tree) -> Mapping[str, float]:
    """The predicted score of each label; of labels told without scores the ``confidence``, or 1.

    Raises ChartError where there is none of them.
    """
    for name in _SCORES:
        if tree.has(name):
            part = tree.tree(name)
            return {spelt(label): part.number(label) for label in part.values}
    sure = tree.number("confidence", 1.0)
    for name in _PREDICTED:
        if tree.has(name):
            return dict.fromkeys((spelt(label) for label in _names(tree, name)), sure)
    return {spelt(tree.text("label" if tree.has("label") else "predicted_label")): sure}


def predicted_labels_of(tree: Tree) -> tuple[str, ...]:
    """The labels that are predicted, each once: told as such, else all that have a score."""
    for name in _PREDICTED:
        if tree.has(name):
            return tuple(dict.fromkeys(spelt(label) for label in _names(tree, name)))
    if tree.has("predicted_label"):
        return (spelt(tree.text("predicted_label")),)
    return tuple(scores_of(tree))


def spelt(label: str) -> str:
    """A label in lower case with underscores."""
    return label.strip().casefold().replace("-", "_").replace(" ", "_")


def _names(tree: Tree, name: str) -> Iterator[str]:
    """The items of an array of words, or of objects with a ``label``."""
    for index, item in enumerate(tree.items(name)):
        yield item if isinstance(item, str) else as_tree(item, f"{tree.place}{name}[{index}].").text("label")


def _by_name(lines: Lines) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    for tree in lines.trees:
        name = sample_id(tree)
        if name in found:
            raise DrumlineError(f"{tree.place.rstrip(': ')}: sample {name!r} stands twice")
        found[name] = tree
    return found
