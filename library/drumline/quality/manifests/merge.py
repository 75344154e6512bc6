"""`merge manifests`: several files of events become one; every line tells where it came from.

Two lines are the same event where they have the same ``event_id`` (or ``sample_id``); without one, where recording,
time (to 0.1 ms) and labels are equal. The same event told alike is kept once. Told differently it is a *conflict*: the
first or the last telling stays, and all stand in ``conflicts.jsonl`` with the names of what differs. A session that
files describe differently (another drummer, kit, room or split) is a conflict of its own kind: nothing is changed, but
a split that crosses a session leaks.

``merged_from`` lists ``file:line`` of every telling, after those that the line already had.
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
from drumline.core.measure import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.quality.gates import Limit, judge_all
from drumline.quality.health.tally import event_key
from drumline.quality.lines import Line, Row, input_of, lines_to, stream
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import Input, WriterConfig, make_report
from drumline.quality.samples import labels_of

_ORIGIN: Final = "merged_from"
_OF_A_SESSION: Final = ("drummer_id", "kit_id", "room_id", "split")
_MOST_SHOWN: Final = 200
_LONGEST_NAME: Final = 24


class MergeGates(Config):
    """Limits."""

    conflicts: Limit | None = Limit(at_most=0)
    """Events that are told differently."""
    session_conflicts: Limit | None = Limit(at_most=0)
    """Sessions whose drummer, kit, room or split is told differently."""
    duplicates: Limit | None = None
    """Lines that repeat an event."""


class MergeConfig(WriterConfig):
    """Files of events to merge: events.jsonl and conflicts.jsonl."""

    events: tuple[str, ...] = Field(min_length=2)
    """Files of events (JSON lines), in the order in which they are merged."""
    keep: Literal["first", "last"] = "first"
    """Which telling of a conflict stays."""
    gates: MergeGates = MergeGates()


class MergedFile(Config):
    """One file."""

    lines: int
    """Its events."""
    kept: int
    """Those that stand in the result."""
    duplicates: int
    """Those that another line tells alike."""
    overruled: int
    """Those whose other telling stays."""


class SessionConflict(Config):
    """A session that is told differently."""

    session_id: str
    """Which."""
    what: str
    """drummer_id, kit_id, room_id or split."""
    told: dict[str, tuple[str, ...]]
    """Value -> files that say so."""


class MergeFindings(Config):
    """What `merge manifests` found."""

    files: dict[str, MergedFile]
    """By path."""
    events: int
    """In the result."""
    duplicates: int
    """Lines that repeat an event word for word."""
    conflicts: int
    """Events that are told differently."""
    fields: dict[str, int]
    """Conflicts by what differs."""
    session_conflicts: tuple[SessionConflict, ...]
    """Sessions told differently, at most 200."""
    num_session_conflicts: int
    """How many there are."""


@dataclass(frozen=True)
class _Tellings:
    """Every line of every file, in order: arrays of N."""

    key: NDArray[np.uint64]
    """Of the event."""
    digest: NDArray[np.uint64]
    """Of what is told of it."""
    file: NDArray[np.int64]
    line: NDArray[np.int64]


def check(config: MergeConfig) -> Outcome:
    """Merge. Raises DrumlineError where a file cannot be used."""
    tellings, inputs, sessions = _read(config.events)
    _, event = np.unique(tellings.key, return_inverse=True)
    kept = _kept(event, keep=config.keep)
    conflicting = _conflicting(event, tellings.digest)
    merged, disputes = config.place("events.jsonl"), config.place("conflicts.jsonl")
    origins = _origins(config.events, tellings, event)
    differing = Counter[str]()
    pending: dict[int, list[tuple[str, Row]]] = defaultdict(list)
    with lines_to(merged) as write, lines_to(disputes) as dispute:
        for index, (path, line) in enumerate(_all_lines(config.events)):
            number = int(event[index])
            if number in origins and conflicting[number]:
                pending[number].append((f"{path}:{line.number}", dict(line.row)))
                if len(pending[number]) == len(origins[number]):
                    told = pending.pop(number)
                    names = _differing([row for _, row in told])
                    differing.update(names)
                    dispute({"differs": names, "kept": config.keep, "told": [{"at": at} | row for at, row in told]})
            if kept[number] == index:
                own = origins.get(number, (f"{path}:{line.number}",))
                line.row[_ORIGIN] = list(dict.fromkeys((*line.tree.texts(_ORIGIN), *own)))
                write(line.row)
    findings = _findings(config.events, tellings, event, kept=kept, fields=differing, sessions=sessions)
    values = {
        "conflicts": measured(findings.conflicts),
        "session_conflicts": measured(findings.num_session_conflicts),
        "duplicates": measured(findings.duplicates),
    }
    report = make_report(
        "merge-manifests", config, findings=findings, gates=judge_all(config.gates, values), inputs=inputs
    )
    return Outcome(report, lambda: sections(findings), written=(merged, disputes) if merged else ())


def _all_lines(paths: Sequence[str]) -> Iterator[tuple[str, Line]]:
    for path in paths:
        yield from ((path, line) for line in stream(path))


def _read(paths: Sequence[str]) -> tuple[_Tellings, list[Input], Mapping[tuple[str, str], Mapping[str, set[str]]]]:
    keys, digests, files, lines = [], [], [], []
    sessions: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for number, path in enumerate(paths):
        for line in stream(path):
            keys.append(_key(line.tree))
            digests.append(_hash(canonical_json({name: v for name, v in line.row.items() if name != _ORIGIN})))
            files.append(number)
            lines.append(line.number)
            if session := line.tree.text("session_id", ""):
                for name in _OF_A_SESSION:
                    if value := line.tree.text(name, ""):
                        sessions[session, name][value].add(path)
    counts = Counter(files)
    inputs = [input_of("events", path, counts[number]) for number, path in enumerate(paths)]
    told = _Tellings(
        np.array(keys, np.uint64), np.array(digests, np.uint64), np.array(files, np.int64), np.array(lines, np.int64)
    )
    return told, inputs, sessions


def _key(tree: Tree) -> int:
    for name in ("event_id", "sample_id"):
        if tree.has(name):
            return _hash(tree.text(name))
    place = tree.text("audio_path", "") or tree.text("session_id")
    return event_key(place, tree.seconds("onset_time"), sorted(labels_of(tree)))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _kept(event: NDArray[np.intp], *, keep: Literal["first", "last"]) -> NDArray[np.int64]:
    """The line that stays of each event."""
    order = np.arange(len(event))
    kept = np.zeros(int(event.max()) + 1, dtype=np.int64)
    kept[event[order if keep == "last" else order[::-1]]] = order if keep == "last" else order[::-1]
    return kept


def _conflicting(event: NDArray[np.intp], digest: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which events are told in more than one way."""
    pairs = np.unique(np.stack([event.astype(np.uint64), digest], axis=1), axis=0)
    return np.asarray(np.bincount(pairs[:, 0].astype(np.int64)) > 1)


