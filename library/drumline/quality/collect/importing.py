"""`collect import`: add the samples of other folders, each in one of four formats.

- a collection (``events.jsonl``);
- a collection of BeatSight (``metadata.json`` with ``samples`` of ``component``, ``path``, ``window_ms`` ...);
- a dataset for training of BeatSight, or of `collect export` (``train_labels.json``, ``val_labels.json``);
- folders named by label that contain audio files: ``kick/01.wav``. The onset is at the start of the file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from drumline.audio.layout import EXTENSIONS
from drumline.charts.documents import Tree, read_json
from drumline.charts.drum_maps import COMPONENTS
from drumline.core.artifacts import STORAGE_ERRORS, exists, filesystem, join, names, read_bytes, sha256
from drumline.core.errors import DrumlineError
from drumline.quality.collect.collection import EVENTS, Collection, OneShot, is_collection, open_collection
from drumline.quality.collect.cutting import read_recording
from drumline.quality.collect.outcome import AddSamplesConfig, finish
from drumline.quality.lines import file_sha256, iter_json_lines
from drumline.quality.outcome import CheckResult
from drumline.quality.report import Input
from drumline.quality.samples import labels_of, normalise_label

_METADATA: Final = "metadata.json"
_LABELS: Final = {"train": "train_labels.json", "val": "val_labels.json"}
"""Tables of a dataset for training, by the folder that may hold its files."""
_BEFORE: Final = 0.25
"""Share of the window that BeatSight's collector keeps before the onset."""


class ImportConfig(AddSamplesConfig):
    """Folders whose samples are imported."""

    folders: tuple[str, ...] = Field(min_length=1)
    """Folders to import: each a collection, a collection or dataset of BeatSight, or a folder of folders named by
    label."""
    aliases: dict[str, str] = Field(default={})
    """Folder name or label -> the component label to use for it."""


@dataclass(frozen=True)
class _SourceSample:
    """A sample of another folder: its file, onset and labels."""

    path: str
    onset_s: float
    components: tuple[tuple[str, float | None], ...]
    session_id: str
    source_set: str
    cut_from: dict[str, Any]


def run(config: ImportConfig) -> CheckResult:
    """Import samples. Raises DrumlineError if a folder has none of the formats."""
    collection = open_collection(config.collection, must_exist=False)
    aliases = {normalise_label(name): normalise_label(label) for name, label in config.aliases.items()}
    inputs, notes = [], []
    for folder in config.folders:
        number, before = 0, len(collection.rows)
        for found in _samples(folder, aliases, config.source_set, collection):
            number += 1
            _add(collection, found, folder, dry_run=config.dry_run)
        if not number:
            raise DrumlineError(
                f"folders: {folder}: no {EVENTS}, no {_METADATA}, no train_labels.json, no folder named by a label"
            )
        index = next((name for name in (EVENTS, *_LABELS.values(), _METADATA) if exists(join(folder, name))), "")
        digest = file_sha256(join(folder, index)) if index else ""
        inputs.append(Input(role="folder", path=folder, records=number, sha256=digest))
        if len(collection.rows) == before:
            notes.append(f"{folder}: no new samples")
    return finish("collect-import", collection, config, inputs=inputs, notes=tuple(notes))


def _add(collection: Collection, found: _SourceSample, folder: str, *, dry_run: bool) -> None:
    uri = join(folder, found.path)
    try:
        recording = read_recording(uri)
    except DrumlineError:
        collection.rejected["no audio"] += 1
        return
    if not recording.samples.any():
        collection.rejected["nothing sounds there"] += 1
        return
    data = read_bytes(uri)
    collection.add(
        OneShot(
            data=data,
            ending=f".{found.path.rsplit('.', 1)[-1].lower()}",
            onset_s=found.onset_s,
            components=found.components,
            cut_from=found.cut_from or {"audio": uri, "onset_time": found.onset_s, "sha256": sha256(data)},
            session_id=found.session_id or folder,
            source_set=found.source_set,
        ),
        dry_run=dry_run,
    )


