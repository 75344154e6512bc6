"""The drums of a mix, taken out by the separator whose weights the environment names. As slow as the song is long."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final, Literal

import soxr

from drumline.audio.decode import (
    MAX_DURATION_S,
    SEPARATION_RATE_HZ,
    AudioConfig,
    StereoAudio,
    decode_stereo,
    mix_stereo,
)
from drumline.audio.recording import Recording
from drumline.audio.separation.cache import Stem, load_stem, separate_stems, separated, stem_key
from drumline.audio.separation.protocol import (
    SeparationConfig,
    Separator,
    Source,
    open_separator,
    separator_fingerprint,
)
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
        (stem,) = self.stems_of(files, names)
        if stem.ratio_db < self.config.gate_db:
            mix = _mix(files, names)
            all_of_it = soxr.resample(mix.samples.mean(axis=0), SEPARATION_RATE_HZ, RATE_HZ, quality="HQ")
            return recording_of_stem(replace(stem, samples=all_of_it))
        return recording_of_stem(stem)

    def stems_of(
        self, files: Sequence[bytes], names: Sequence[str], sources: Sequence[Source] = ("drums",)
    ) -> tuple[Stem, ...]:
        """Sources of files that sound together, from the cache if all of them are there. Raises as `drums_of`."""
        key = stem_key(files, separator_fingerprint(self.config, self.weights)) if self.cache else ""
        try:
            if self.cache:
                return tuple(load_stem(self.cache, key, source) for source in sources)
        except FileNotFoundError:
            pass
        mix = _mix(files, names)
        with _ONE_AT_A_TIME:
            separator = _opened(self.config, self.weights)
            if self.cache:
                return separate_stems(mix, separator, sources, cache=self.cache, key=key)
            return separated(mix, separator, sources)


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


def recording_of_stem(stem: Stem) -> Recording:
    """A stem as a model reads it."""
    return Recording([stem.samples], source_rate_hz=SEPARATION_RATE_HZ, truncated=stem.truncated, downmix=stem.downmix)


def _mix(files: Sequence[bytes], names: Sequence[str]) -> StereoAudio:
    config = AudioConfig(min_duration_s=0.4, max_duration_s=MAX_DURATION_S)
    parts = [
        decode_stereo(data, name=name, config=config, allow_truncated=True)
        for data, name in zip(files, names, strict=True)
    ]
    return mix_stereo(parts)


@cache
def _opened(config: SeparationConfig, weights: Weights) -> Separator:
    return open_separator(config, weights)
