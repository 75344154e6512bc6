"""`collect export`: write a collection as training folders in BeatSight's format.

``train/`` and ``val/`` hold the audio, ``train_labels.json`` and ``val_labels.json`` one row for each sample and label
with its file in that folder, ``components.json`` the labels, ``metadata.json`` the durations. All samples of a session,
and of all sessions with a recording in common (by its SHA-256), are in one split, so that a model cannot pass by
recognising the room. The split is a hash of the sessions' first name and the seed: adding sessions moves no other
session, unless they have a recording in common.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from drumline.audio.decode import decode_native
from drumline.charts.documents import Tree, as_tree
from drumline.core.artifacts import STORAGE_ERRORS, join, read_bytes, refuse_foreign_output, write_bytes
from drumline.core.config import Config, canonical_json
from drumline.core.errors import ConfigError
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.quality.collect.collection import EVENTS, open_collection
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.lines import describe_file
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import WriterConfig, make_report
from drumline.quality.samples import labels_of

SPLITS: Final = ("train", "val")
_TABLES: Final = (*(f"{split}_labels.json" for split in SPLITS), "components.json", "metadata.json")
_MADE_BY: Final = "drumline collect export"
"""Marker in ``metadata.json``: only exports with it are overwritten."""


class ExportGates(Config):
    """Limits of `collect export`; null disables a gate."""

    missing_files: Limit | None = Limit(at_most=0)
    """Number of samples whose audio file is missing; they are omitted."""
    train: Limit | None = Limit(at_least=1)
    """Number of training samples."""
    validation: Limit | None = Limit(at_least=1)
    """Number of validation samples."""
    labels_on_one_side: Limit | None = None
    """Number of labels that occur in only one of the splits."""


class ExportCollectionConfig(WriterConfig):
    """Collection to export and its train/validation split."""

    collection: str
    """Folder or URI of the collection."""
    validation_share: float = Field(default=0.2, gt=0, lt=1)
    """Expected share of the sessions that go to validation."""
    seed: int = 0
    """Seed of the split."""
    gates: ExportGates = ExportGates()


class ExportFindings(Config):
    """Findings of `collect export` in its report.json."""

    samples: dict[str, int]
    """Number of samples by split."""
    sessions: dict[str, int]
    """Number of sessions by split."""
    duration_s: dict[str, float]
    """Duration of audio by split [s]."""
    labels: dict[str, dict[str, int]]
    """Number of samples by label and split."""
    missing_files: int
    """Number of samples whose audio file is missing."""


def run(config: ExportCollectionConfig) -> CheckResult:
    """Export a collection. Raises DrumlineError without a collection, ConfigError if the output cannot be written."""
    collection = open_collection(config.collection, must_exist=True)
    if not config.dry_run and not _is_our_export(config.output):
        refuse_foreign_output(config.output, writes=(*SPLITS, *_TABLES), evidence=())
    rows = [as_tree(row, f"{config.collection}: ") for row in collection.rows.values()]
    names = sorted({label for row in rows for label in labels_of(row)})
    groups = _groups(rows)
    labelled: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    sessions: dict[str, set[str]] = defaultdict(set)
    duration_s, by_source = defaultdict[str, float](float), defaultdict[str, float](float)
    samples, missing = Counter[str](), 0
    for row in rows:
        session = row.text("session_id", "")
        split = _split(groups[session], config)
        try:
            data = read_bytes(join(config.collection, row.text("audio_path")))
        except STORAGE_ERRORS:
            missing += 1
            continue
        length_s = decode_native(data, name=row.text("audio_path")).duration_s
        file = row.text("audio_path").rsplit("/", 1)[-1]
        sessions[split].add(session)
        samples[split] += 1
        duration_s[split] += length_s
        by_source[row.text("source_set", "")] += length_s
        labelled[split] += [
            {"file": file, "label": label, "component_idx": names.index(label),
             "event_id": row.text("sample_id"), "session_id": session, "source_set": row.text("source_set", ""),
             "duration_seconds": round(length_s, 6)}
            for label in labels_of(row)
        ]  # fmt: skip
        if not config.dry_run:
            _write(config, f"{split}/{file}", data)
    labels = {name: {split: sum(row["label"] == name for row in labelled[split]) for split in SPLITS} for name in names}
    findings = ExportFindings(
        samples={split: samples[split] for split in SPLITS},
        sessions={split: len(sessions[split]) for split in SPLITS},
        duration_s={split: round(duration_s[split], 6) for split in SPLITS},
        labels=labels,
        missing_files=missing,
    )
    if not config.dry_run:
        for name, table in _tables(findings, labelled, by_source).items():
            _write(config, name, (canonical_json(table, indent=1) + "\n").encode())
    values = {
        "missing_files": measured(missing),
        "labels_on_one_side": measured(sum(not all(counts.values()) for counts in labels.values())),
        "train": measured(samples["train"]),
        "validation": measured(samples["val"]),
    }
    source = describe_file("collection", join(config.collection, EVENTS), len(rows))
    report = make_report(
        "collect-export", config, findings=findings, gates=apply_limits(config.gates, values), inputs=(source,)
    )
    return CheckResult(report, lambda: sections_of(findings))


def _is_our_export(output: str) -> bool:
    try:
        tree = json.loads(read_bytes(join(output, "metadata.json")))
    except (*STORAGE_ERRORS, ValueError):
        return False
    return isinstance(tree, dict) and tree.get("made_by") == _MADE_BY


def _groups(rows: Sequence[Tree]) -> dict[str, str]:
    """Session -> the first session, by name, among those that it shares recordings with, directly or through others."""
    parent: dict[str, str] = {}

    def root(session: str) -> str:
        while parent.setdefault(session, session) != session:
            session = parent[session]
        return session

    first_of: dict[str, str] = {}
    for row in rows:
        session = row.text("session_id", "")
        first, other = sorted((root(session), root(first_of.setdefault(_recording(row), session))))
        parent[other] = first
    return {session: root(session) for session in parent}


def _recording(row: Tree) -> str:
    """SHA-256 of the recording that a sample was cut from; without one, the sample is its own."""
    return row.tree("cut_from").text("sha256", "") or row.text("sample_id")


def _split(group: str, config: ExportCollectionConfig) -> str:
    digest = hashlib.sha256(f"{config.seed}\0{group}".encode()).digest()
    return SPLITS[int.from_bytes(digest[:8], "little") < config.validation_share * 2**64]


def _tables(
    found: ExportFindings, labelled: Mapping[str, list[dict[str, Any]]], by_source: Mapping[str, float]
) -> dict[str, Any]:
    names = list(found.labels)
    return {
        **{f"{split}_labels.json": rows for split, rows in labelled.items()},
        "components.json": {
            "components": names,
            "num_classes": len(names),
            "component_index": {name: index for index, name in enumerate(names)},
            "counts": {name: sum(counts.values()) for name, counts in found.labels.items()},
        },
        "metadata.json": {
            "made_by": _MADE_BY,
            "split_durations_seconds": found.duration_s,
            "duration_seconds_by_source": {name: round(length_s, 6) for name, length_s in sorted(by_source.items())},
            "label_counts": {name: sum(counts.values()) for name, counts in found.labels.items()},
        },
    }


def _write(config: ExportCollectionConfig, name: str, data: bytes) -> None:
    try:
        write_bytes(join(config.output, name), data)
    except STORAGE_ERRORS as error:
        raise ConfigError(f"output: {config.output}: cannot be written ({error or type(error).__name__})") from error


def sections_of(found: ExportFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    rows = tuple((split, found.samples[split], found.sessions[split], found.duration_s[split]) for split in SPLITS)
    parts = {name: {split: float(counts[split]) for split in SPLITS} for name, counts in found.labels.items()}
    return (
        Section(
            "Splits",
            "All samples of a session, and of sessions with a recording in common, are in one split.",
            facts=(*((f"{split.capitalize()} samples", found.samples[split]) for split in SPLITS),
                   ("Missing files", found.missing_files)),
            figures=(Figure("Labels", "Samples by split.", stacked_bars("labels", parts, unit="samples")),),
            tables=(Table(("Split", "Samples", "Sessions", "Seconds"), rows),),
        ),
    )  # fmt: skip
