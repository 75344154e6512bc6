"""What a checkpoint says of recordings, written as any system's predictions are: hits and activations, a file a song.

Recordings are those of a built dataset, or audio that stands beside annotations under roots (a corpus such as MDB),
which is brought to the loudness that the model was trained at.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from tqdm import tqdm

from drumline.core.artifacts import join, write_bytes
from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.dataset.sources import RootConfig
from drumline.decoding.cache import CacheConfig, Hearing
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.presets import Decoding
from drumline.decoding.strokes import DecodeConfig, strokes
from drumline.evaluation.checkpoint import open_model
from drumline.evaluation.predictions import hits_as_json
from drumline.evaluation.recordings import Recorded, dataset_recordings, root_recordings


class PredictConfig(Config):
    """A checkpoint, and what it is to listen to."""

    checkpoint: str
    """A checkpoint's URI, or a training run's output: then its best."""
    output: str
    """Where ``predictions/<name>.json`` and ``activations/<name>.npz`` go."""
    dataset: str = ""
    """A built dataset."""
    splits: tuple[Literal["train", "validation", "test"], ...] = ("test",)
    """Of a dataset: which splits."""
    roots: tuple[RootConfig, ...] = ()
    """Where songs are, instead of a dataset."""
    domain: Literal["stem", "stems", "mix"] = "stem"
    """Of songs under roots: what to listen to. Those without it are left out."""
    decoding: Decoding = DecodeConfig()
    """How activations become hits."""
    calibration: str = ""
    """A ``class_thresholds.json``, which stands above the decoding's thresholds."""
    cache: CacheConfig = CacheConfig()
    """What the checkpoint says of recordings: another decoding never listens again."""
    max_songs: int = Field(default=100_000, ge=1)
    """At most so many recordings."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.dataset) == bool(self.roots):
            raise ValueError("set either `dataset` or `roots`")
        return self


def predict(config: PredictConfig) -> int:
    """Write the predictions; gives the number of recordings. Raises ConfigError where there are none."""
    model = open_model(config.checkpoint, config.cache)
    calibration = read_calibration(config.calibration) if config.calibration else None
    number = 0
    for recorded in tqdm(_recordings(config), unit="song", desc="listening"):
        hearing = model.hear(recorded)
        told = as_json(hearing, config.decoding, calibration)
        write_bytes(join(config.output, "activations", f"{recorded.name}.npz"), hearing.activations.to_bytes())
        write_bytes(join(config.output, "predictions", f"{recorded.name}.json"), json.dumps(told).encode())
        if (number := number + 1) == config.max_songs:
            break
    if not number:
        raise ConfigError(f"nothing to listen to in {config.dataset or [root.uri for root in config.roots]}")
    return number


def as_json(hearing: Hearing, decoding: DecodeConfig, calibration: Calibration | None) -> dict[str, Any]:
    """Hits as `evaluation.predictions` reads them."""
    return hits_as_json(strokes([hearing.activations], decoding, calibration).events, hearing.duration_s)


def _recordings(config: PredictConfig) -> Iterator[Recorded]:
    if config.dataset:
        return dataset_recordings(config.dataset, splits=config.splits)
    return root_recordings(config.roots, config.domain)
