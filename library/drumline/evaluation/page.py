"""HTML page of an evaluation: systems, classes, timing, confusion, rhythm, calibration, songs.

Details are shown for the first truth, with the F-measures of the others beside them. All numbers come from the report,
so equal reports give equal pages.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from drumline.core import plots
from drumline.core.interval_value import Number, Value
from drumline.core.page import page_environment
from drumline.core.svg import short
from drumline.evaluation.report import Report, SystemReport, TruthReport
from drumline.evaluation.summary import EXTRA

ANCHORS: Final = {"musiccharts.tools": 20.3, "ADTOF": 40.0}
"""Published edits per 100 notes on 367 other charts (eight game lanes, tempo map given), for comparison."""
_WORST_SONGS: Final = 15
_DASH: Final = "–"


def render_page(report: Report) -> str:
    """Render an evaluation as one self-contained HTML page."""
    environment = page_environment("evaluation/templates")
    environment.filters["words"] = lambda name: name.replace("_", " ")
    environment.filters |= {"percent": percent, "interval": interval, "fixed": fixed, "signed": signed, "shade": shade}
    main = report.truths[0]
    facts: dict[str, Any] = {
        "report": report,
        "main": main,
        "others": report.truths[1:],
        "classes": list(main.systems[0].at(report.vocabulary, report.windows_ms[0]).classes) if main.systems else [],
        "best": _best(report, main),
        "plots": _plots(report, main),
        "anchors": ANCHORS,
        "extra": EXTRA,
        "songs": _worst_songs(main.systems),
        "num_songs": _WORST_SONGS,
    }
    return environment.get_template("report.html.j2").render(facts)


def percent(value: Number, digits: int = 1) -> str:
    """Format a share as a percentage: 90.2."""
    return _DASH if value is None else f"{100 * value:.{digits}f}"


def interval(value: Value) -> str:
    """Format the interval of a share as percentages: 80.2–96.7."""
    return "" if value.low is None or value.high is None else f"{100 * value.low:.1f}{_DASH}{100 * value.high:.1f}"


def fixed(value: Number, digits: int = 1) -> str:
    """Format a number."""
    return _DASH if value is None else f"{value:.{digits}f}"


def signed(value: Number, digits: int = 1, scale: float = 100) -> str:
    """Format a signed difference, as a percentage by default."""
    return _DASH if value is None else f"{scale * value:+.{digits}f}".replace("-", "−")


def shade(count: int, total: int) -> str:
    """Opacity of a cell's colour for a share [%]."""
    return f"{round(70 * count / total)}%" if total else "0%"


def _best(report: Report, main: TruthReport) -> dict[str, Any]:
    """Highest micro F-measure, and highest F-measure of each class."""
    scores = [system.at(report.vocabulary, report.windows_ms[0]) for system in main.systems]
    by_class: dict[str, list[float]] = {}
    for each in scores:
        for drum, scored in each.classes.items():
            by_class.setdefault(drum, []).append(scored.f.value or 0.0)
    return {
        "micro": max((each.micro.f.value or 0.0 for each in scores), default=0.0),
        "classes": {drum: max(values) for drum, values in by_class.items()},
    }


def _plots(report: Report, main: TruthReport) -> dict[str, str]:
    systems, window_ms, words = main.systems, report.windows_ms[0], report.vocabulary
    scores = {system.name: system.at(words, window_ms) for system in systems}
    classes = list(next(iter(scores.values())).classes) if scores else []
    by_class = {
        drum: {name: each.classes[drum].f for name, each in scores.items() if each.classes[drum].f.value is not None}
        for drum in classes
    }
    timing = {
        drum: {system.name: _spread(system, drum) for system in systems if system.timing[drum].num_pairs}
        for drum in ("all", *classes)
    }
    found = {
        "systems": plots.intervals(
            "systems", {name: {"": each.micro.f} for name, each in scores.items()}, unit="micro F", limits=(0, 1)
        ),
        "classes": plots.intervals("classes", _told(by_class), unit="F", limits=(0, 1)),
        "timing": plots.intervals("timing", _told(timing), unit="ms late", marks={"": 0.0}),
        "edits": plots.intervals(
            "edits",
            {s.name: {"": _edits(s, "8")} for s in systems},
            unit="edits per 100 notes, eight lanes",
            limits=(0, None),
            marks={f"{name} {rate:g}": rate for name, rate in ANCHORS.items()},
        ),
    }
    for g, gaps in enumerate(systems[0].gaps if systems else ()):
        recall = {system.name: system.gaps[g].rows["all"].recall for system in systems}
        places = [bin_.replace("<=", "≤").removesuffix(" ms") for bin_ in gaps.bins]
        whom = "the same class" if gaps.among == "class" else "any class"
        found[f"gaps_{gaps.among}"] = plots.lines(
            f"gaps_{gaps.among}",
            _with_strokes(places, gaps.rows["all"].reference),
            recall,
            unit="recall",
            x_label=f"gap to the next hit of {whom} [ms], and strokes with it",
        )
    if any(sum(system.subdivisions[0].reference["all"]) for system in systems):
        scored = systems[0].subdivisions[0]
        found["note_values"] = plots.lines(
            "note_values",
            _with_strokes([value.replace(" or", "\nor") for value in scored.note_values], scored.reference["all"]),
            {system.name: system.subdivisions[0].recall["all"] for system in systems},
            unit="recall",
            x_label="note value, and strokes of it",
        )
    sure = {s.name: (s.reliability.mean_confidence, s.reliability.accuracy) for s in systems if s.reliability}
    if sure:
        found["reliability"] = plots.reliability("reliability", sure)
    return found


def _told(rows: Mapping[str, Mapping[str, Value]]) -> dict[str, Mapping[str, Value]]:
    """Rows in which any system has a value."""
    return {name: row for name, row in rows.items() if row}


def _with_strokes(places: Sequence[str], strokes: Sequence[int]) -> list[str]:
    """Names of places with what stands behind them."""
    return [f"{location}\n({short(count)})" for location, count in zip(places, strokes, strict=True)]


def _spread(system: SystemReport, drum: str) -> Value:
    """Median offset with the median absolute deviation on either side [ms]."""
    scored = system.timing[drum]
    if scored.median_ms is None or scored.spread_ms is None:
        return Value(value=scored.median_ms, low=None, high=None)
    return Value(
        value=scored.median_ms, low=scored.median_ms - scored.spread_ms, high=scored.median_ms + scored.spread_ms
    )


def _edits(system: SystemReport, vocabulary: str) -> Value:
    return next(each.per_100_notes for each in system.edits if each.vocabulary == vocabulary)


def _worst_songs(systems: Sequence[SystemReport]) -> list[tuple[str, int, Mapping[str, Number]]]:
    """(song, hits, F-measure by system) of the songs with the lowest scores of the first system."""
    f = {system.name: {row.song: row.f for row in system.per_song} for system in systems}
    worst = systems[0].per_song[:_WORST_SONGS] if systems else ()
    return [(row.song, row.strokes, {name: scored.get(row.song) for name, scored in f.items()}) for row in worst]