def _origins(paths: Sequence[str], told: _Tellings, event: NDArray[np.intp]) -> dict[int, tuple[str, ...]]:
    """Where each event that is told more than once is told."""
    repeated = np.flatnonzero(np.bincount(event)[event] > 1)
    found: dict[int, list[str]] = defaultdict(list)
    for index in repeated.tolist():
        found[int(event[index])].append(f"{paths[told.file[index]]}:{told.line[index]}")
    return {number: tuple(places) for number, places in found.items()}


def _differing(rows: Sequence[Row]) -> list[str]:
    """What these tellings of one event do not agree on."""
    names = dict.fromkeys(name for row in rows for name in row if name != _ORIGIN)
    return [name for name in names if len({canonical_json([row.get(name)]) for row in rows}) > 1]


def _findings(
    paths: Sequence[str],
    told: _Tellings,
    event: NDArray[np.intp],
    *,
    kept: NDArray[np.int64],
    fields: Counter[str],
    sessions: Mapping[tuple[str, str], Mapping[str, set[str]]],
) -> MergeFindings:
    stays = np.zeros(len(event), dtype=bool)
    stays[kept] = True
    alike = ~stays & (told.digest == told.digest[kept[event]])
    overruled = ~stays & ~alike
    disagreeing = [
        SessionConflict(session_id=s, what=what, told={v: tuple(sorted(f)) for v, f in sorted(values.items())})
        for (s, what), values in sorted(sessions.items())
        if len(values) > 1
    ]
    return MergeFindings(
        files={
            path: MergedFile(
                lines=int((own := told.file == number).sum()),
                kept=int((own & stays).sum()),
                duplicates=int((own & alike).sum()),
                overruled=int((own & overruled).sum()),
            )
            for number, path in enumerate(paths)
        },
        events=len(kept),
        duplicates=int(alike.sum()),
        conflicts=int(_conflicting(event, told.digest).sum()),
        fields=dict(sorted(fields.items(), key=lambda item: (-item[1], item[0]))),
        session_conflicts=tuple(disagreeing[:_MOST_SHOWN]),
        num_session_conflicts=len(disagreeing),
    )


def sections(found: MergeFindings) -> tuple[Section, ...]:
    """What the page shows."""
    parts = {
        f"{number}. {path.rsplit('/', 1)[-1][-_LONGEST_NAME:]}": {
            "kept": each.kept, "duplicates": each.duplicates, "overruled": each.overruled
        }
        for number, (path, each) in enumerate(found.files.items(), start=1)
    }  # fmt: skip
    disputes = tuple(
        (each.session_id, each.what, value, ", ".join(files))
        for each in found.session_conflicts
        for value, files in each.told.items()
    )
    return (
        Section(
            "What became of the lines",
            facts=(
                ("Events", found.events),
                ("Duplicates", found.duplicates),
                ("Conflicts", found.conflicts),
                ("Session conflicts", found.num_session_conflicts),
            ),
            figures=(Figure("Files", "Lines by what became of them.", stacked_bars("files", parts, unit="lines")),),
            tables=(
                Table(
                    ("File", "Lines", "Kept", "Duplicates", "Overruled"),
                    tuple((path, e.lines, e.kept, e.duplicates, e.overruled) for path, e in found.files.items()),
                ),
            ),
        ),
        Section(
            "Conflicts",
            "Both tellings of each event stand in conflicts.jsonl.",
            tables=(
                Table(("What differs", "Events"), tuple(found.fields.items())),
                Table(("Session", "What", "Told", "By"), disputes),
            ),
        ),
    )
