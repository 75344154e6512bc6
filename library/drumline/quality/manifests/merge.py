"""`merge manifests`: merge event manifests into one, recording the origin of every line.

Two lines are the same event if they have the same ``event_id`` (or ``sample_id``); without one, if recording, time (to
0.1 ms) and labels are equal. Equal versions of an event are kept once. Different versions are a *conflict*: the first
or the last version is kept, and all versions go to ``conflicts.jsonl`` with the names of the differing fields. A
session that files describe differently (drummer, kit, room or split) is a session conflict: nothing is changed, but a
split that divides a session leaks.

``merged_from`` lists ``file:line`` of every version, after the origins that the line already had.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.charts.documents import Tree
from drumline.core.config import Config, canonical_json
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.health.tally import event_key
from drumline.quality.lines import JsonLine, Row, describe_file, iter_json_lines, json_lines_writer
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import Input, WriterConfig, make_report
from drumline.quality.samples import labels_of

_ORIGIN: Final = "merged_from"
_OF_A_SESSION: Final = ("drummer_id", "kit_id", "room_id", "split")
_MOST_SHOWN: Final = 200
_LONGEST_NAME: Final = 24


class MergeGates(Config):
    """Limits of `merge manifests`; null disables a gate."""

    conflicts: Limit | None = Limit(at_most=0)
    """Number of events with differing versions."""
    session_conflicts: Limit | None = Limit(at_most=0)
    """Number of sessions whose drummer, kit, room or split differs between files."""
    duplicates: Limit | None = None
    """Number of lines that repeat an event."""


class MergeConfig(WriterConfig):
    """Event manifests to merge; writes events.jsonl and conflicts.jsonl."""

    events: tuple[str, ...] = Field(min_length=2)
    """Event manifests (JSON lines) in merge order: at least two paths or URIs."""
    keep: Literal["first", "last"] = "first"
    """Version of a conflicting event that is kept."""
    gates: MergeGates = MergeGates()


class MergedFile(Config):
    """Line counts of one merged file."""

    lines: int
    """Number of events in the file."""
    kept: int
    """Number of its events in the result."""
    duplicates: int
    """Number of its events that equal another line."""
    overruled: int
    """Number of its events of which another version was kept."""


class SessionConflict(Config):
    """A session field that differs between files."""

    session_id: str
    """Session id."""
    what: str
    """Differing field: drummer_id, kit_id, room_id or split."""
    values: dict[str, tuple[str, ...]]
    """Files by the value that they have."""


class MergeFindings(Config):
    """Findings of `merge manifests` in its report.json."""

    files: dict[str, MergedFile]
    """Line counts by input file."""
    events: int
    """Number of events in the result."""
    duplicates: int
    """Number of lines that repeat an event with equal fields."""
    conflicts: int
    """Number of events with differing versions."""
    fields: dict[str, int]
    """Number of conflicts by differing field."""
    session_conflicts: tuple[SessionConflict, ...]
    """Sessions described differently, at most 200."""
    num_session_conflicts: int
    """Number of session conflicts."""


@dataclass(frozen=True)
class _EventLines:
    """Every line of every file, in order: arrays [N]."""

    key: NDArray[np.uint64]
    """Key of the event; equal for versions of one event."""
    digest: NDArray[np.uint64]
    """Hash of all fields."""
    file: NDArray[np.int64]
    line: NDArray[np.int64]


def run(config: MergeConfig) -> CheckResult:
    """Merge event manifests. Raises DrumlineError if a file cannot be used."""
    table, inputs, sessions = _read(config.events)
    _, event = np.unique(table.key, return_inverse=True)
    kept = _kept(event, keep=config.keep)
    conflicting = _conflicting(event, table.digest)
    merged, conflicts = config.output_uri("events.jsonl"), config.output_uri("conflicts.jsonl")
    origins = _origins(config.events, table, event)
    differing = Counter[str]()
    pending: dict[int, list[tuple[str, Row]]] = defaultdict(list)
    with json_lines_writer(merged) as write, json_lines_writer(conflicts) as write_conflict:
        for index, (path, line) in enumerate(_all_lines(config.events)):
            number = int(event[index])
            if number in origins and conflicting[number]:
                pending[number].append((f"{path}:{line.number}", dict(line.row)))
                if len(pending[number]) == len(origins[number]):
                    versions = pending.pop(number)
                    names = _differing([row for _, row in versions])
                    differing.update(names)
                    rows = [{"at": origin} | row for origin, row in versions]
                    write_conflict({"differs": names, "kept": config.keep, "told": rows})
            if kept[number] == index:
                origin = origins.get(number, (f"{path}:{line.number}",))
                line.row[_ORIGIN] = list(dict.fromkeys((*line.tree.texts(_ORIGIN), *origin)))
                write(line.row)
    findings = _findings(config.events, table, event, kept=kept, fields=differing, sessions=sessions)
    values = {
        "conflicts": measured(findings.conflicts),
        "session_conflicts": measured(findings.num_session_conflicts),
        "duplicates": measured(findings.duplicates),
    }
    report = make_report(
        "merge-manifests", config, findings=findings, gates=apply_limits(config.gates, values), inputs=inputs
    )
    return CheckResult(report, lambda: sections(findings), written=(merged, conflicts) if merged else ())


def _all_lines(paths: Sequence[str]) -> Iterator[tuple[str, JsonLine]]:
    for path in paths:
        yield from ((path, line) for line in iter_json_lines(path))


def _read(paths: Sequence[str]) -> tuple[_EventLines, list[Input], Mapping[tuple[str, str], Mapping[str, set[str]]]]:
    keys, digests, files, lines = [], [], [], []
    sessions: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for number, path in enumerate(paths):
        for line in iter_json_lines(path):
            keys.append(_key(line.tree))
            digests.append(_hash(canonical_json({name: v for name, v in line.row.items() if name != _ORIGIN})))
            files.append(number)
            lines.append(line.number)
            if session := line.tree.text("session_id", ""):
                for name in _OF_A_SESSION:
                    if value := line.tree.text(name, ""):
                        sessions[session, name][value].add(path)
    counts = Counter(files)
    inputs = [describe_file("events", path, counts[number]) for number, path in enumerate(paths)]
    table = _EventLines(
        np.array(keys, np.uint64), np.array(digests, np.uint64), np.array(files, np.int64), np.array(lines, np.int64)
    )
    return table, inputs, sessions


def _key(tree: Tree) -> int:
    for name in ("event_id", "sample_id"):
        if tree.has(name):
            return _hash(tree.text(name))
    recording = tree.text("audio_path", "") or tree.text("session_id")
    return event_key(recording, tree.seconds("onset_time"), sorted(labels_of(tree)))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _kept(event: NDArray[np.intp], *, keep: Literal["first", "last"]) -> NDArray[np.int64]:
    """Index of the line that is kept of each event."""
    order = np.arange(len(event))
    kept = np.zeros(int(event.max()) + 1, dtype=np.int64)
    kept[event[order if keep == "last" else order[::-1]]] = order if keep == "last" else order[::-1]
    return kept


def _conflicting(event: NDArray[np.intp], digest: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each event has differing versions."""
    pairs = np.unique(np.stack([event.astype(np.uint64), digest], axis=1), axis=0)
    return np.asarray(np.bincount(pairs[:, 0].astype(np.int64)) > 1)


