"""What the front knows of the model: enough to find what it said in the cache, and to decode it. Never the network."""

from dataclasses import dataclass
from typing import Literal

from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.presets import load_preset
from drumline.decoding.strokes import strokes
from drumline.export.package import THRESHOLDS, Package, Precision, find_package, read_package
from drumline.transcription.cache import Hearing
from drumline.transcription.engine import key_of, precision_of
from drumline.transcription.result import SourceAudio, Transcriber, Transcription
from drumline.transcription.transcribe import transcription_of
from serve.asked import Wanted
from serve.settings import Settings


@dataclass(frozen=True)
class Model:
    """A package, and what runs it."""

    package: Package
    precision: Precision | Literal["torch"]
    """Of its graph, or that its weights run on torch."""
    calibration: Calibration | None

    def key(self, audio_sha256: str) -> str:
        """Of what it says of a recording, in an `ActivationsCache`."""
        return key_of(self.package, self.precision, audio_sha256)

    def transcription(self, hearing: Hearing, wanted: Wanted, *, name: str, sha256: str) -> Transcription:
        """What it says, decoded as is wanted. Never the network."""
        preset = wanted.preset or self.package.preset
        found = strokes([hearing.activations], wanted.decoding(load_preset(preset)), self.calibration)
        audio = SourceAudio(name, round(hearing.duration_s, 6), sha256, hearing.source_rate_hz)
        by = Transcriber(self.package.name, self.package.version, preset)
        return transcription_of(found, audio, by, timing=wanted.timing())


def open_model(settings: Settings) -> Model:
    """Raises ConfigError for what is not there, DrumlineError for what is damaged."""
    folder = find_package(settings.model)
    package = read_package(folder)
    calibration = read_calibration(str(folder / THRESHOLDS)) if THRESHOLDS in package.files else None
    precision = "torch" if settings.runtime == "torch" else precision_of(package, folder, settings.precision)
    return Model(package, precision, calibration)
