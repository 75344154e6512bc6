"""`normalize openness`: raw controller values of hi-hats become openness, by the curve of the device that sent them.

A component has a raw value in ``openness_raw`` (0 to 127). Its curve is the one that it names in ``openness_curve_id``,
else that of the event's ``device_vendor`` and ``device_model``. ``openness``, ``openness_level`` and
``openness_curve_id`` are set; the raw value stays, so that a better curve can be applied later.

Curves say how open a raw value is. Roland's controller itself counts the other way (0 is open): whoever imports raw
MIDI turns it around by naming the curve in ``inverted``.
"""

from collections import Counter
from typing import Final

import numpy as np
from pydantic import Field

from drumline.charts.documents import Tree
from drumline.charts.drum_maps import component_label
from drumline.core import plots
from drumline.core.config import Config
from drumline.core.measure import Number, measured, number
from drumline.core.taxonomy import BRANCHES
from drumline.dataset.card_plots import bars
from drumline.quality.gates import Limit, judge_all
from drumline.quality.lines import input_of, lines_to, parts_of, put, stream
from drumline.quality.manifests.curves import LEVELS, MOST_RAW, Curve, Curves, level_of, read_curves
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import WriterConfig, make_report

_HIHATS: Final = frozenset({"hihat", *BRANCHES["hihat"]})
_DECIMALS: Final = 6
_BINS: Final = 10


class OpennessGates(Config):
    """Limits."""

    without_curve: Limit | None = Limit(at_most=0)
    """Hi-hats with a raw value and no curve for it."""
    out_of_range: Limit | None = Limit(at_most=0)
    """Raw values outside 0 to 127; they are brought into it."""
    normalized_share: Limit | None = None
    """Share of all hi-hats that have an openness in the end."""
    largest_change: Limit | None = None
    """The most that an openness that was already there moved."""


class OpennessConfig(WriterConfig):
    """Raw openness of hi-hats to be normalized: events.jsonl."""

    events: str
    """An events JSONL."""
    curves: str
    """An openness_curves.json."""
    offsets: dict[str, float] = Field(default={})
    """Offset by curve id, instead of the file's own."""
    inverted: tuple[str, ...] = ()
    """Curves (by id) whose raw values count from open (0) to closed (127)."""
    keep_told: bool = False
    """Leave an openness alone that is already there."""
    gates: OpennessGates = OpennessGates()


class OpennessFindings(Config):
    """What `normalize openness` found."""

    events: int
    """Lines."""
    hihats: int
    """Hi-hat components."""
    raw: int
    """Of these, with a raw value."""
    normalized: int
    """Of these, normalized now."""
    by_curve: dict[str, int]
    """Normalized components by curve."""
    without_curve: dict[str, int]
    """Raw values without a curve, by device."""
    out_of_range: int
    """Raw values outside 0 to 127."""
    largest_change: Number
    """The most that an openness that was there moved; null where none was."""
    before: tuple[int, ...]
    """Hi-hats by tenth of openness, as they came."""
    after: tuple[int, ...]
    """The same as they go."""
    levels: dict[str, int]
    """Hi-hats by level, as they go."""


class _Count:
    """What was met so far."""

    def __init__(self) -> None:
        self.hihats = self.raw = self.out_of_range = 0
        self.by_curve, self.without = Counter[str](), Counter[str]()
        self.before: list[float] = []
        self.after: list[float] = []
        self.changes: list[float] = []