def _origins(paths: Sequence[str], table: _EventLines, event: NDArray[np.intp]) -> dict[int, tuple[str, ...]]:
    """Origins (``file:line``) of each event that has several lines."""
    repeated = np.flatnonzero(np.bincount(event)[event] > 1)
    found: dict[int, list[str]] = defaultdict(list)
    for index in repeated.tolist():
        found[int(event[index])].append(f"{paths[table.file[index]]}:{table.line[index]}")
    return {number: tuple(origins) for number, origins in found.items()}


def _differing(rows: Sequence[Row]) -> list[str]:
    """Fields in which versions of one event differ."""
    names = dict.fromkeys(name for row in rows for name in row if name != _ORIGIN)
    return [name for name in names if len({canonical_json([row.get(name)]) for row in rows}) > 1]


def _findings(
    paths: Sequence[str],
    table: _EventLines,
    event: NDArray[np.intp],
    *,
    kept: NDArray[np.int64],
    fields: Counter[str],
    sessions: Mapping[tuple[str, str], Mapping[str, set[str]]],
) -> MergeFindings:
    stays = np.zeros(len(event), dtype=bool)
    stays[kept] = True
    alike = ~stays & (table.digest == table.digest[kept[event]])
    overruled = ~stays & ~alike
    disagreeing = [
        SessionConflict(session_id=s, what=what, values={v: tuple(sorted(f)) for v, f in sorted(values.items())})
        for (s, what), values in sorted(sessions.items())
        if len(values) > 1
    ]
    return MergeFindings(
        files={
            path: MergedFile(
                lines=int((in_file := table.file == number).sum()),
                kept=int((in_file & stays).sum()),
                duplicates=int((in_file & alike).sum()),
                overruled=int((in_file & overruled).sum()),
            )
            for number, path in enumerate(paths)
        },
        events=len(kept),
        duplicates=int(alike.sum()),
        conflicts=int(_conflicting(event, table.digest).sum()),
        fields=dict(sorted(fields.items(), key=lambda item: (-item[1], item[0]))),
        session_conflicts=tuple(disagreeing[:_MOST_SHOWN]),
        num_session_conflicts=len(disagreeing),
    )


def sections(found: MergeFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    parts = {
        f"{number}. {path.rsplit('/', 1)[-1][-_LONGEST_NAME:]}": {
            "kept": file.kept, "duplicates": file.duplicates, "replaced": file.overruled
        }
        for number, (path, file) in enumerate(found.files.items(), start=1)
    }  # fmt: skip
    conflicts = tuple(
        (conflict.session_id, conflict.what, value, ", ".join(files))
        for conflict in found.session_conflicts
        for value, files in conflict.values.items()
    )
    return (
        Section(
            "Merged lines",
            facts=(
                ("Events", found.events),
                ("Duplicates", found.duplicates),
                ("Conflicts", found.conflicts),
                ("Session conflicts", found.num_session_conflicts),
            ),
            figures=(
                Figure("Files", "Lines kept, repeated and replaced.", stacked_bars("files", parts, unit="lines")),
            ),
            tables=(
                Table(
                    ("File", "Lines", "Kept", "Duplicates", "Replaced"),
                    tuple((path, e.lines, e.kept, e.duplicates, e.overruled) for path, e in found.files.items()),
                ),
            ),
        ),
        Section(
            "Conflicts",
            "All versions of each conflicting event are in conflicts.jsonl.",
            tables=(
                Table(("Differing field", "Events"), tuple(found.fields.items())),
                Table(("Session", "Field", "Value", "Files"), conflicts),
            ),
        ),
    )