def _samples(
    folder: str, aliases: Mapping[str, str], source_set: str, collection: Collection
) -> Iterator[_SourceSample]:
    if is_collection(folder):
        for line in iter_json_lines(join(folder, EVENTS)):
            yield _from_collection(line.tree, aliases, source_set)
    elif tables := [(split, name) for split, name in _LABELS.items() if exists(join(folder, name))]:
        for split, name in tables:
            yield from _from_dataset(folder, split, name, aliases, source_set)
    elif exists(join(folder, _METADATA)):
        for sample in read_json(read_bytes(join(folder, _METADATA)), join(folder, _METADATA)).trees("samples"):
            yield _from_beatsight(sample, aliases, source_set)
    else:
        yield from _from_folders(folder, aliases, source_set, collection)


def _from_collection(line: Tree, aliases: Mapping[str, str], source_set: str) -> _SourceSample:
    parts = line.trees("components")
    labelled = [(normalise_label(p.text("label")), p.number("velocity") if p.has("velocity") else None) for p in parts]
    components = labelled or [(name, None) for name in labels_of(line)]
    return _SourceSample(
        path=line.text("audio_path"),
        onset_s=line.seconds("onset_time"),
        components=tuple((aliases.get(name, name), velocity) for name, velocity in components),
        session_id=line.text("session_id", ""),
        source_set=line.text("source_set", "") or source_set,
        cut_from=dict(line.tree("cut_from").values),
    )


def _from_beatsight(sample: Tree, aliases: Mapping[str, str], source_set: str) -> _SourceSample:
    label, onset_s = normalise_label(sample.text("component")), sample.seconds("onset_time")
    window_s = sample.number("window_ms", 100.0) / 1000
    return _SourceSample(
        path=sample.text("path").replace("\\", "/"),
        onset_s=min(onset_s, _BEFORE * window_s),  # an onset near the start of the recording has less before it
        components=((aliases.get(label, label), None),),
        session_id=sample.text("source_audio", ""),
        source_set=source_set,
        cut_from={"audio": sample.text("source_audio", ""), "onset_time": onset_s},
    )


def _from_dataset(
    folder: str, split: str, table: str, aliases: Mapping[str, str], source_set: str
) -> Iterator[_SourceSample]:
    """Samples of one table; a file of several rows has several labels. Files lie beside it or in the split's folder."""
    labels: dict[str, list[str]] = {}
    sessions: dict[str, str] = {}
    for row in read_json(b'{"rows": ' + read_bytes(join(folder, table)) + b"}", join(folder, table)).trees("rows"):
        file, label = row.text("file").replace("\\", "/"), normalise_label(row.text("label"))
        labels.setdefault(file, []).append(aliases.get(label, label))
        sessions[file] = row.text("session_id", "")
    for file, found in labels.items():
        path = file if exists(join(folder, file)) else f"{split}/{file}"
        yield _SourceSample(
            path=path, onset_s=0.0, components=tuple((label, None) for label in found),
            session_id=sessions[file] or f"{folder}/{split}", source_set=source_set, cut_from={},
        )  # fmt: skip


def _from_folders(
    folder: str, aliases: Mapping[str, str], source_set: str, collection: Collection
) -> Iterator[_SourceSample]:
    for name in sorted(_folders(folder)):
        label = aliases.get(normalise_label(name), normalise_label(name))
        files = sorted(file for file in names(join(folder, name)) if file.lower().endswith(EXTENSIONS))
        if label not in COMPONENTS and files:
            collection.unknown[label] += len(files)
            continue
        for file in files:
            yield _SourceSample(
                path=f"{name}/{file}", onset_s=0.0, components=((label, None),), session_id="", source_set=source_set,
                cut_from={},
            )  # fmt: skip


def _folders(uri: str) -> list[str]:
    fs, path = filesystem(uri)
    try:
        entries = fs.ls(path, detail=True)
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"folders: {uri}: cannot be listed ({error or type(error).__name__})") from error
    return [str(entry["name"]).rstrip("/").rsplit("/", 1)[-1] for entry in entries if entry["type"] == "directory"]
