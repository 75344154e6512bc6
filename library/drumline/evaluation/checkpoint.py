"""A checkpoint that listens, and remembers what it said (`decoding.cache`): nothing is listened to twice."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drumline.core.artifacts import sha256
from drumline.core.config import fingerprint
from drumline.decoding.activations import Activations
from drumline.decoding.cache import ActivationsCache, CacheConfig, Hearing, key
from drumline.decoding.calibration import read_calibration
from drumline.decoding.infer import MARGIN_S, infer
from drumline.decoding.listening import CHUNK_S
from drumline.decoding.strokes import DecodeConfig, strokes
from drumline.evaluation.recordings import Recorded, recording_of
from drumline.features.logmel_torch import LogMel
from drumline.metrics.events import Events
from drumline.model.network import HierarchicalDrumCRNN
from drumline.training import checkpoints
from drumline.training.config import TrainConfig


@dataclass(frozen=True)
class Model:
    """A checkpoint ready to listen."""

    network: HierarchicalDrumCRNN
    features: LogMel
    identity: str
    """Of its weights, and of how it listens."""
    cache: ActivationsCache

    def listen(self, samples: NDArray[np.float32]) -> Activations:
        """Mono samples [N] at 22,050 Hz and -14 LUFS; rounded as a file keeps it, so that its hits are those told."""
        return infer(self.network, self.features, samples).rounded()

    def hear(self, recorded: Recorded) -> Hearing:
        """What it says of a recording, now or before."""

        def listened() -> Hearing:
            samples = recorded.read()
            return Hearing(self.listen(samples), len(samples), 0)

        return self._kept(recorded.sha256, listened)

    def hear_windows(self, recorded: Recorded, windows: Sequence[tuple[int, int]]) -> list[Activations]:
        """What it says of each window of a recording (first sample, and that after the last) by itself."""

        def listened() -> Hearing:
            samples = recorded.read()
            told = [self.listen(np.ascontiguousarray(samples[first:last])) for first, last in windows]
            return Hearing(Activations.joined(told), sum(last - first for first, last in windows), 0)

        joined = self._kept(sha256(f"{recorded.sha256} {windows}".encode()), listened).activations
        ends = np.cumsum([joined.grid.num_frames(last - first) for first, last in windows]).tolist()
        return [joined.cut(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def _kept(self, audio_sha256: str, listened: Callable[[], Hearing]) -> Hearing:
        entry = key(audio_sha256, model=self.identity, features=self.features.config)
        hearing = self.cache.get(entry)
        if hearing is None:
            hearing = listened()
            self.cache.put(entry, hearing)
        return hearing


def transcriber_of(
    checkpoint: str, *, calibration: str, decoding: DecodeConfig
) -> Callable[[Sequence[Path]], tuple[Events, float]]:
    """A checkpoint as a function: files that sound together -> hits, and the duration [s].

    Raises ConfigError where there is no such checkpoint or calibration.
    """
    model = open_model(checkpoint, CacheConfig())
    fitted = read_calibration(calibration) if calibration else None

    def transcribe(files: Sequence[Path]) -> tuple[Events, float]:
        recorded = recording_of(files[0].stem, [(file.name, file.read_bytes()) for file in files])
        hearing = model.hear(recorded)
        return strokes([hearing.activations], decoding, fitted).events, hearing.duration_s

    return transcribe


def open_model(checkpoint: str, cache: CacheConfig) -> Model:
    """The model of a checkpoint or of a run. Raises ConfigError where there is none, DrumlineError if damaged."""
    found = checkpoints.load(checkpoints.best_of(checkpoint))
    config = TrainConfig.model_validate_json(found.config)
    network = HierarchicalDrumCRNN(config.model)
    network.load_state_dict(dict(found.weights))
    digest = hashlib.sha256()
    for name, values in sorted(network.state_dict().items()):
        digest.update(name.encode() + values.numpy().tobytes())
    identity = fingerprint("checkpoint", config.model, digest.hexdigest(), f"{CHUNK_S} {MARGIN_S}")
    return Model(network.eval(), LogMel(config.features), identity, ActivationsCache.of(cache))
