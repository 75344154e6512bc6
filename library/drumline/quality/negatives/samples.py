"""False alarms among samples: BeatSight's predictions (JSON lines) against its events, joined by ``sample_id``.

A prediction's labels are ``predicted_labels`` (or ``labels``, ``predicted_label``), each with its score or with the
line's ``confidence``; where there are scores alone, every label of them is a prediction. A sample that no event names
is a *candidate*: for a person to hear, not a proven false alarm.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from drumline.charts.documents import Tree
from drumline.quality.lines import input_of
from drumline.quality.negatives.findings import Candidate
from drumline.quality.report import Input
from drumline.quality.samples import labels_of, predicted_labels_of, sample_id, scores_of, stream_lines


@dataclass(frozen=True)
class Judged:
    """One sample."""

    name: str
    labels: tuple[str, ...]
    """All that was predicted."""
    alarms: tuple[Candidate, ...]


def read_truth(path: str) -> tuple[dict[str, frozenset[str]], Input]:
    """What sounds in each sample; negative examples hold nothing. Raises DrumlineError where it cannot be used."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    lines = 0
    for line in stream_lines(path):
        lines += 1
        found[sample_id(line)] |= set() if line.flag("negative_example") else set(labels_of(line))
    return {name: frozenset(labels) for name, labels in found.items()}, input_of("events", path, lines)


def judged(path: str, truth: dict[str, frozenset[str]]) -> Iterator[Judged]:
    """Every prediction of a file. Raises DrumlineError where it cannot be used."""
    for line in stream_lines(path):
        name = sample_id(line)
        scores = scores_of(line)
        labels = predicted_labels_of(line)
        known = truth.get(name)
        alarms = [
            _candidate(line, name, label, scores.get(label, line.number("confidence", 1.0)), known)
            for label in labels
            if known is None or label not in known
        ]
        yield Judged(name, labels, tuple(alarms))


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
