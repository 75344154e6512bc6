"""What the front knows of the model: enough to find what it said in the cache, and to decode it. Never the network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drumline.core.errors import ConfigError
from drumline.decoding.cache import Hearing
from drumline.decoding.calibration import Calibration, read_calibration
from drumline.decoding.dense import Passage, dense_passages
from drumline.decoding.presets import MICRO, PRESETS, load_preset
from drumline.decoding.strokes import DecodeConfig, Strokes, strokes
from drumline.export.package import THRESHOLDS, Package, Precision, find_micro, find_package, read_package
from drumline.transcription.engine import key_of, precision_of
from drumline.transcription.result import SourceAudio, Transcriber, Transcription
from drumline.transcription.transcribe import transcription_of
from serve.asked import Wanted
from serve.problems import Problem
from serve.settings import Settings


@dataclass(frozen=True)
class Model:
    """A package, and what runs it."""

    place: str
    """Of its package, by which any replica finds it: an address if it was given one, else its folder."""
    package: Package
    precision: Precision | Literal["torch"]
    """Of its graph, or that its weights run on torch."""
    calibration: Calibration | None
    without_micro: str
    """Why it has no micro model; empty where it has one."""

    @property
    def presets(self) -> tuple[str, ...]:
        """By which it can be decoded."""
        return PRESETS if self.without_micro else (*PRESETS, MICRO)

    def key(self, audio_sha256: str) -> str:
        """Of what it says of a recording, in an `ActivationsCache`."""
        return key_of(self.package, self.precision, audio_sha256)

    def decoding(self, wanted: Wanted) -> DecodeConfig:
        """How it is decoded. Raises Problem where that takes a model that is not here."""
        preset = wanted.preset or self.package.preset
        if preset == MICRO and self.without_micro:
            raise Problem("preset_unavailable", f"{MICRO}: {self.without_micro}; there are {', '.join(self.presets)}")
        return wanted.decoding(load_preset(preset))

    def strokes(self, hearing: Hearing, decoding: DecodeConfig) -> tuple[Strokes, list[Passage]]:
        """The strokes of what it said, and the passages that its micro model is to read again."""
        found = strokes([hearing.activations], decoding, self.calibration)
        if decoding.micro is None:
            return found, []
        return found, dense_passages(found.events, decoding.micro, duration_s=hearing.duration_s)

    def transcription(
        self, found: Strokes, hearing: Hearing, wanted: Wanted, *, name: str, sha256: str
    ) -> Transcription:
        """What is made of strokes."""
        audio = SourceAudio.of(name, sha256, hearing)
        by = Transcriber(self.package.name, self.package.version, wanted.preset or self.package.preset)
        return transcription_of(found, audio, by, timing=wanted.timing())


def open_model(settings: Settings) -> Model:
    """Raises ConfigError for what is not there, DrumlineError for what is damaged."""
    folder = find_package(settings.model)
    package = read_package(folder)
    calibration = read_calibration(str(folder / THRESHOLDS)) if THRESHOLDS in package.files else None
    precision = "torch" if settings.runtime == "torch" else precision_of(package, folder, settings.precision)
    place = settings.model if "://" in settings.model else str(folder)
    return Model(place, package, precision, calibration, _without_micro(folder, package))


def _without_micro(folder: Path, package: Package) -> str:
    """Why there is no micro model, in words that tell no paths. Raises ConfigError where the package needs it."""
    try:
        find_micro(folder, package)
    except ConfigError:
        if package.preset == MICRO:
            raise
        named = f"names {package.micro}, which is not here" if package.micro else "names none"
        return f"it takes a micro model, and {package.name} {package.version} {named}"
    return ""
