"""`normalize openness`: convert raw hi-hat controller values to openness with the curve of their device.

A component has a raw value in ``openness_raw`` (0 to 127). Its curve is the one named in ``openness_curve_id``, else
that of the event's ``device_vendor`` and ``device_model``. ``openness``, ``openness_level`` and ``openness_curve_id``
are written; the raw value is kept, so that a better curve can be applied later.

Curves map larger raw values to more open hi-hats. Roland's controllers count the other way (0 is open): for raw MIDI
values list the curve in ``inverted``.
"""

from collections import Counter
from typing import Final

import numpy as np
from pydantic import AliasChoices, Field

from drumline.charts.documents import Tree
from drumline.charts.drum_maps import component_label
from drumline.core import plots
from drumline.core.config import Config
from drumline.core.interval_value import Number, measured, number
from drumline.core.taxonomy import BRANCHES
from drumline.dataset.card_plots import bars
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.lines import describe_file, editable_components, iter_json_lines, json_lines_writer, set_field
from drumline.quality.manifests.curves import LEVELS, MOST_RAW, OpennessCurve, OpennessCurves, level_of, read_curves
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section, Table
from drumline.quality.report import WriterConfig, make_report

_HIHATS: Final = frozenset({"hihat", *BRANCHES["hihat"]})
_DECIMALS: Final = 6
_BINS: Final = 10


class OpennessGates(Config):
    """Limits of `normalize openness`; null disables a gate."""

    without_curve: Limit | None = Limit(at_most=0)
    """Number of hi-hats with a raw value but no curve."""
    out_of_range: Limit | None = Limit(at_most=0)
    """Number of raw values outside 0 to 127, which are clipped."""
    normalized_share: Limit | None = None
    """Share of all hi-hats that have an openness after the run."""
    largest_change: Limit | None = None
    """Largest change of an existing openness value, 0 to 1."""


class OpennessConfig(WriterConfig):
    """Event manifest whose raw hi-hat values are converted; writes events.jsonl."""

    events: str
    """Event manifest (JSON lines): path or URI."""
    curves: str
    """Openness curves: an openness_curves.json."""
    offsets: dict[str, float] = Field(default={})
    """Offset by curve id; overrides those of the file."""
    inverted: tuple[str, ...] = ()
    """Ids of curves whose raw values run from open (0) to closed (127)."""
    keep_existing: bool = Field(default=False, validation_alias=AliasChoices("keep_existing", "keep_told"))
    """Keep openness values that components already have (earlier name: ``keep_told``)."""
    gates: OpennessGates = OpennessGates()


class OpennessFindings(Config):
    """Findings of `normalize openness` in its report.json."""

    events: int
    """Number of events."""
    hihats: int
    """Number of hi-hat components."""
    raw: int
    """Number of hi-hats with a raw value."""
    normalized: int
    """Number of hi-hats converted in this run."""
    by_curve: dict[str, int]
    """Converted hi-hats by curve."""
    without_curve: dict[str, int]
    """Raw values without a curve, by device."""
    out_of_range: int
    """Number of raw values outside 0 to 127."""
    largest_change: Number
    """Largest change of an existing openness value; null if there was none."""
    before: tuple[int, ...]
    """Hi-hats by tenth of openness before the run."""
    after: tuple[int, ...]
    """Hi-hats by tenth of openness after the run."""
    levels: dict[str, int]
    """Hi-hats by openness level after the run."""


class _OpennessCount:
    """Running counts of hi-hats and openness values."""

    def __init__(self) -> None:
        self.hihats = self.raw = self.out_of_range = 0
        self.by_curve, self.without = Counter[str](), Counter[str]()
        self.before: list[float] = []
        self.after: list[float] = []
        self.changes: list[float] = []


def run(config: OpennessConfig) -> CheckResult:
    """Convert openness values. Raises DrumlineError if a file cannot be used."""
    curves = read_curves(config.curves, config.offsets)
    count, events = _OpennessCount(), 0
    uri = config.output_uri("events.jsonl")
    with json_lines_writer(uri) as write:
        for line in iter_json_lines(config.events):
            events += 1
            for row, part in editable_components(line):
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
        gates=apply_limits(config.gates, values),
        inputs=(
            describe_file("events", config.events, events),
            describe_file("curves", config.curves, len(curves.by_device)),
        ),
    )
    return CheckResult(report, lambda: sections(findings), written=(uri,) if uri else ())


def _curve(part: Tree, event: Tree, curves: OpennessCurves) -> OpennessCurve | None:
    vendor, model = (event.text(f"device_{word}", "") or event.text(word, "") for word in ("vendor", "model"))
    return curves.find(curve_id=part.text("openness_curve_id", ""), vendor=vendor, model=model)


def _normalize(
    row: dict[str, object],
    part: Tree,
    curve: OpennessCurve | None,
    event: Tree,
    *,
    config: OpennessConfig,
    count: _OpennessCount,
) -> None:
    count.hihats += 1
    existing = part.number("openness") if part.has("openness") else None
    if existing is not None:
        count.before.append(existing)
    openness = existing
    if part.has("openness_raw"):
        count.raw += 1
        raw = part.number("openness_raw")
        count.out_of_range += not 0 <= raw <= MOST_RAW
        if curve is None:
            count.without[_device(part, event)] += 1
        elif existing is None or not config.keep_existing:
            raw = min(max(raw, 0.0), float(MOST_RAW))
            openness = round(curve(MOST_RAW - raw if curve.curve_id in config.inverted else raw), _DECIMALS)
            count.by_curve[curve.curve_id] += 1
            set_field(row, "openness", openness)
            set_field(row, "openness_level", level_of(openness))
            set_field(row, "openness_curve_id", curve.curve_id)
            if existing is not None:
                count.changes.append(abs(openness - existing))
    if openness is not None:
        count.after.append(openness)


def _device(part: Tree, event: Tree) -> str:
    if name := part.text("openness_curve_id", ""):
        return f"curve {name}"
    words = [event.text(f"device_{word}", "") or event.text(word, "") for word in ("vendor", "model")]
    return " ".join(word for word in words if word) or "unspecified"


def _tenths(values: list[float]) -> tuple[int, ...]:
    counts, _ = np.histogram(np.clip(values, 0.0, 1.0), bins=_BINS, range=(0.0, 1.0))
    return tuple(counts.tolist())


def sections(found: OpennessFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
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
                ("Converted", found.normalized),
                ("Without a curve", sum(found.without_curve.values())),
                ("Largest change", found.largest_change),
            ),
            figures=(
                Figure(
                    "Openness",
                    "Share of the hi-hats with known openness, by tenth: 0 closed, 1 open.",
                    plots.lines("openness", tenths, shares, unit="share", x_label="openness from"),
                ),
                Figure("Levels", "Openness levels after the run.", bars("levels", found.levels, unit="hi-hats")),
            ),
            tables=(
                Table(("OpennessCurve", "Converted"), tuple(found.by_curve.items())),
                Table(("Device without a curve", "Hi-hats"), tuple(found.without_curve.items())),
            ),
        ),
    )
