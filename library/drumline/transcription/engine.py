"""Load a model package and run inference with ONNX Runtime or PyTorch, or the fallback without a model.

torch is imported where it is asked for, and nowhere else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from drumline.audio.recording import Recording
from drumline.core.errors import ConfigError
from drumline.core.grid import RATE_HZ
from drumline.decoding.activations import Activations
from drumline.decoding.cache import RecordingActivations, key
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.chunked_inference import Network
from drumline.decoding.config import DecodeConfig
from drumline.decoding.infer_onnx import OnnxNetwork, default_threads
from drumline.decoding.model_package import (
    GRAPHS,
    THRESHOLDS,
    WEIGHTS,
    Package,
    Precision,
    find_micro,
    find_package,
    read_package,
)
from drumline.decoding.peak_picking import DecodedHits, decode
from drumline.decoding.presets import load_preset
from drumline.decoding.second_pass import Passage, dense_passages, splice
from drumline.transcription.result import Transcriber

OnProgress = Callable[[float], None]
"""Progress callback: seconds of audio just processed."""

Runtime = Literal["onnx", "torch"]
"""``onnx`` is the CPU's, ``torch`` a graphics card's."""

FASTEST: Final[tuple[Precision, ...]] = ("int8", "float32", "float16")
"""On a CPU."""


class HitDetector(Protocol):
    """Detector of the hits of a recording."""

    @property
    def transcriber(self) -> Transcriber:
        """Name and version, for provenance."""

    def detect(self, recording: Recording, on_progress: OnProgress) -> DecodedHits:
        """Detect all hits of a recording."""


@dataclass(frozen=True)
class PackageDecoder:
    """A model package without its network: cache keys and decoding.

    Whoever has activations, from a cache or from another process, needs no more.
    """

    package: Package
    precision: Precision | Literal["torch"]
    """Precision of the graph, or ``torch`` if its weights run on PyTorch."""
    calibration: Calibration | None

    def key(self, audio_sha256: str) -> str:
        """Key of a recording's activations in an `ActivationsCache`, independent of presets and thresholds."""
        file = self.package.files[WEIGHTS if self.precision == "torch" else GRAPHS[self.precision]]
        package = self.package
        model = f"{package.name} {package.version} {self.precision} {file} {package.margin_s}"
        return key(audio_sha256, model=model, features=package.features)

    def decode(self, inferred: RecordingActivations, decoding: DecodeConfig) -> tuple[DecodedHits, list[Passage]]:
        """Decode the activations of a recording.

        Parameters
        ----------
        inferred : RecordingActivations
            Output of the network, computed or cached.
        decoding : DecodeConfig
            Decoder settings.

        Returns
        -------
        DecodedHits
            Hits of the first pass.
        list of Passage
            Dense passages for a second pass by the micro model; empty unless the settings ask for one.
        """
        return self._decode([inferred.activations], decoding, inferred.duration_s)

    def _decode(
        self, chunks: Iterable[Activations], decoding: DecodeConfig, duration_s: float
    ) -> tuple[DecodedHits, list[Passage]]:
        found = decode(chunks, decoding, self.calibration)
        return found, dense_passages(found.events, decoding.micro, duration_s=duration_s) if decoding.micro else []


@dataclass(frozen=True)
class Engine(PackageDecoder):
    """A loaded model package: inference and decoding."""

    network: Network
    preset: str
    """Name of the preset."""
    decoding: DecodeConfig
    micro: "Engine | None" = None
    """Model of the second pass over dense passages, if the preset has one."""

    @property
    def transcriber(self) -> Transcriber:
        return Transcriber(self.package.name, self.package.version, self.preset)

    def infer(self, recording: Recording) -> Iterator[Activations]:
        """Activations of a recording, chunk by chunk, rounded as in the cache."""
        return (chunk.rounded() for chunk in self.network.infer(recording.read, recording.num_samples))

    def detect(self, recording: Recording, on_progress: OnProgress) -> DecodedHits:
        chunks = _counted(self.infer(recording), on_progress)
        found, passages = self._decode(chunks, self.decoding, recording.duration_s)
        return self.second_pass(found, passages, recording)

    def second_pass(self, first: DecodedHits, passages: Sequence[Passage], recording: Recording) -> DecodedHits:
        """Hits of a first pass, with those of the micro model in dense passages."""
        if self.micro is None or not passages:
            return first
        config, margin_s = self.decoding.second_pass, self.micro.package.margin_s
        again = []
        for passage in passages:
            start = max(0, round((passage.start_s - margin_s) * RATE_HZ))
            stop = min(recording.num_samples, round((passage.end_s + margin_s) * RATE_HZ))
            chunks = self.micro.network.infer(partial(_read_from, recording, start), stop - start)
            found = decode((chunk.rounded() for chunk in chunks), config, self.micro.calibration)
            again.append((passage, DecodedHits(found.events.shifted(start / RATE_HZ), found.branches)))
        return splice(first, again, spacing_s=config.spacing_ms / 1000)


