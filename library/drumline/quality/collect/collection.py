"""A collection: a folder with ``events.jsonl`` and ``audio/<labels>/<sample id>.wav``.

The lines are events as `check health` and `merge manifests` read them; ``cut_from`` says what a sample was cut out of.
A sample's id is the hash of its labels and its audio, so the same stroke added twice is one sample, and two collections
made of the same material are alike.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from drumline.charts.documents import Tree
from drumline.charts.drum_maps import COMPONENTS
from drumline.core.artifacts import STORAGE_ERRORS, exists, join, write_bytes
from drumline.core.errors import ConfigError, DrumlineError
from drumline.quality.lines import Row, stream
from drumline.quality.samples import labels_of, sample_id, spelt

EVENTS: Final = "events.jsonl"
AUDIO: Final = "audio"


@dataclass(frozen=True)
class Clip:
    """A stroke to be added."""

    data: bytes
    """A whole audio file."""
    ending: str
    """``.wav`` and the like."""
    onset_s: float
    """In the clip."""
    components: tuple[tuple[str, float | None], ...]
    """(label, velocity) of all that sounds."""
    cut_from: Mapping[str, Any]
    """What it was made of: ``audio``, ``onset_time``, ``sha256``."""
    session_id: str
    source_set: str
    """Who or what collected it."""


@dataclass
class Collection:
    """What is in a folder, and what is to be added."""

    uri: str
    rows: dict[str, Row] = field(default_factory=dict)
    """By sample id, in the order in which they came."""
    added: Counter[str] = field(default_factory=Counter)
    """New samples by label."""
    present: int = 0
    """Clips that were here already."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Labels that are not known, of clips that were turned away."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Clips that could not be added, by reason."""
    _pending: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, clip: Clip, *, dry_run: bool) -> None:
        """Add a stroke, unless it is here. Raises ConfigError where the folder cannot be written."""
        names = [spelt(label) for label, _ in clip.components]
        if unknown := [name for name in names if name not in COMPONENTS]:
            self.unknown.update(unknown)
            return
        kind = "+".join(sorted(set(names)))
        identity = hashlib.sha256(kind.encode() + b"\0" + clip.data).hexdigest()[:24]
        if identity in self.rows:
            self.present += 1
            return
        path = f"{AUDIO}/{kind}/{identity}{clip.ending}"
        self.rows[identity] = {
            "sample_id": identity,
            "session_id": clip.session_id,
            "source_set": clip.source_set,
            "is_synthetic": False,
            "audio_path": path,
            "onset_time": round(clip.onset_s, 6),
            "components": [
                {"label": name} | ({} if velocity is None else {"velocity": velocity})
                for name, (_, velocity) in zip(names, clip.components, strict=True)
            ],
            "cut_from": dict(clip.cut_from),
        }
        self.added.update(set(names))
        if not dry_run:
            self._write(path, clip.data)

    def save(self) -> None:
        """Write the list, last of all: what it names is there."""
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows.values())
        self._write(EVENTS, lines.encode())

    def _write(self, path: str, data: bytes) -> None:
        try:
            write_bytes(join(self.uri, path), data)
        except STORAGE_ERRORS as error:
            raise ConfigError(f"collection: {self.uri}: cannot be written ({error or type(error).__name__})") from error


def is_collection(uri: str) -> bool:
    """Whether a folder holds a collection of ours."""
    return exists(join(uri, EVENTS))


def open_collection(uri: str, *, must_exist: bool) -> Collection:
    """A collection, empty where there is none yet. Raises DrumlineError where one must be and is not."""
    collection = Collection(uri)
    if is_collection(uri):
        for line in stream(join(uri, EVENTS)):
            collection.rows[sample_id(line.tree)] = line.row
    elif must_exist:
        raise DrumlineError(f"{uri}: no {EVENTS}: not a collection")
    return collection


def counts_of(rows: Sequence[Tree]) -> dict[str, int]:
    """Samples by label; one with several labels counts under each."""
    return dict(sorted(Counter(label for row in rows for label in labels_of(row)).items()))
