"""A model package without its network: cache keys, presets and decoding for the gateway."""

from dataclasses import dataclass
from pathlib import Path

from drumline.core.errors import ConfigError
from drumline.decoding.cache import RecordingActivations
from drumline.decoding.config import DecodeConfig
from drumline.decoding.model_package import Package, find_micro, find_package
from drumline.decoding.peak_picking import DecodedHits
from drumline.decoding.presets import MICRO, PRESETS, load_preset
from drumline.transcription.engine import PackageDecoder, open_decoder
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
    decoder: PackageDecoder
    """Package, precision and class thresholds."""
    without_micro: str
    """Reason why there is no micro model; empty if there is one."""

    @property
    def presets(self) -> tuple[str, ...]:
        """Available decoding presets."""
        return PRESETS if self.without_micro else (*PRESETS, MICRO)

    @property
    def package(self) -> Package:
        """Name, version, classes and files."""
        return self.decoder.package

    def decode_config(self, parameters: DecodeParameters) -> DecodeConfig:
        """Decoder settings of a request. Raises Problem if the preset needs a model that is not installed."""
        preset = parameters.preset or self.package.preset
        if preset == MICRO and self.without_micro:
            detail = f"{MICRO}: {self.without_micro}; available presets: {', '.join(self.presets)}"
            raise Problem("preset_unavailable", detail)
        return parameters.decode_config(load_preset(preset))

    def transcription(
        self,
        found: DecodedHits,
        inferred: RecordingActivations,
        parameters: DecodeParameters,
        *,
        name: str,
        sha256: str,
    ) -> Transcription:
        """Transcription of decoded hits, with tempo and grid."""
        audio = SourceAudio.of(name, sha256, inferred)
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
    decoder = open_decoder(folder, precision=settings.precision, runtime=settings.runtime)
    location = settings.model if "://" in settings.model else str(folder)
    return Model(location, decoder, _missing_micro(folder, decoder.package))


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
