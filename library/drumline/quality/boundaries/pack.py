"""`make boundary-pack`: every onset that a streaming system sees near an edge of one of its windows.

Window ``k`` holds ``k * hop <= t < k * hop + window``. An onset is *leading* in a window that began at most ``margin``
before it, and *trailing* in one that ends at most ``margin`` after it. It can be both, in different windows: with a
window of 2,048 ms and a hop of 512 ms, what is leading in window 4 is trailing in window 0.
"""

import math
from collections import Counter
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.core.errors import DrumlineError
from drumline.core.measure import measured
from drumline.dataset.card_plots import stacked_bars
from drumline.quality.boundaries.findings import EDGES
from drumline.quality.gates import Limit, judge_all
from drumline.quality.lines import lines_to
from drumline.quality.onsets import Onset, read_onsets, source_of
from drumline.quality.outcome import Outcome
from drumline.quality.page import Figure, Section
from drumline.quality.report import WriterConfig, make_report

Edge = Literal["leading", "trailing"]


class WindowConfig(Config):
    """The windows of a streaming system."""

    window_ms: float = Field(default=2048.0, gt=0)
    """Length of a window [ms]."""
    hop_ms: float = Field(default=512.0, gt=0)
    """From the start of one window to the next [ms]."""
    margin_ms: float = Field(default=40.0, gt=0)
    """An onset is near an edge up to this distance [ms]."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.hop_ms > self.window_ms or self.margin_ms > self.window_ms / 2:
            raise ValueError("hop_ms must be at most window_ms, margin_ms at most half of it")
        return self


class BoundaryPackGates(Config):
    """Limits."""

    leading: Limit | None = Limit(at_least=1)
    """Samples just after a window's start."""
    trailing: Limit | None = Limit(at_least=1)
    """Samples just before a window's end."""
    labels: Limit | None = None
    """Different labels in the pack."""


class BoundaryPackConfig(WriterConfig):
    """A pack of onsets near the edges of windows: labels.jsonl."""

    events: str
    """An events JSONL, or a built dataset."""
    splits: tuple[str, ...] = ()
    """Only these; all if empty."""
    windows: WindowConfig = WindowConfig()
    gates: BoundaryPackGates = BoundaryPackGates()


class PackFindings(Config):
    """What is in a pack."""

    windows: WindowConfig
    """The windows."""
    onsets: int
    """Onsets that were looked at."""
    samples: dict[str, int]
    """Samples by edge."""
    labels: dict[str, dict[str, int]]
    """Samples by label and edge."""


class Place(NamedTuple):
    """Where an onset stands in a window."""

    window_index: int
    edge: Edge
    distance_ms: float
    """From the edge."""


def near_edges(onset_ms: float, windows: WindowConfig) -> tuple[Place, ...]:
    """Every window in which an onset is near an edge, by index."""
    hop_ms, window_ms, margin_ms = windows.hop_ms, windows.window_ms, windows.margin_ms
    found = []
    # A window more on either side, against rounding; the distances decide.
    last = math.floor(onset_ms / hop_ms)
    for first, edge in ((onset_ms - margin_ms, "leading"), (onset_ms - window_ms, "trailing")):
        start = max(0, math.floor(first / hop_ms) - 1)
        end = last if edge == "leading" else min(last, math.ceil((first + margin_ms) / hop_ms) + 1)
        for index in range(start, end + 1):
            into_ms = onset_ms - index * hop_ms
            if edge == "leading" and 0 <= into_ms <= margin_ms:
                found.append(Place(index, "leading", into_ms))
            elif edge == "trailing" and 0 < window_ms - into_ms <= margin_ms:
                found.append(Place(index, "trailing", window_ms - into_ms))
    return tuple(sorted(found))


def check(config: BoundaryPackConfig) -> Outcome:
    """Write the pack. Raises DrumlineError where the events cannot be read, or none is near an edge."""
    source = source_of(config.events)
    onsets, edges, labels = 0, Counter[str](), Counter[tuple[str, str]]()
    uri = config.place("labels.jsonl")
    with lines_to(uri) as write:
        for onset in read_onsets(config.events):
            if config.splits and onset.split not in config.splits:
                continue
            onsets += 1
            for place in near_edges(1000 * onset.time_s, config.windows):
                edges[place.edge] += 1
                labels.update((label, place.edge) for label in onset.labels)
                write(_line(onset, place, config.windows))
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
        "boundary-pack", config, findings=findings, gates=judge_all(config.gates, values), inputs=(source,)
    )
    return Outcome(report, lambda: sections(findings), written=(uri,) if uri else ())


def sections(found: PackFindings) -> tuple[Section, ...]:
    """What the page shows."""
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


def _line(onset: Onset, place: Place, windows: WindowConfig) -> dict[str, object]:
    """One line of labels.jsonl."""
    onset_ms = round(1000 * onset.time_s, 4)
    return {
        "sample_id": f"{onset.recording}#{place.window_index}-{place.edge}-{onset_ms:.4f}",
        "session_id": onset.group,
        "audio_path": onset.recording,
        "labels": list(onset.labels),
        "edge": place.edge,
        "distance_ms": round(place.distance_ms, 4),
        "onset_ms": onset_ms,
        "window_index": place.window_index,
        "window_start_ms": round(place.window_index * windows.hop_ms, 4),
        "window_size_ms": windows.window_ms,
        "hop_size_ms": windows.hop_ms,
    }
