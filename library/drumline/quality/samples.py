"""JSON lines files of labelled samples and of predictions for them, in the field spellings of BeatSight's tools.

A *sample* is a short audio clip and the labels of what sounds in it. Ground truth has ``labels`` (or ``components``
with a ``label`` each, or one ``label``). Predictions have ``scores`` (or ``probabilities``, ``predicted_scores``) by
label, or ``labels`` (``predicted_labels``, ``predicted_label``) without scores. Labels keep the names of the files, in
lower case with underscores, because gates refer to a file's own label set.
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
"""Fields that may group samples, in order of preference: the first that every line has is used."""
_SCORES: Final = ("scores", "probabilities", "predicted_scores")
_LABELS: Final = ("labels", "components")
_PREDICTED: Final = ("predicted_labels", "labels")


@dataclass(frozen=True)
class SampleFile:
    """All lines of one sample file."""

    source: Input
    trees: tuple[Tree, ...]


@dataclass(frozen=True)
class SamplePairs:
    """Ground-truth samples, each with its prediction."""

    pairs: tuple[tuple[Tree, Tree | None], ...]
    """(ground truth, prediction) in the order of the ground truth; None where there is no prediction."""
    notes: tuple[str, ...]
    """Samples without a partner, described for the report."""


def read_sample_file(path: str, role: str) -> SampleFile:
    """Read all lines of a sample file.

    Raises DrumlineError if it cannot be read or has no lines, ChartError at an invalid line.
    """
    try:
        data = read_bytes(path)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{role}: {path}: cannot be read ({error or type(error).__name__})") from error
    trees = tuple(read_json_lines(data, path))
    if not trees:
        raise DrumlineError(f"{role}: {path}: file has no lines")
    return SampleFile(Input(role=role, path=path, records=len(trees), sha256=sha256(data)), trees)


def iter_samples(path: str) -> Iterator[Tree]:
    """Iterate over the lines of a sample file without loading it whole. Raises as `read_lines` does."""
    for number, line in iter_text_lines(path):
        yield read_json_line(line, f"{path}:{number}")


def iter_text_lines(path: str) -> Iterator[tuple[int, str]]:
    """Iterate over the non-empty lines of a text file as (number, text). Raises DrumlineError if it cannot be read."""
    fs, inner = filesystem(path)
    try:
        with fs.open(inner, "rb") as file:
            yield from ((number, decode(line)) for number, line in enumerate(file, start=1) if line.strip())
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{path}: cannot be read ({error or type(error).__name__})") from error


def sample_id(tree: Tree) -> str:
    """Name of a sample (``sample_id``, else ``event_id``). Raises ChartError if it has none."""
    return tree.text("event_id") if not tree.has("sample_id") and tree.has("event_id") else tree.text("sample_id")


def pair_samples(truth: SampleFile, predictions: SampleFile) -> SamplePairs:
    """Match ground-truth samples with predictions by sample id.

    A sample without a prediction counts as one with no predicted label. Raises DrumlineError if a sample id occurs
    twice in one file, or no sample id occurs in both.
    """
    predicted, known = _by_name(predictions), _by_name(truth)
    both = predicted.keys() & known.keys()
    if not both:
        raise DrumlineError(
            f"{predictions.source.path}: none of its {len(predicted)} samples is in {truth.source.path} "
            f"({next(iter(predicted))!r} against {next(iter(known))!r}: are these files from different data sets?)"
        )
    notes = []
    if missing := len(known) - len(both):
        example = next(name for name in known if name not in predicted)
        notes.append(
            f"{missing} of {len(known)} samples have no line in {predictions.source.role} and count as silent "
            f"(first: {example})"
        )
    if extra := len(predicted) - len(both):
        example = next(name for name in predicted if name not in known)
        notes.append(f"{extra} samples of {predictions.source.role} are not in the truth (ignored; first: {example})")
    return SamplePairs(tuple((tree, predicted.get(name)) for name, tree in known.items()), tuple(notes))


def group_key(trees: Iterable[Tree]) -> str:
    """First of `GROUP_KEYS` that every sample has."""
    rows = tuple(trees)
    return next((key for key in GROUP_KEYS if all(row.has(key) for row in rows)), "sample_id")


def group_of(tree: Tree, key: str) -> str:
    """Group of a sample: its value of a `GROUP_KEYS` field."""
    return sample_id(tree) if key == "sample_id" else tree.text(key)


def labels_of(tree: Tree) -> tuple[str, ...]:
    """Distinct ground-truth labels of a sample in the file's order. Raises ChartError if it has none."""
    for name in _LABELS:
        if tree.has(name):
            return tuple(dict.fromkeys(normalise_label(label) for label in _names(tree, name)))
    return (normalise_label(tree.text("label")),)


def scores_of(tree: Tree) -> Mapping[str, float]:
    """Predicted score by label; labels without scores get the line's ``confidence``, or 1.

    Raises ChartError if the line has no prediction.
    """
    for name in _SCORES:
        if tree.has(name):
            part = tree.tree(name)
            return {normalise_label(label): part.number(label) for label in part.values}
    confidence = tree.number("confidence", 1.0)
    for name in _PREDICTED:
        if tree.has(name):
            return dict.fromkeys((normalise_label(label) for label in _names(tree, name)), confidence)
    return {normalise_label(tree.text("label" if tree.has("label") else "predicted_label")): confidence}


def predicted_labels_of(tree: Tree) -> tuple[str, ...]:
    """Distinct predicted labels of a sample: as listed, else all labels that have a score."""
    for name in _PREDICTED:
        if tree.has(name):
            return tuple(dict.fromkeys(normalise_label(label) for label in _names(tree, name)))
    if tree.has("predicted_label"):
        return (normalise_label(tree.text("predicted_label")),)
    return tuple(scores_of(tree))


def normalise_label(label: str) -> str:
    """A label in lower case with underscores."""
    return label.strip().casefold().replace("-", "_").replace(" ", "_")


def _names(tree: Tree, name: str) -> Iterator[str]:
    """Labels in an array of strings, or of objects with a ``label``."""
    for index, item in enumerate(tree.items(name)):
        yield item if isinstance(item, str) else as_tree(item, f"{tree.location}{name}[{index}].").text("label")


def _by_name(lines: SampleFile) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    for tree in lines.trees:
        name = sample_id(tree)
        if name in found:
            raise DrumlineError(f"{tree.location.rstrip(': ')}: sample id {name!r} occurs twice")
        found[name] = tree
    return found
