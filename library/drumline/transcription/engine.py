"""Load a model package and run inference with ONNX Runtime or PyTorch, or the fallback without a model.

torch is imported where it is asked for, and nowhere else.
"""

from collections.abc import Callable, Iterator, Sequence
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
from drumline.decoding.cache import key
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
"""Told how many more seconds have been heard."""

Runtime = Literal["onnx", "torch"]
"""``onnx`` is the CPU's, ``torch`` a graphics card's."""

FASTEST: Final[tuple[Precision, ...]] = ("int8", "float32", "float16")
"""On a CPU."""


class Listener(Protocol):
    """Finds the strokes of a recording."""

    @property
    def transcriber(self) -> Transcriber:
        """Who it is."""

    def strokes(self, recording: Recording, on_progress: OnProgress) -> DecodedHits:
        """All that is struck."""


@dataclass(frozen=True)
class Engine:
    """A package ready to listen."""

    package: Package
    precision: Precision | Literal["torch"]
    """Precision of the graph, or ``torch`` if its weights run on PyTorch."""
    network: Network
    calibration: Calibration | None
    preset: str
    """Its name."""
    decoding: DecodeConfig
    micro: "Engine | None" = None
    """Model of the second pass over dense passages, if the preset has one."""

    @property
    def transcriber(self) -> Transcriber:
        return Transcriber(self.package.name, self.package.version, self.preset)

    def listen(self, recording: Recording) -> Iterator[Activations]:
        """Activations of a recording, chunk by chunk, rounded as in the cache."""
        return (piece.rounded() for piece in self.network.infer(recording.read, recording.num_samples))

    def key(self, audio_sha256: str) -> str:
        """Key of a recording's activations in an `ActivationsCache`, independent of presets and thresholds."""
        return key_of(self.package, self.precision, audio_sha256)

    def decoded(self, activations: Activations) -> DecodedHits:
        """The strokes in what it said, fresh or kept."""
        return decode([activations], self.decoding, self.calibration)

    def strokes(self, recording: Recording, on_progress: OnProgress) -> DecodedHits:
        found = decode(_counted(self.listen(recording), on_progress), self.decoding, self.calibration)
        return self.read_again(found, self.dense(found, recording.duration_s), recording)

    def dense(self, found: DecodedHits, duration_s: float) -> list[Passage]:
        """Passages for the second pass; empty without a micro model."""
        config = self.decoding.micro
        return [] if config is None else dense_passages(found.events, config, duration_s=duration_s)

    def read_again(self, first: DecodedHits, passages: Sequence[Passage], recording: Recording) -> DecodedHits:
        """The strokes of a first pass, with those of the micro model in dense passages."""
        if self.micro is None or not passages:
            return first
        config, margin_s = self.decoding.second_pass, self.micro.package.margin_s
        again = []
        for passage in passages:
            start = max(0, round((passage.start_s - margin_s) * RATE_HZ))
            stop = min(recording.num_samples, round((passage.end_s + margin_s) * RATE_HZ))
            pieces = self.micro.network.infer(partial(_read_from, recording, start), stop - start)
            found = decode((piece.rounded() for piece in pieces), config, self.micro.calibration)
            again.append((passage, DecodedHits(found.events.shifted(start / RATE_HZ), found.branches)))
        return splice(first, again, spacing_s=config.spacing_ms / 1000)


@dataclass(frozen=True)
class Fallback:
    """`transcription.heuristic`, which holds the whole recording in memory."""

    transcriber: Transcriber

    def strokes(self, recording: Recording, on_progress: OnProgress) -> DecodedHits:
        from drumline.transcription import heuristic

        events = heuristic.transcribe(recording.read(0, recording.num_samples))
        on_progress(recording.duration_s)
        return DecodedHits(events, {})


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
    package = read_package(folder)
    name = preset or package.preset
    decoding = load_preset(name)
    calibration = read_calibration(str(folder / THRESHOLDS)) if THRESHOLDS in package.files else None
    micro = None
    if decoding.micro is not None:
        second, _ = find_micro(folder, package)
        micro = open_engine(
            str(second), preset="default", precision=precision, threads=threads, runtime=runtime, together=together
        )
    if runtime == "torch":
        batched = _on_torch(folder, package, threads=threads, together=together)
        return Engine(package, "torch", batched, calibration, name, decoding, micro)
    chosen = precision_of(package, folder, precision)
    network = OnnxNetwork(
        folder / GRAPHS[chosen],
        features=package.features,
        classes=package.classes,
        margin_s=package.margin_s,
        threads=threads,
    )
    return Engine(package, chosen, network, calibration, name, decoding, micro)


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


def key_of(package: Package, precision: Precision | Literal["torch"], audio_sha256: str) -> str:
    """Key of a recording's activations in an `ActivationsCache`, by package and precision."""
    file = package.files[WEIGHTS if precision == "torch" else GRAPHS[precision]]
    model = f"{package.name} {package.version} {precision} {file} {package.margin_s}"
    return key(audio_sha256, model=model, features=package.features)


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
