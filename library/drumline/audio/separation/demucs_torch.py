"""The Demucs backend on torch, through the ``demucs`` package (4.1 or later).

Hybrid Transformer Demucs: Rouard, Massa, Défossez, "Hybrid Transformers for Music Source Separation", ICASSP 2023.
The package's model classes, our own loop around them (`segments`), because only the drums are wanted: a bag such
as ``htdemucs_ft``, whose other three models serve other stems, costs one model here instead of four.
"""

import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from demucs.hf import load_safetensors_model
from demucs.htdemucs import HTDemucs
from demucs.states import load_model
from numpy.typing import NDArray

from drumline.audio.decode import SEPARATION_RATE_HZ
from drumline.audio.separation.protocol import SeparationConfig
from drumline.audio.separation.segments import separate_in_segments
from drumline.audio.separation.weights import Weights
from drumline.core.errors import DrumlineError

# A weights file names the class to build, and the package imports whatever it names. The older classes want other
# segment lengths, and are worse.
_CLASS: Final = f"{HTDemucs.__module__}.{HTDemucs.__qualname__}"


class DemucsTorch:
    """Demucs' drums on a torch device. Sets the process's number of torch threads: give it a process of its own."""

    def __init__(self, weights: Weights, config: SeparationConfig, *, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._overlap, self._batch_size = config.overlap, config.batch_size
        self._device = torch.device(config.device)
        self._bfloat16 = config.precision == "bfloat16"
        if self._device.type == "cpu":
            torch.set_num_threads(max(1, int(config.num_cpus)))
        models = [_load(file).to(self._device).eval() for file in weights.files]
        self._models = list(zip(models, weights.shares, strict=True))
        self._drums = models[0].sources.index("drums")
        self._segment_samples = int(min(model.segment for model in models) * SEPARATION_RATE_HZ)

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def separate(self, stereo: NDArray[np.float32]) -> NDArray[np.float32]:
        return separate_in_segments(
            stereo,
            self._run,
            segment_samples=self._segment_samples,
            overlap=self._overlap,
            batch_size=self._batch_size,
        )

    def _run(self, segments: NDArray[np.float32]) -> NDArray[np.float32]:
        inputs = torch.from_numpy(segments).to(self._device)
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16):
            drums = torch.zeros_like(inputs)
            for model, share in self._models:
                drums += share * model(inputs)[:, self._drums].float()
        return np.asarray(drums.cpu().numpy(), dtype=np.float32)


def _load(file: Path) -> Any:
    """A model, from numbers only: neither format may run code here.

    Raises DrumlineError: the file is damaged, or names any class but Hybrid Transformer Demucs.
    """
    try:
        model = _load_safetensors(file) if file.suffix == ".safetensors" else _load_pickle(file)
    except (pickle.UnpicklingError, RuntimeError, KeyError, EOFError) as error:
        raise DrumlineError(f"{file}: not weights of a Demucs model: {error}") from error
    if model.samplerate != SEPARATION_RATE_HZ or model.audio_channels != 2 or "drums" not in model.sources:
        raise DrumlineError(
            f"{file}: a model of {', '.join(model.sources)} at {model.samplerate} Hz with {model.audio_channels} "
            f"channels; wanted is one with drums at {SEPARATION_RATE_HZ} Hz in stereo"
        )
    return model


def _load_safetensors(file: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), framework="pt") as tensors:
            metadata = tensors.metadata() or {}
    except SafetensorError as error:
        raise DrumlineError(f"{file}: not a safetensors file: {error}") from error
    # "structure" belongs to quantised models, and names classes of its own.
    if metadata.get("klass") != _CLASS or "structure" in metadata or "args" not in metadata:
        raise DrumlineError(f"{file}: its metadata {json.dumps(metadata)[:200]} does not describe a {_CLASS}")
    return load_safetensors_model(file)


def _load_pickle(file: Path) -> Any:
    with torch.serialization.safe_globals([HTDemucs, Fraction]):
        package = torch.load(file, map_location="cpu", weights_only=True)
    return load_model(package)
