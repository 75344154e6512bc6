"""`make boundary-pack`: collect every onset that a streaming system sees near an edge of one of its windows.

Window ``k`` holds ``k * hop <= t < k * hop + window``. An onset is *leading* in a window that began at most ``margin``
before it, and *trailing* in one that ends at most ``margin`` after it. It can be both, in different windows: with a
window of 2,048 ms and a hop of 512 ms, an onset that is leading in window 4 is trailing in window 0.
"""

import math
from collections import Counter
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.core.errors import DrumlineError
from drumline.core.interval_value import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.quality.boundaries.findings import EDGES
from drumline.quality.gates import Limit, apply_limits
from drumline.quality.lines import json_lines_writer
from drumline.quality.onsets import Onset, describe_source, iter_onsets
from drumline.quality.outcome import CheckResult
from drumline.quality.page import Figure, Section
from drumline.quality.report import WriterConfig, make_report

Edge = Literal["leading", "trailing"]


class WindowConfig(Config):
    """Window length and hop of a streaming system, and the width of its edges."""

    window_ms: float = Field(default=2048.0, gt=0)
    """Window length [ms]."""
    hop_ms: float = Field(default=512.0, gt=0)
    """Distance between the starts of successive windows [ms]."""
    margin_ms: float = Field(default=40.0, gt=0)
    """Largest distance of an onset from an edge that it counts as near [ms]."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.hop_ms > self.window_ms or self.margin_ms > self.window_ms / 2:
            raise ValueError("hop_ms must be at most window_ms, margin_ms at most half of it")
        return self


class BoundaryPackGates(Config):
    """Limits of `make boundary-pack`; null disables a gate."""

    leading: Limit | None = Limit(at_least=1)
    """Number of samples just after the start of a window."""
    trailing: Limit | None = Limit(at_least=1)
    """Number of samples just before the end of a window."""
    labels: Limit | None = None
    """Number of distinct labels in the pack."""


class BoundaryPackConfig(WriterConfig):
    """Source and window settings of a boundary pack; writes labels.jsonl."""

    events: str
    """Event manifest (JSON lines) or built dataset."""
    splits: tuple[str, ...] = ()
    """Splits to use; all if empty."""
    windows: WindowConfig = WindowConfig()
    gates: BoundaryPackGates = BoundaryPackGates()


class PackFindings(Config):
    """Findings of `make boundary-pack` in its report.json."""

    windows: WindowConfig
    """Window settings of the pack."""
    onsets: int
    """Number of onsets in the source."""
    samples: dict[str, int]
    """Number of samples by edge."""
    labels: dict[str, dict[str, int]]
    """Number of samples by label and edge."""


class EdgePosition(NamedTuple):
    """Position of an onset near the edge of a window."""

    window_index: int
    edge: Edge
    distance_ms: float
    """Distance from the edge [ms]."""


def near_edges(onset_ms: float, windows: WindowConfig) -> tuple[EdgePosition, ...]:
    """All windows in which an onset is near an edge, ordered by window index."""
    hop_ms, window_ms, margin_ms = windows.hop_ms, windows.window_ms, windows.margin_ms
    found = []
    # One window more on either side guards against rounding; the distances decide.
    last = math.floor(onset_ms / hop_ms)
    for first, edge in ((onset_ms - margin_ms, "leading"), (onset_ms - window_ms, "trailing")):
        start = max(0, math.floor(first / hop_ms) - 1)
        end = last if edge == "leading" else min(last, math.ceil((first + margin_ms) / hop_ms) + 1)
        for index in range(start, end + 1):
            offset_ms = onset_ms - index * hop_ms
            if edge == "leading" and 0 <= offset_ms <= margin_ms:
                found.append(EdgePosition(index, "leading", offset_ms))
            elif edge == "trailing" and 0 < window_ms - offset_ms <= margin_ms:
                found.append(EdgePosition(index, "trailing", window_ms - offset_ms))
    return tuple(sorted(found))


def run(config: BoundaryPackConfig) -> CheckResult:
    """Write a boundary pack. Raises DrumlineError if events cannot be read or no onset is near an edge."""
    source = describe_source(config.events)
    onsets, edges, labels = 0, Counter[str](), Counter[tuple[str, str]]()
    uri = config.output_uri("labels.jsonl")
    with json_lines_writer(uri) as write:
        for onset in iter_onsets(config.events):
            if config.splits and onset.split not in config.splits:
                continue
            onsets += 1
            for position in near_edges(1000 * onset.time_s, config.windows):
                edges[position.edge] += 1
                labels.update((label, position.edge) for label in onset.labels)
                write(_line(onset, position, config.windows))
        if not edges:
            raise DrumlineError(
                f"{config.events}: none of {onsets} onsets is within {config.windows.margin_ms:g} ms of an edge"
                + (f" (splits {', '.join(config.splits)})" if config.splits else "")
            )
    names = sorted({label for label, _ in labels})
    findings = PackFindings(
        windows=config.windows,
        onsets=onsets,
        samples={edge: edges[edge] for edge in EDGES},
        labels={label: {edge: labels[label, edge] for edge in EDGES} for label in names},
    )
    values = {edge: measured(number) for edge, number in findings.samples.items()} | {"labels": measured(len(names))}
    report = make_report(
        "boundary-pack", config, findings=findings, gates=apply_limits(config.gates, values), inputs=(source,)
    )
    return CheckResult(report, lambda: sections(findings), written=(uri,) if uri else ())


def sections(found: PackFindings) -> tuple[Section, ...]:
    """Sections of the HTML page."""
    windows = found.windows
    drawing = stacked_bars("pack", found.labels, unit="samples")
    return (
        Section(
            "Samples",
            f"Windows of {windows.window_ms:g} ms every {windows.hop_ms:g} ms, edges of {windows.margin_ms:g} ms.",
            facts=(("Onsets", found.onsets), *((edge.capitalize(), found.samples[edge]) for edge in EDGES)),
            figures=(Figure("Labels", "Samples by label and edge.", drawing),),
        ),
    )


def _line(onset: Onset, position: EdgePosition, windows: WindowConfig) -> dict[str, object]:
    """One line of labels.jsonl."""
    onset_ms = round(1000 * onset.time_s, 4)
    return {
        "sample_id": f"{onset.recording}#{position.window_index}-{position.edge}-{onset_ms:.4f}",
        "session_id": onset.group,
        "audio_path": onset.recording,
        "labels": list(onset.labels),
        "edge": position.edge,
        "distance_ms": round(position.distance_ms, 4),
        "onset_ms": onset_ms,
        "window_index": position.window_index,
        "window_start_ms": round(position.window_index * windows.hop_ms, 4),
        "window_size_ms": windows.window_ms,
        "hop_size_ms": windows.hop_ms,
    }
