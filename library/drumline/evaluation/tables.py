"""Tables of an evaluation: CSV files, and the first table as Markdown."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from drumline.core.interval_value import Value
from drumline.evaluation.measures import ScoreValues
from drumline.evaluation.report import Report, SystemReport, TruthReport

Row = Mapping[str, object]


def csv_files(report: Report) -> dict[str, str]:
    """CSV text by file name. Shares are 0 to 1, empty where undefined."""
    tables: dict[str, Iterable[Row]] = {
        "classes.csv": _classes(report),
        "songs.csv": _songs(report),
        "rhythm.csv": _rhythm(report),
        "comparisons.csv": _comparisons(report),
        "groups.csv": _groups(report),
    }
    return {name: _csv(list(rows)) for name, rows in tables.items()}


def headline(report: Report) -> str:
    """Table of the systems for each truth, as Markdown: F-measure by class at the first window, and at the others."""
    window_ms, parts = report.windows_ms[0], []
    for truth in report.truths:
        if not truth.systems:
            continue
        classes = list(truth.systems[0].at(report.vocabulary, window_ms).classes)
        others = [f"F ±{other:g} ms" for other in report.windows_ms[1:]]
        head = ["system", "micro F", f"{100 * report.level:g} %", *classes, "macro F", *others, "edits/100 (5)"]
        lines = [
            f"{report.name}, truth: {truth.name}; {truth.songs} songs, {truth.strokes} strokes; "
            f"±{window_ms:g} ms, {report.vocabulary} classes, F in %.",
            "",
            f"| {' | '.join(head)} |",
            f"|{'---|' * len(head)}",
        ]
        lines += [f"| {' | '.join(_headline_row(system, report))} |" for system in truth.systems]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _headline_row(system: SystemReport, report: Report) -> list[str]:
    at = system.at(report.vocabulary, report.windows_ms[0])
    edits = next(each for each in system.edits if each.vocabulary == "5").per_100_notes.value
    return [
        system.name.replace("|", "\\|"),
        _percent(at.micro.f.value),
        f"{_percent(at.micro.f.low)} to {_percent(at.micro.f.high)}",
        *(_percent(each.f.value) for each in at.classes.values()),
        _percent(at.macro.f.value),
        *(_percent(system.at(report.vocabulary, other).micro.f.value) for other in report.windows_ms[1:]),
        "–" if edits is None else f"{edits:.1f}",
    ]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _systems(report: Report) -> Iterator[tuple[TruthReport, SystemReport, Row]]:
    for truth in report.truths:
        for system in truth.systems:
            yield truth, system, {"truth": truth.name, "system": system.name}


def _classes(report: Report) -> Iterator[Row]:
    for _, system, names in _systems(report):
        for at in system.events:
            keys = {**names, "window_ms": at.window_ms, "vocabulary": at.vocabulary}
            for drum, scored in [("micro", at.micro), *at.classes.items()]:
                counts = {"tp": scored.tp, "fp": scored.fp, "fn": scored.fn}
                rate = {"false_positives_per_minute": scored.false_positives_per_minute}
                yield {**keys, "class": drum, **_scores(scored), **counts, **rate}
            yield {**keys, "class": "macro", **_scores(at.macro)}


def _scores(scored: ScoreValues) -> Row:
    return {
        **_value("precision", scored.precision),
        **_value("recall", scored.recall),
        **_value("f", scored.f),
    }


def _value(name: str, scored: Value) -> Row:
    return {name: scored.value, f"{name}_low": scored.low, f"{name}_high": scored.high}


def _songs(report: Report) -> Iterator[Row]:
    for _, system, names in _systems(report):
        for row in system.per_song:
            yield {**names, **row.model_dump()}


def _rhythm(report: Report) -> Iterator[Row]:
    """Inter-onset intervals and note values in one table, told apart by ``kind``; note values have no precision."""
    for _, system, names in _systems(report):
        for gaps in system.gaps:
            for drum, row in gaps.rows.items():
                for b, bin_ in enumerate(gaps.bins):
                    yield {
                        **names,
                        "kind": "gap",
                        "among": gaps.among,
                        "rows": drum,
                        "bin": bin_,
                        "strokes": row.reference[b],
                        "recall": row.recall[b],
                        "hits": row.estimate[b],
                        "precision": row.precision[b],
                    }
        for scored in system.subdivisions:
            for name, strokes in scored.reference.items():
                for v, value in enumerate(scored.note_values):
                    yield {
                        **names,
                        "kind": "note value",
                        "among": scored.among,
                        "rows": name,
                        "bin": value,
                        "strokes": strokes[v],
                        "recall": scored.recall[name][v],
                    }


def _comparisons(report: Report) -> Iterator[Row]:
    for truth in report.truths:
        for each in truth.comparisons:
            for drum, deltas in each.rows.items():
                for score in ("precision", "recall", "f"):
                    scored = getattr(deltas, score)
                    names = {"truth": truth.name, "system": each.system, "baseline": each.baseline, "songs": each.songs}
                    yield {**names, "class": drum, "score": score, **scored.model_dump()}


def _groups(report: Report) -> Iterator[Row]:
    for _, system, names in _systems(report):
        for group in system.groups:
            scored = group.model_dump(exclude={"f", "classes"})
            yield {**names, **scored, **_value("f", group.f), **{f"f_{d}": f for d, f in group.classes.items()}}


def _csv(rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
