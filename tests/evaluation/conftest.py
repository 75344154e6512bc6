"""Songs and predictions as files, for all tests of evaluation."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drumline.charts.annotated_song import AnnotatedSong, Metadata
from drumline.charts.hits_json import write_hits_json
from drumline.core.config import parse_config
from drumline.core.hits import Hit, sorted_hits
from drumline.core.tempo import TempoMap
from drumline.evaluation.config import EvaluationConfig

BEAT = tuple(
    Hit(0.5 * n + shift, label, velocity=velocity)
    for n in range(24)
    for shift, label, velocity in (
        (0.0, ("kick", "snare_head")[n % 2], 0.8),
        (0.0, ("hihat_closed", "ride_body", "crash")[n % 3], 0.5),
        (0.25, ("tom_high", "tom_mid", "tom_floor", "hihat_open", "snare_rim", "ride_bell")[n % 6], 0.3),
    )
)
"""Eleven of the twelve classes, four times each at least."""


def write_songs(folder: Path, songs: Mapping[str, Sequence[Hit]], *, genre: str = "") -> Path:
    """A folder with a ``hits.json`` for each song, as a build reads it."""
    for name, hits in songs.items():
        song = AnnotatedSong("test", sorted_hits(list(hits)), metadata=Metadata(genre=genre), tempo=TempoMap(480))
        (folder / name).mkdir(parents=True)
        (folder / name / "hits.json").write_bytes(write_hits_json(song))
    return folder


def write_predictions(folder: Path, songs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """A folder with a JSON file for each song."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, hits in songs.items():
        (folder / f"{name}.json").write_text(json.dumps({"hits": list(hits)}))
    return folder


def told(hits: Sequence[Hit], *, shift_s: float = 0.0, **more: float) -> list[dict[str, Any]]:
    """Hits as a system writes them."""
    return [
        {"time_s": hit.time_s + shift_s, "label": hit.label, "velocity": hit.velocity or 0.5, **more} for hit in hits
    ]


def config_for(
    truth: Path, systems: Mapping[str, Path] | Sequence[Mapping[str, str]], output: Path, **more: Any
) -> EvaluationConfig:
    """An evaluation of systems (their folders, or whole entries of a configuration) on one folder of songs."""
    if isinstance(systems, Mapping):
        systems = [{"name": name, "predictions": str(folder)} for name, folder in systems.items()]
    tree: dict[str, Any] = {
        "name": "test",
        "truths": [{"name": "truth", "roots": [{"uri": str(truth)}]}],
        "systems": list(systems),
        "output": str(output),
        "bootstrap": {"num_draws": 100},
    }
    return parse_config(EvaluationConfig, tree | more, "test")
