"""Phrases written as drum machines write them, rendered on a kit, and told as events.

A bar is a line a drum: ``x`` a stroke, ``X`` an accent, ``o`` a ghost note, ``1`` to ``9`` its velocity in tenths,
``.`` nothing. A drum is a component's name, perhaps with a variant (``crash:low``) or an openness (``hihat_open:0.9``).
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from drumline.charts.drum_maps import component_label
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit, sorted_hits
from drumline.rendering.patterns import drum_lines
from drumline.rendering.play import play
from drumline.rendering.synth_kit import synth_kit

KIT = synth_kit(1, rate_hz=RATE_HZ)
VELOCITIES = {"x": 0.7, "X": 0.95, "o": 0.2}


def played(bar: str, *, bar_s: float = 2.0, repeat: int = 1, **told: Any) -> list[dict[str, Any]]:
    """The events of a phrase, as the labels of its rendering say them. ``told`` stands in each."""
    hits = []
    for drum, line in drum_lines(bar).items():
        for step, mark in enumerate(line * repeat):
            if mark != ".":
                name, _, more = drum.partition(":")
                velocity = VELOCITIES.get(mark) or int(mark) / 10
                time_s = 0.1 + step * bar_s / len(line)
                hits.append(Hit(time_s, component_label(name), velocity=velocity, source_name=f"{name}:{more}"))
    played = play(sorted_hits(hits), kit=KIT, duration_s=0.6 + bar_s * repeat)
    assert any(samples.any() for samples in played.pieces.values()) or all(hit.label == "other" for hit in played.hits)
    events: defaultdict[float, list[dict[str, Any]]] = defaultdict(list)
    for hit in played.hits:
        events[hit.time_s].append(_component(hit))
    return [
        {"session_id": "phrase", "audio_path": "phrase.wav", "onset_time": time_s, "components": parts, **told}
        for time_s, parts in sorted(events.items())
    ]


def _component(hit: Hit) -> Mapping[str, Any]:
    name, _, more = hit.source_name.partition(":")
    told: dict[str, Any] = {"label": name, "velocity": hit.velocity}
    if more.replace(".", "").isdigit():
        return told | {"openness": float(more)}
    return told | ({"instrument_variant": more} if more else {})
