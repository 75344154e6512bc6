"""False positives among samples: BeatSight's predictions (JSON lines) against its events, joined by ``sample_id``.

A prediction's labels are ``predicted_labels`` (or ``labels``, ``predicted_label``), each with its score or with the
line's ``confidence``; a line with scores alone predicts every label that it scores. A false positive in a sample that
no event names is a *candidate*: a person should listen to it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from drumline.charts.documents import Tree
from drumline.quality.lines import describe_file
from drumline.quality.negatives.findings import Candidate
from drumline.quality.report import Input
from drumline.quality.samples import iter_samples, labels_of, predicted_labels_of, sample_id, scores_of


@dataclass(frozen=True)
class EvaluatedSample:
    """Predicted labels of one sample, and those that are false positives."""

    name: str
    labels: tuple[str, ...]
    """Predicted labels."""
    false_positives: tuple[Candidate, ...]


def read_truth(path: str) -> tuple[dict[str, frozenset[str]], Input]:
    """True labels by sample id; negative examples have none. Raises DrumlineError if the file cannot be used."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    lines = 0
    for line in iter_samples(path):
        lines += 1
        found[sample_id(line)] |= set() if line.flag("negative_example") else set(labels_of(line))
    return {name: frozenset(labels) for name, labels in found.items()}, describe_file("events", path, lines)


def evaluated_samples(path: str, truth: dict[str, frozenset[str]]) -> Iterator[EvaluatedSample]:
    """Evaluate every prediction of a file. Raises DrumlineError if it cannot be used."""
    for line in iter_samples(path):
        name = sample_id(line)
        scores = scores_of(line)
        labels = predicted_labels_of(line)
        known = truth.get(name)
        false_positives = [
            _candidate(line, name, label, scores.get(label, line.number("confidence", 1.0)), known)
            for label in labels
            if known is None or label not in known
        ]
        yield EvaluatedSample(name, labels, tuple(false_positives))


def _candidate(line: Tree, name: str, label: str, confidence: float, known: frozenset[str] | None) -> Candidate:
    return Candidate(
        confidence=confidence,
        label=label,
        recording=name,
        onset_s=line.seconds("onset_time") if line.has("onset_time") else None,
        instead_of="+".join(sorted(known or ())),
        song_id=line.text("song_id", ""),
        session_id=line.text("session_id", ""),
        audio_path=line.text("audio_path", ""),
        domain="",
        certain=known is not None,
    )
