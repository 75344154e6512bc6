"""Run a checkpoint on recordings and write its hits and activations, one file per song.

Recordings come from a built dataset, or from audio beside annotations under roots (a corpus such as MDB), normalised to
the loudness that the model was trained at.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from tqdm import tqdm

from drumline.core.artifacts import join, refuse_foreign_output, write_bytes
from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.dataset.sources import RootConfig
from drumline.decoding.cache import CacheConfig, RecordingActivations
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.peak_picking import decode
from drumline.decoding.presets import Decoding
from drumline.evaluation.checkpoint import open_model
from drumline.evaluation.predictions import hits_as_json
from drumline.evaluation.recordings import Recorded, dataset_recordings, root_recordings


class PredictConfig(Config):
    """Checkpoint, recordings and decoding of a prediction run."""

    checkpoint: str
    """Checkpoint URI, or the output folder of a training run (its best checkpoint is used)."""
    output: str
    """Location of ``predictions/<name>.json`` and ``activations/<name>.npz``."""
    dataset: str = ""
    """Built dataset whose recordings are used."""
    splits: tuple[Literal["train", "validation", "test"], ...] = ("test",)
    """Splits of the dataset to use."""
    roots: tuple[RootConfig, ...] = ()
    """Folders or archives to search for songs, instead of a dataset."""
    domain: Literal["stem", "stems", "mix"] = "stem"
    """Audio domain of songs under roots; songs without it are skipped."""
    decoding: Decoding = DecodeConfig()
    """Decoding of activations into hits."""
    calibration: str = ""
    """Calibration file ``class_thresholds.json``, which overrides the decoding's thresholds."""
    cache: CacheConfig = CacheConfig()
    """Activation cache: decoding again needs no inference."""
    max_songs: int = Field(default=100_000, ge=1)
    """Largest number of recordings."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.dataset) == bool(self.roots):
            raise ValueError("set either `dataset` or `roots`")
        return self


def predict(config: PredictConfig) -> int:
    """Write predictions; returns the number of recordings.

    Raises ConfigError if there are none, or the output holds predictions that drumline did not write.
    """
    refuse_foreign_output(config.output, writes=("predictions",), evidence=("activations",))
    model = open_model(config.checkpoint, config.cache)
    calibration = read_calibration(config.calibration) if config.calibration else None
    number = 0
    for recorded in tqdm(_recordings(config), unit="song", desc="listening"):
        inferred = model.activations_of(recorded)
        document = as_json(inferred, config.decoding, calibration)
        write_bytes(join(config.output, "activations", f"{recorded.name}.npz"), inferred.activations.to_bytes())
        write_bytes(join(config.output, "predictions", f"{recorded.name}.json"), json.dumps(document).encode())
        if (number := number + 1) == config.max_songs:
            break
    if not number:
        raise ConfigError(f"no recordings in {config.dataset or [root.uri for root in config.roots]}")
    return number


def as_json(inferred: RecordingActivations, decoding: DecodeConfig, calibration: Calibration | None) -> dict[str, Any]:
    """Hits in the form that `evaluation.predictions` reads."""
    return hits_as_json(decode([inferred.activations], decoding, calibration).events, inferred.duration_s)


def _recordings(config: PredictConfig) -> Iterator[Recorded]:
    if config.dataset:
        return dataset_recordings(config.dataset, splits=config.splits)
    return root_recordings(config.roots, config.domain)
