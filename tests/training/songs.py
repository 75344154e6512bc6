"""A dataset of a few rendered songs, written by hand in a moment, and configurations to train on it."""

from pathlib import Path
from typing import Any

import numpy as np
from tests.dataset.small_dataset import write_rows

from drumline.audio.loudness import encode_flac
from drumline.core.config import parse_config
from drumline.core.grid import RATE_HZ
from drumline.core.hits import Hit
from drumline.dataset.tables import EVENTS
from drumline.rendering.play import render
from drumline.rendering.synth_kit import synth_kit
from drumline.training.config import TrainConfig

CLASSES = ("kick", "snare_head", "tom_floor", "hihat_closed", "crash")
OFF = {"probability": 0.0}
AS_IT_IS = {name: OFF for name in ("cross_fade", "speed", "stretch", "pitch", "room", "equaliser", "saturation")} | {
    name: OFF for name in ("crowd", "noise", "level")
}
"""No augmentation of audio."""


def strokes(number: int, duration_s: float) -> list[Hit]:
    """A song: at most times one drum or two, from 60 ms to 400 ms apart."""
    random = np.random.default_rng((7, number))
    times_s = np.cumsum(random.choice([0.06, 0.1, 0.2, 0.4], round(20 * duration_s))) + 0.1
    hits = []
    for time_s in times_s[times_s < duration_s - 0.2]:
        for label in random.choice(CLASSES, random.integers(1, 3), replace=False, p=[0.3, 0.25, 0.1, 0.3, 0.05]):
            hits.append(Hit(float(time_s), str(label), velocity=float(random.uniform(0.4, 1.0))))
    return hits


def write_songs(folder: Path, *, train: int = 4, validation: int = 2, duration_s: float = 6.0) -> str:
    """Songs of both splits, a shard each, all on one kit."""
    kit = synth_kit(1, rate_hz=RATE_HZ)
    rows = []
    for number in range(train + validation):
        split = "train" if number < train else "validation"
        hits = strokes(number, duration_s)
        samples = render(hits, kit=kit, duration_s=duration_s, seed=number)
        events = [
            {field.name: None for field in EVENTS}
            | {"time_s": hit.time_s, "chart_s": hit.time_s, "frame_128": 0, "frame_64": 0, "label": hit.label}
            | {"evidence": "performance", "flags": [], "source_name": "", "velocity": hit.velocity}
            for hit in hits
        ]
        rows.append(
            {
                "song_id": f"song{number}",
                "key": f"songs/{number}",
                "domain": "stem",
                "tempo_bpm": 120.0,
                "num_samples": len(samples),
                "duration_s": duration_s,
                "gain_db": 0.0,
                "headroom_db": 0.0,
                "unannotated": [],
                "split": split,
                "shard": f"shards/{split}-00000-abc.parquet",
                "audio_flac": encode_flac(samples),
                "hits": events,
            }
        )
    return write_rows(folder, rows)


def train_config(dataset: str, output: str | Path, **changes: Any) -> TrainConfig:
    """A tiny model, few steps, nothing random but the windows; with changes of whole sections."""
    tree: dict[str, Any] = {
        "name": "test",
        "dataset": dataset,
        "output": str(output),
        "model": {
            "preset": "small",
            "bands": 32,
            "channels": [8, 8],
            "pooling": [2, 2],
            "context_width": 16,
            "context_layers": 1,
            "branch_width": 16,
            "dropout": 0.0,
        },
        "features": {"bands": 32},
        "sampling": {"batch_size": 4, "batches": 4, "num_samples": 128 * 128},
        "weights": {"window_s": 1.0, "stride_s": 0.5},
        "stages": [{"name": "all", "epochs": 2, "schedule": {"warmup_steps": 4}}],
        "augment": AS_IT_IS,
        "spec_augment": {"time_masks": 0, "band_masks": 0},
        "mixup": OFF,
        "validation": {"max_recordings": 2},
        "logs": {"every_steps": 2, "pictures": 1},
        "workers": {"loader_cpus": 1.0},
        "ray": {"address": "local", "num_cpus": 2},
    }
    return parse_config(TrainConfig, {**tree, **changes}, location="test")
