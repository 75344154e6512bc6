"""The Demucs backend on torch, through the ``demucs`` package (4.1 or later).

Hybrid Transformer Demucs: Rouard, Massa, Défossez, "Hybrid Transformers for Music Source Separation", ICASSP 2023.
The package's model classes, our own loop around them (`segments`): of a bag such as ``htdemucs_ft``, whose models
serve one source each, only those of the wanted sources are loaded and run.
"""

import json
import pickle
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from demucs.hf import load_safetensors_model
from demucs.htdemucs import HTDemucs
from demucs.states import load_model
from numpy.typing import NDArray

from drumline.audio.decode import SEPARATION_RATE_HZ
from drumline.audio.separation.protocol import SOURCES, SeparationConfig, Source
from drumline.audio.separation.segments import separate_in_segments
from drumline.audio.separation.weights import Weights
from drumline.core.errors import DrumlineError

# A weights file names the class to build, and the package imports whatever it names. The older classes want other
# segment lengths, and are worse.
_CLASS: Final = f"{HTDemucs.__module__}.{HTDemucs.__qualname__}"


class DemucsTorch:
    """Demucs on a torch device. Sets the process's number of torch threads: give it a process of its own."""

    def __init__(self, weights: Weights, config: SeparationConfig, *, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._overlap, self._batch_size = config.overlap, config.batch_size
        self._device = torch.device(config.device)
        self._bfloat16 = config.precision == "bfloat16"
        if self._device.type == "cpu":
            torch.set_num_threads(max(1, int(config.num_cpus)))
        self._weights = weights
        self._loaded: dict[Path, Any] = {}
        for file, (drums, *_) in zip(weights.files, weights.shares, strict=True):
            if drums:
                self._model(file)

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def separate(self, stereo: NDArray[np.float32], sources: Sequence[Source] = ("drums",)) -> NDArray[np.float32]:
        indices = [SOURCES.index(source) for source in sources]
        used = [
            (self._model(file), [shares[i] for i in indices])
            for file, shares in zip(self._weights.files, self._weights.shares, strict=True)
            if any(shares[i] for i in indices)
        ]
        return separate_in_segments(
            stereo,
            partial(self._run, models=used, sources=sources),
            num_sources=len(sources),
            segment_samples=int(min(model.segment for model, _ in used) * SEPARATION_RATE_HZ),
            overlap=self._overlap,
            batch_size=self._batch_size,
        )

    def _model(self, file: Path) -> Any:
        """A model, loaded when it is first used: one of a bag may serve other sources only."""
        if file not in self._loaded:
            self._loaded[file] = _load(file).to(self._device).eval()
        return self._loaded[file]

    def _run(
        self, segments: NDArray[np.float32], *, models: Sequence[tuple[Any, list[float]]], sources: Sequence[Source]
    ) -> NDArray[np.float32]:
        inputs = torch.from_numpy(segments).to(self._device)
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16):
            total = torch.zeros((len(segments), len(sources), *segments.shape[1:]), device=self._device)
            for model, shares in models:
                outputs = model(inputs)
                for index, (source, share) in enumerate(zip(sources, shares, strict=True)):
                    total[:, index] += share * outputs[:, model.sources.index(source)].float()
        return np.asarray(total.cpu().numpy(), dtype=np.float32)


def _load(file: Path) -> Any:
    """A model, from numbers only: neither format may run code here.

    Raises DrumlineError: the file is damaged, or names any class but Hybrid Transformer Demucs.
    """
    try:
        model = _load_safetensors(file) if file.suffix == ".safetensors" else _load_pickle(file)
    except (pickle.UnpicklingError, RuntimeError, KeyError, EOFError) as error:
        raise DrumlineError(f"{file}: not weights of a Demucs model: {error}") from error
    if model.samplerate != SEPARATION_RATE_HZ or model.audio_channels != 2 or not set(SOURCES) <= set(model.sources):
        raise DrumlineError(
            f"{file}: a model of {', '.join(model.sources)} at {model.samplerate} Hz with {model.audio_channels} "
            f"channels; wanted is one of {', '.join(SOURCES)} at {SEPARATION_RATE_HZ} Hz in stereo"
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
