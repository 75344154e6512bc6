"""The drums of a mix, taken out by the separator whose weights the environment names. As slow as the song is long."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from drumline.audio.decode import SEPARATION_RATE_HZ, AudioConfig, decode_stereo, mix_samples
from drumline.audio.recording import MAX_DURATION_S
from drumline.audio.separation.protocol import SeparationConfig, Separator, open_separator, stem_to_mix_db
from drumline.audio.separation.weights import VARIABLE, resolve
from drumline.core.grid import RATE_HZ


def drums_of(files: Sequence[bytes], names: Sequence[str]) -> NDArray[np.float32]:
    """Drums [N], mono at `RATE_HZ`, of files that sound together; all of it where hardly any drums are found.

    Raises AudioError for audio that cannot serve, DrumlineError where there is no separator.
    """
    separator = _separator()
    config = AudioConfig(min_duration_s=0.4, max_duration_s=MAX_DURATION_S)
    parts = [decode_stereo(data, name=name, config=config) for data, name in zip(files, names, strict=True)]
    mix = mix_samples(parts)
    drums = separator.separate(mix)
    heard = drums if stem_to_mix_db(drums, mix) >= SeparationConfig().gate_db else mix
    samples: NDArray[np.float32] = soxr.resample(heard.mean(axis=0), SEPARATION_RATE_HZ, RATE_HZ, quality="HQ")
    return samples


@cache
def _separator() -> Separator:
    """Loaded once, with the backend that reads what `VARIABLE` names; onnxruntime's where it names nothing."""
    named = Path(os.environ.get(VARIABLE, "model.onnx"))
    is_graph = named.suffix == ".onnx" or (named.is_dir() and any(named.glob("*.onnx")))
    backend: Literal["onnx", "demucs"] = "onnx" if is_graph else "demucs"
    config = SeparationConfig(backend=backend)
    weights = resolve(backend, path="", model=config.model, download=False, environment=os.environ)
    return open_separator(config, weights)