def check(config: OpennessConfig) -> Outcome:
    """Normalize. Raises DrumlineError where a file cannot be used."""
    curves = read_curves(config.curves, config.offsets)
    count, events = _Count(), 0
    uri = config.place("events.jsonl")
    with lines_to(uri) as write:
        for line in stream(config.events):
            events += 1
            for row, part in parts_of(line):
                if component_label(part.text("label")) in _HIHATS:
                    _normalize(row, part, _curve(part, line.tree, curves), line.tree, config=config, count=count)
            write(line.row)
    findings = OpennessFindings(
        events=events,
        hihats=count.hihats,
        raw=count.raw,
        normalized=count.by_curve.total(),
        by_curve=dict(sorted(count.by_curve.items())),
        without_curve=dict(sorted(count.without.items())),
        out_of_range=count.out_of_range,
        largest_change=number(max(count.changes)) if count.changes else None,
        before=_tenths(count.before),
        after=_tenths(count.after),
        levels={level: sum(level_of(value) == level for value in count.after) for level in LEVELS},
    )
    values = {
        "without_curve": measured(count.without.total()),
        "out_of_range": measured(count.out_of_range),
        "normalized_share": measured(len(count.after) / count.hihats if count.hihats else float("nan")),
        "largest_change": measured(max(count.changes, default=float("nan"))),
    }
    report = make_report(
        "normalize-openness",
        config,
        findings=findings,
        gates=judge_all(config.gates, values),
        inputs=(input_of("events", config.events, events), input_of("curves", config.curves, len(curves.by_device))),
    )
    return Outcome(report, lambda: sections(findings), written=(uri,) if uri else ())


def _curve(part: Tree, event: Tree, curves: Curves) -> Curve | None:
    vendor, model = (event.text(f"device_{word}", "") or event.text(word, "") for word in ("vendor", "model"))
    return curves.find(curve_id=part.text("openness_curve_id", ""), vendor=vendor, model=model)


def _normalize(
    row: dict[str, object], part: Tree, curve: Curve | None, event: Tree, *, config: OpennessConfig, count: _Count
) -> None:
    count.hihats += 1
    told = part.number("openness") if part.has("openness") else None
    if told is not None:
        count.before.append(told)
    openness = told
    if part.has("openness_raw"):
        count.raw += 1
        raw = part.number("openness_raw")
        count.out_of_range += not 0 <= raw <= MOST_RAW
        if curve is None:
            count.without[_device(part, event)] += 1
        elif told is None or not config.keep_told:
            raw = min(max(raw, 0.0), float(MOST_RAW))
            openness = round(curve(MOST_RAW - raw if curve.curve_id in config.inverted else raw), _DECIMALS)
            count.by_curve[curve.curve_id] += 1
            put(row, "openness", openness)
            put(row, "openness_level", level_of(openness))
            put(row, "openness_curve_id", curve.curve_id)
            if told is not None:
                count.changes.append(abs(openness - told))
    if openness is not None:
        count.after.append(openness)


def _device(part: Tree, event: Tree) -> str:
    if name := part.text("openness_curve_id", ""):
        return f"curve {name}"
    words = [event.text(f"device_{word}", "") or event.text(word, "") for word in ("vendor", "model")]
    return " ".join(word for word in words if word) or "not told"


def _tenths(values: list[float]) -> tuple[int, ...]:
    counts, _ = np.histogram(np.clip(values, 0.0, 1.0), bins=_BINS, range=(0.0, 1.0))
    return tuple(counts.tolist())


def sections(found: OpennessFindings) -> tuple[Section, ...]:
    """What the page shows."""
    tenths = [f"{n / _BINS:g}" for n in range(_BINS)]
    sides = {"before": found.before, "after": found.after}
    shares = {name: [number / sum(counts) for number in counts] for name, counts in sides.items() if sum(counts)}
    return (
        Section(
            "Hi-hats",
            facts=(
                ("Events", found.events),
                ("Hi-hats", found.hihats),
                ("With a raw value", found.raw),
                ("Normalized", found.normalized),
                ("Without a curve", sum(found.without_curve.values())),
                ("Largest change", found.largest_change),
            ),
            figures=(
                Figure(
                    "Openness",
                    "Share of the hi-hats that tell it, by tenth: 0 closed, 1 open.",
                    plots.lines("openness", tenths, shares, unit="share", x_label="openness from"),
                ),
                Figure("Levels", "As they go.", bars("levels", found.levels, unit="hi-hats")),
            ),
            tables=(
                Table(("Curve", "Normalized"), tuple(found.by_curve.items())),
                Table(("Device without a curve", "Hi-hats"), tuple(found.without_curve.items())),
            ),
        ),
    )
