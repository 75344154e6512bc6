"""The drums of a mix, taken out by the separator whose weights the environment names. As slow as the song is long."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final, Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from drumline.audio.decode import (
    MAX_DURATION_S,
    SEPARATION_RATE_HZ,
    AudioConfig,
    StereoAudio,
    decode_stereo,
    mix_stereo,
)
from drumline.audio.recording import Recording
from drumline.audio.separation.cache import Stem, load_stem, separate_stem, separated, stem_key
from drumline.audio.separation.protocol import SeparationConfig, Separator, open_separator, separator_fingerprint
from drumline.audio.separation.weights import VARIABLE, Weights, resolve
from drumline.core.config import fingerprint
from drumline.core.grid import RATE_HZ

_ONE_AT_A_TIME: Final = Lock()
"""A separator holds gigabytes while it works."""


@dataclass(frozen=True)
class Separation:
    """A separator that is there; its model is loaded when it is first used."""

    config: SeparationConfig
    weights: Weights
    cache: str = ""
    """Folder or URI where stems are kept; empty: nowhere."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of all settings that determine the drums of a mix."""
        return fingerprint(separator_fingerprint(self.config, self.weights), str(self.config.gate_db))

    def drums_of(self, files: Sequence[bytes], names: Sequence[str]) -> Recording:
        """The drums of files that sound together; all of it where hardly any drums are found.

        Raises AudioError for audio that cannot serve, DrumlineError for weights that are none of the separator's.
        """
        key = stem_key(files, separator_fingerprint(self.config, self.weights)) if self.cache else ""
        stem = self._kept(key)
        if stem is None or stem.ratio_db < self.config.gate_db:
            config = AudioConfig(min_duration_s=0.4, max_duration_s=MAX_DURATION_S)
            parts = [
                decode_stereo(data, name=name, config=config, allow_truncated=True)
                for data, name in zip(files, names, strict=True)
            ]
            mix = mix_stereo(parts)
            stem = stem or self._separated(mix, key)
            if stem.ratio_db < self.config.gate_db:
                all_of_it = soxr.resample(mix.samples.mean(axis=0), SEPARATION_RATE_HZ, RATE_HZ, quality="HQ")
                return _recording(all_of_it, mix.truncated, mix.downmix)
        return _recording(stem.samples, stem.truncated, stem.downmix)

    def _kept(self, key: str) -> Stem | None:
        try:
            return load_stem(self.cache, key) if self.cache else None
        except FileNotFoundError:
            return None

    def _separated(self, mix: StereoAudio, key: str) -> Stem:
        with _ONE_AT_A_TIME:
            separator = _opened(self.config, self.weights)
            if self.cache:
                return separate_stem(mix, separator, cache=self.cache, key=key)
            return separated(mix, separator)


def find_separation(environment: Mapping[str, str] = os.environ, *, device: str = "cpu", cache: str = "") -> Separation:
    """The separator that reads what `VARIABLE` names; onnxruntime's where it names nothing.

    Raises DrumlineError where there is none, and says how to get one.
    """
    named = Path(environment.get(VARIABLE, "model.onnx"))
    is_graph = named.suffix == ".onnx" or (named.is_dir() and any(named.glob("*.onnx")))
    backend: Literal["onnx", "demucs"] = "onnx" if is_graph else "demucs"
    return open_separation(SeparationConfig(backend=backend, device=device, cache=cache), environment)


def open_separation(config: SeparationConfig, environment: Mapping[str, str] = os.environ) -> Separation:
    """The separator of a configuration other than ``none``.

    Raises DrumlineError where its package or its weights are missing.
    """
    weights = resolve(
        config.backend, path=config.weights, model=config.model, download=config.download, environment=environment
    )
    return Separation(config, weights, config.cache)


def _recording(samples: NDArray[np.float32], truncated: str, downmix: str) -> Recording:
    return Recording([samples], source_rate_hz=SEPARATION_RATE_HZ, truncated=truncated, downmix=downmix)


@cache
def _opened(config: SeparationConfig, weights: Weights) -> Separator:
    return open_separator(config, weights)
