"""`make boundary-pack`: every onset that a streaming system sees near an edge of one of its windows.

Window ``k`` holds ``k * hop <= t < k * hop + window``. An onset is *leading* in a window that began at most ``margin``
before it, and *trailing* in one that ends at most ``margin`` after it. It can be both, in different windows: with a
window of 2,048 ms and a hop of 512 ms, what is leading in window 4 is trailing in window 0.
"""

import math
from collections import Counter
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from drumline.core.artifacts import STORAGE_ERRORS, join, write_bytes
from drumline.core.config import Config, canonical_json
from drumline.core.errors import ConfigError, DrumlineError
from drumline.quality.onsets import Onset, read_onsets, source_of
from drumline.quality.report import Input

SCHEMA_VERSION = 1
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


class BoundaryPackConfig(Config):
    """A pack of onsets near the edges of windows."""

    events: str
    """An events JSONL, or a built dataset."""
    output: str
    """Folder or URI for labels.jsonl and pack.json."""
    splits: tuple[str, ...] = ()
    """Only these; all if empty."""
    windows: WindowConfig = WindowConfig()


class Pack(Config):
    """What `pack.json` says."""

    schema_version: int = SCHEMA_VERSION
    """Of this file and of labels.jsonl."""
    source: Input
    """What it was made from."""
    windows: WindowConfig
    """The windows."""
    onsets: int
    """Onsets that were looked at."""
    samples: dict[str, int]
    """Samples by edge."""
    labels: dict[str, int]
    """Samples by label."""


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


def make(config: BoundaryPackConfig) -> Pack:
    """Write the pack. Raises DrumlineError where the events cannot be read, or none is near an edge."""
    source = source_of(config.events)
    onsets, edges, labels, lines = 0, Counter[str](), Counter[str](), []
    for onset in read_onsets(config.events):
        if config.splits and onset.split not in config.splits:
            continue
        onsets += 1
        for place in near_edges(1000 * onset.time_s, config.windows):
            edges[place.edge] += 1
            labels.update(onset.labels)
            lines.append(canonical_json(_line(onset, place, config.windows)))
    if not lines:
        raise DrumlineError(
            f"{config.events}: none of {onsets} onsets is within {config.windows.margin_ms:g} ms of an edge"
            + (f" (splits {', '.join(config.splits)})" if config.splits else "")
        )
    pack = Pack(
        source=source, windows=config.windows, onsets=onsets, samples=dict(sorted(edges.items())),
        labels=dict(sorted(labels.items())),
    )  # fmt: skip
    try:
        write_bytes(join(config.output, "labels.jsonl"), ("\n".join(lines) + "\n").encode())
        write_bytes(join(config.output, "pack.json"), (canonical_json(pack, indent=1) + "\n").encode())
    except STORAGE_ERRORS as error:
        raise ConfigError(f"output: {config.output}: cannot be written ({error or type(error).__name__})") from error
    return pack


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