@dataclass(frozen=True)
class Fallback:
    """`transcription.heuristic`, which holds the whole recording in memory."""

    transcriber: Transcriber

    def detect(self, recording: Recording, on_progress: OnProgress) -> DecodedHits:
        from drumline.transcription import heuristic

        events = heuristic.transcribe(recording.read(0, recording.num_samples))
        on_progress(recording.duration_s)
        return DecodedHits(events, {})


def open_decoder(folder: Path, *, precision: str = "", runtime: Runtime = "onnx") -> PackageDecoder:
    """Read a package's folder, without loading its network.

    Raises ConfigError for a package or precision that does not exist, DrumlineError for a damaged one.
    """
    package = read_package(folder)
    calibration = read_calibration(str(folder / THRESHOLDS)) if THRESHOLDS in package.files else None
    return PackageDecoder(
        package, "torch" if runtime == "torch" else precision_of(package, folder, precision), calibration
    )


def open_engine(
    model: str = "",
    *,
    preset: str = "",
    precision: str = "",
    threads: int = 0,
    runtime: Runtime = "onnx",
    together: int = 1,
) -> Engine:
    """Load a package, named as `decoding.model_package.find_package` takes it.

    Empty: its own preset, the precision that is fastest on a CPU; 0 threads for the usual number. ``together`` is how
    many pieces torch is given in a call.

    Raises ConfigError for a package, preset or precision that is not there; DrumlineError for a damaged one.
    """
    folder = find_package(model)
    opened = open_decoder(folder, precision=precision, runtime=runtime)
    package = opened.package
    name = preset or package.preset
    decoding = load_preset(name)
    micro = None
    if decoding.micro is not None:
        second, _ = find_micro(folder, package)
        micro = open_engine(
            str(second), preset="default", precision=precision, threads=threads, runtime=runtime, together=together
        )
    if opened.precision == "torch":
        network = _on_torch(folder, package, threads=threads, together=together)
    else:
        network = OnnxNetwork(
            folder / GRAPHS[opened.precision],
            features=package.features,
            classes=package.classes,
            margin_s=package.margin_s,
            threads=threads,
        )
    return Engine(package, opened.precision, opened.calibration, network, name, decoding, micro)


def _on_torch(folder: Path, package: Package, *, threads: int, together: int) -> Network:
    """On a graphics card where there is one, in full float32: TF32 would keep 10 bits of a factor."""
    if package.network is None or WEIGHTS not in package.files:
        raise ConfigError(f"{folder}: has no {WEIGHTS}, so it cannot run on torch; export it anew")
    import torch

    from drumline.decoding.infer import TorchNetwork, read_network

    torch.set_num_threads(threads or default_threads())
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    network = read_network(package.network, folder / WEIGHTS, device="cuda" if torch.cuda.is_available() else "cpu")
    return TorchNetwork(network, package.features, margin_s=package.margin_s, batch_size=together)


def precision_of(package: Package, folder: Path, wanted: str = "") -> Precision:
    """The precision that is wanted, or the fastest there is. Raises ConfigError where the package has no such graph."""
    chosen = next((each for each in FASTEST if each in package.precisions and wanted in ("", each)), None)
    if chosen is None:
        raise ConfigError(f"{folder}: no graph in {wanted or 'any precision'}; has {', '.join(package.precisions)}")
    return chosen


def open_fallback() -> Fallback:
    """Fallback without a model."""
    from drumline.transcription import heuristic

    return Fallback(Transcriber(heuristic.NAME, heuristic.VERSION))


def _read_from(recording: Recording, origin: int, start: int, stop: int) -> NDArray[np.float32]:
    return recording.read(origin + start, origin + stop)


def _counted(pieces: Iterator[Activations], on_progress: OnProgress) -> Iterator[Activations]:
    for piece in pieces:
        yield piece
        on_progress(len(piece.onset) * piece.grid.hop / RATE_HZ)
