"""Run inference with a training checkpoint, with an activation cache (`decoding.cache`)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drumline.core.artifacts import sha256
from drumline.core.config import fingerprint
from drumline.core.hit_arrays import Events
from drumline.decoding.activations import Activations
from drumline.decoding.cache import ActivationsCache, CacheConfig, RecordingActivations, key
from drumline.decoding.calibration import read_calibration
from drumline.decoding.chunked_inference import CHUNK_S
from drumline.decoding.config import DecodeConfig
from drumline.decoding.infer import MARGIN_S, infer
from drumline.decoding.peak_picking import decode
from drumline.evaluation.recordings import Recorded, recording_of
from drumline.features.logmel_torch import LogMel
from drumline.model.network import HierarchicalDrumCRNN
from drumline.training import checkpoints
from drumline.training.config import TrainConfig


@dataclass(frozen=True)
class CheckpointModel:
    """A loaded checkpoint with its activation cache."""

    network: HierarchicalDrumCRNN
    features: LogMel
    identity: str
    """Fingerprint of the weights and of the inference settings."""
    cache: ActivationsCache

    def infer_samples(self, samples: NDArray[np.float32]) -> Activations:
        """Infer from mono samples [N] at 22,050 Hz and -14 LUFS; activations are rounded as in the cache."""
        return infer(self.network, self.features, samples).rounded()

    def activations_of(self, recorded: Recorded) -> RecordingActivations:
        """Activations of a recording, from the cache or by inference."""

        def compute() -> RecordingActivations:
            samples = recorded.read()
            return RecordingActivations(self.infer_samples(samples), len(samples), 0)

        return self._cached(recorded.sha256, compute)

    def window_activations(self, recorded: Recorded, windows: Sequence[tuple[int, int]]) -> list[Activations]:
        """Activations of each window of a recording, given as (first sample, sample after the last), without
        context."""

        def compute() -> RecordingActivations:
            samples = recorded.read()
            activations = [self.infer_samples(np.ascontiguousarray(samples[first:last])) for first, last in windows]
            return RecordingActivations(
                Activations.joined(activations), sum(last - first for first, last in windows), 0
            )

        joined = self._cached(sha256(f"{recorded.sha256} {windows}".encode()), compute).activations
        ends = np.cumsum([joined.grid.num_frames(last - first) for first, last in windows]).tolist()
        return [joined.cut(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def _cached(self, audio_sha256: str, compute: Callable[[], RecordingActivations]) -> RecordingActivations:
        entry = key(audio_sha256, model=self.identity, features=self.features.config)
        inferred = self.cache.get(entry)
        if inferred is None:
            inferred = compute()
            self.cache.put(entry, inferred)
        return inferred


def transcriber_of(
    checkpoint: str, *, calibration: str, decoding: DecodeConfig
) -> Callable[[Sequence[Path]], tuple[Events, float]]:
    """Build a transcription function from a checkpoint: simultaneous files -> hits and duration [s].

    Raises ConfigError if the checkpoint or calibration does not exist.
    """
    model = open_model(checkpoint, CacheConfig())
    fitted = read_calibration(calibration) if calibration else None

    def transcribe(files: Sequence[Path]) -> tuple[Events, float]:
        recorded = recording_of(files[0].stem, [(file.name, file.read_bytes()) for file in files])
        inferred = model.activations_of(recorded)
        return decode([inferred.activations], decoding, fitted).events, inferred.duration_s

    return transcribe


def open_model(checkpoint: str, cache: CacheConfig) -> CheckpointModel:
    """Load a checkpoint, or the best one of a run. Raises ConfigError if there is none, DrumlineError if damaged."""
    found = checkpoints.load(checkpoints.best_of(checkpoint))
    config = TrainConfig.model_validate_json(found.config)
    network = HierarchicalDrumCRNN(config.model)
    network.load_state_dict(dict(found.weights))
    digest = hashlib.sha256()
    for name, values in sorted(network.state_dict().items()):
        digest.update(name.encode() + values.numpy().tobytes())
    identity = fingerprint("checkpoint", config.model, digest.hexdigest(), f"{CHUNK_S} {MARGIN_S}")
    return CheckpointModel(network.eval(), LogMel(config.features), identity, ActivationsCache.of(cache))
