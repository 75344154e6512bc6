"""A model package without its network: cache keys, presets and decoding for the gateway."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drumline.core.errors import ConfigError
from drumline.decoding.cache import Hearing
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.config import DecodeConfig
from drumline.decoding.model_package import THRESHOLDS, Package, Precision, find_micro, find_package, read_package
from drumline.decoding.peak_picking import DecodedHits, decode
from drumline.decoding.presets import MICRO, PRESETS, load_preset
from drumline.decoding.second_pass import Passage, dense_passages
from drumline.transcription.engine import key_of, precision_of
from drumline.transcription.result import SourceAudio, Transcriber, Transcription
from drumline.transcription.transcribe import transcription_of
from serve.errors import Problem
from serve.parameters import DecodeParameters
from serve.settings import Settings


@dataclass(frozen=True)
class Model:
    """A model package and the precision that runs it."""

    location: str
    """URI of the package if it was given by one, else its folder: valid in every replica."""
    package: Package
    """Name, version, classes and files."""
    precision: Precision | Literal["torch"]
    """Precision of the ONNX graph, or ``torch``."""
    calibration: Calibration | None
    """Class thresholds of the package, if it has any."""
    without_micro: str
    """Reason why there is no micro model; empty if there is one."""

    @property
    def presets(self) -> tuple[str, ...]:
        """Available decoding presets."""
        return PRESETS if self.without_micro else (*PRESETS, MICRO)

    def key(self, audio_sha256: str) -> str:
        """Cache key of a recording's activations."""
        return key_of(self.package, self.precision, audio_sha256)

    def decode_config(self, parameters: DecodeParameters) -> DecodeConfig:
        """Decoder settings of a request. Raises Problem if the preset needs a model that is not installed."""
        preset = parameters.preset or self.package.preset
        if preset == MICRO and self.without_micro:
            detail = f"{MICRO}: {self.without_micro}; available presets: {', '.join(self.presets)}"
            raise Problem("preset_unavailable", detail)
        return parameters.decode_config(load_preset(preset))

    def decode(self, hearing: Hearing, config: DecodeConfig) -> tuple[DecodedHits, list[Passage]]:
        """Decode activations to hits, and find dense passages for the micro model."""
        found = decode([hearing.activations], config, self.calibration)
        if config.micro is None:
            return found, []
        return found, dense_passages(found.events, config.micro, duration_s=hearing.duration_s)

    def transcription(
        self, found: DecodedHits, hearing: Hearing, parameters: DecodeParameters, *, name: str, sha256: str
    ) -> Transcription:
        """Transcription of decoded hits, with tempo and grid."""
        audio = SourceAudio.of(name, sha256, hearing)
        by = Transcriber(self.package.name, self.package.version, parameters.preset or self.package.preset)
        return transcription_of(found, audio, by, timing=parameters.timing())


def open_model(settings: Settings) -> Model:
    """Open the model package of an endpoint.

    Raises
    ------
    ConfigError
        There is no such package, preset or precision.
    DrumlineError
        The package is damaged.
    """
    folder = find_package(settings.model)
    package = read_package(folder)
    calibration = read_calibration(str(folder / THRESHOLDS)) if THRESHOLDS in package.files else None
    precision = "torch" if settings.runtime == "torch" else precision_of(package, folder, settings.precision)
    location = settings.model if "://" in settings.model else str(folder)
    return Model(location, package, precision, calibration, _missing_micro(folder, package))


def _missing_micro(folder: Path, package: Package) -> str:
    """Reason why there is no micro model, without file paths. Raises ConfigError if the package needs it."""
    try:
        find_micro(folder, package)
    except ConfigError:
        if package.preset == MICRO:
            raise
        named = f"names {package.micro}, which is not installed" if package.micro else "names none"
        return f"it takes a micro model, and {package.name} {package.version} {named}"
    return ""
