"""What a checkpoint says of recordings, written as any system's predictions are: hits and activations, a file a song.

Recordings are those of a built dataset, or audio that stands beside annotations under roots (a corpus such as MDB),
which is brought to the loudness that the model was trained at.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from tqdm import tqdm

from drumline.audio import decode as audio
from drumline.audio.loudness import amplify, decode_flac, measure
from drumline.core.artifacts import join, write_bytes
from drumline.core.config import Config
from drumline.core.errors import ConfigError
from drumline.core.grid import RATE_HZ
from drumline.dataset.manifest import read_manifest
from drumline.dataset.parquet import open_parquet
from drumline.dataset.reading import read_song
from drumline.dataset.sources import RootConfig, SongSource, find_songs
from drumline.decoding.activations import Activations
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.infer import infer
from drumline.decoding.presets import Decoding
from drumline.decoding.strokes import DecodeConfig, strokes
from drumline.features.logmel_torch import LogMel
from drumline.metrics.vocabulary import LABEL_NAMES
from drumline.model.network import HierarchicalDrumCRNN
from drumline.training import checkpoints
from drumline.training.config import TrainConfig

log = logging.getLogger("drumline")


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
    max_songs: int = Field(default=100_000, ge=1)
    """At most so many recordings."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.dataset) == bool(self.roots):
            raise ValueError("set either `dataset` or `roots`")
        return self


@dataclass(frozen=True)
class Model:
    """A checkpoint ready to listen."""

    network: HierarchicalDrumCRNN
    features: LogMel

    def listen(self, samples: NDArray[np.float32]) -> Activations:
        """Mono samples [N] at 22,050 Hz and -14 LUFS; rounded as a file keeps it, so that its hits are those told."""
        return infer(self.network, self.features, samples).rounded()


def open_model(checkpoint: str) -> Model:
    """The model of a checkpoint or of a run. Raises ConfigError where there is none, DrumlineError if damaged."""
    uri = checkpoint if checkpoint.endswith(".pt") else checkpoints.best_of(checkpoint)
    found = checkpoints.load(uri)
    config = TrainConfig.model_validate_json(found.config)
    network = HierarchicalDrumCRNN(config.model)
    network.load_state_dict(dict(found.weights))
    return Model(network.eval(), LogMel(config.features))


def predict(config: PredictConfig) -> int:
    """Write the predictions; gives the number of recordings. Raises ConfigError where there are none."""
    model = open_model(config.checkpoint)
    calibration = read_calibration(config.calibration) if config.calibration else None
    number = 0
    for name, samples in tqdm(_recordings(config), unit="song", desc="listening"):
        activations = model.listen(samples)
        told = as_json(activations, config.decoding, calibration, duration_s=len(samples) / RATE_HZ)
        write_bytes(join(config.output, "activations", f"{name}.npz"), activations.to_bytes())
        write_bytes(join(config.output, "predictions", f"{name}.json"), json.dumps(told).encode())
        if (number := number + 1) == config.max_songs:
            break
    if not number:
        raise ConfigError(f"nothing to listen to in {config.dataset or [root.uri for root in config.roots]}")
    return number


def as_json(
    activations: Activations, decoding: DecodeConfig, calibration: Calibration | None, *, duration_s: float
) -> dict[str, Any]:
    """Hits as `evaluation.predictions` reads them."""
    hits = strokes([activations], decoding, calibration).events
    columns = zip(hits.time_s, hits.label, hits.velocity, hits.confidence, strict=True)
    return {
        "duration_s": duration_s,
        "hits": [
            {
                "time_s": round(float(time_s), 5),
                "class": LABEL_NAMES[label],
                "velocity": round(float(velocity), 4),
                "confidence": round(float(confidence), 4),
            }
            for time_s, label, velocity, confidence in columns
        ],
    }


def _recordings(config: PredictConfig) -> Iterator[tuple[str, NDArray[np.float32]]]:
    if config.dataset:
        for split in config.splits:
            for shard in read_manifest(config.dataset).shards(split):
                yield from _of_shard(join(config.dataset, shard))
        return
    for source in find_songs(config.roots):
        samples = _audio(source, config.domain)
        if samples is not None:
            yield source.key, amplify(samples, measure(samples).gain_db)


def _of_shard(uri: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    with open_parquet(uri) as shard:
        for number in range(shard.num_row_groups):
            row = shard.row_group(number, ["song_id", "domain", "audio_flac", "headroom_db"]).to_pylist()[0]
            yield f"{row['song_id']}.{row['domain']}", amplify(decode_flac(row["audio_flac"]), row["headroom_db"])


def _audio(source: SongSource, domain: str) -> NDArray[np.float32] | None:
    """The audio of a song in a domain, mono at 22,050 Hz, as a build would decode it."""
    read = read_song(source, difficulty="expert")
    choice = next((choice for choice in read.audio if choice.domain == domain), None)
    if choice is None:
        log.warning("%s: has no %s; left out", source.key, domain)
        return None
    settings = audio.AudioConfig(min_duration_s=0.4)
    decoded = [audio.decode(read.load(name), name=name, config=settings) for name in choice.files]
    return audio.mix(decoded).samples
