"""A collection of one-shot samples: a folder with ``events.jsonl`` and ``audio/<labels>/<sample id>.wav``.

Its lines are events that `check health` and `merge manifests` read; ``cut_from`` names the source of a sample. A
sample's id is a hash of its labels and audio: adding the same hit twice gives one sample, and collections of the same
material are equal.
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
from drumline.quality.lines import Row, iter_json_lines
from drumline.quality.samples import labels_of, normalise_label, sample_id

EVENTS: Final = "events.jsonl"
AUDIO: Final = "audio"


@dataclass(frozen=True)
class OneShot:
    """An audio clip of one onset, to be added to a collection."""

    data: bytes
    """Contents of the audio file."""
    ending: str
    """File name extension with its dot."""
    onset_s: float
    """Onset time in the clip [s]."""
    components: tuple[tuple[str, float | None], ...]
    """(label, velocity) of everything that sounds; velocity 0 to 1 or None."""
    cut_from: Mapping[str, Any]
    """Source of the clip: ``audio``, ``onset_time``, ``sha256``."""
    session_id: str
    source_set: str
    """Person or program that collected it."""


@dataclass
class Collection:
    """Samples of a collection folder, and counts of what was added in this run."""

    uri: str
    rows: dict[str, Row] = field(default_factory=dict)
    """Events by sample id, in the order in which they were added."""
    added: Counter[str] = field(default_factory=Counter)
    """Number of new samples by label."""
    present: int = 0
    """Number of clips that the collection already had."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Unknown labels of refused clips, with their counts."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Number of refused clips by reason."""
    _pending: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, clip: OneShot, *, dry_run: bool) -> None:
        """Add a clip unless the collection has it. Raises ConfigError if the folder cannot be written."""
        names = [normalise_label(label) for label, _ in clip.components]
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
        """Write ``events.jsonl``; call after all audio files are written."""
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows.values())
        self._write(EVENTS, lines.encode())

    def _write(self, path: str, data: bytes) -> None:
        try:
            write_bytes(join(self.uri, path), data)
        except STORAGE_ERRORS as error:
            raise ConfigError(f"collection: {self.uri}: cannot be written ({error or type(error).__name__})") from error


def is_collection(uri: str) -> bool:
    """Whether a folder is a collection (has ``events.jsonl``)."""
    return exists(join(uri, EVENTS))


def open_collection(uri: str, *, must_exist: bool) -> Collection:
    """Open a collection; an absent one is empty. Raises DrumlineError if it is absent and ``must_exist`` is set."""
    collection = Collection(uri)
    if is_collection(uri):
        for line in iter_json_lines(join(uri, EVENTS)):
            collection.rows[sample_id(line.tree)] = line.row
    elif must_exist:
        raise DrumlineError(f"{uri}: no {EVENTS}: not a collection")
    return collection


def counts_of(rows: Sequence[Tree]) -> dict[str, int]:
    """Number of samples by label; a sample with several labels counts for each."""
    return dict(sorted(Counter(label for row in rows for label in labels_of(row)).items()))
