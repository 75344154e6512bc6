"""Interface of separators, their configuration, and the gate that decides whether a stem is used.

On real mixes Demucs' drums close most of the way from the mix to the true drum stem; where drums are very quiet
they are worse than the mix. Hence the gate: a stem that carries less than ``gate_db`` of the mix's energy is not
used. (-15 dB was chosen on 13 MDB tracks, after seeing them: a hypothesis, and therefore configurable.)
"""

import math
from collections.abc import Sequence
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from drumline.audio.separation.weights import Weights
from drumline.core import config as core_config
from drumline.core.config import Config

FLOOR_DB: Final = -120.0
"""The ratio told for a stem, or a mix, of silence."""

Source = Literal["drums", "bass", "other", "vocals"]
SOURCES: Final[tuple[Source, ...]] = ("drums", "bass", "other", "vocals")
"""Sources of every published Demucs model with four of them, in its order."""

_REVISION: Final = "1"  # of the processing around the models; raise it when their output changes


class SeparationConfig(Config):
    """Separator, its weights and its hardware."""

    backend: Literal["none", "demucs", "onnx"] = "none"
    """``demucs``: the package, on torch. ``onnx``: the same model on onnxruntime, twice as fast on a CPU."""
    model: str = "htdemucs"
    """``demucs`` only: the name of the model, or bag of models, to look for in a folder and to download."""
    weights: str = ""
    """A file or a folder that every worker sees. Empty: DRUMLINE_SEPARATOR_WEIGHTS, else the ``download``."""
    download: bool = False
    """``demucs`` only: whether the weights may come from demucs' own source (Hugging Face) when no path is given."""
    overlap: float = Field(default=0.25, ge=0, le=0.5)
    """The part of a segment that it shares with the next."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """``demucs`` only. bfloat16 nearly halves the time; its stems differ by -39 dB."""
    device: str = "cpu"
    """``demucs`` only: a torch device, such as ``cuda``."""
    batch_size: int = Field(default=1, ge=1)
    """Segments run at once. More helps a GPU, never a CPU."""
    num_cpus: float = Field(default=1, gt=0)
    """Processors of each actor; also its threads, because another number of threads rounds otherwise."""
    num_gpus: float = Field(default=0, ge=0)
    """GPUs of each actor; a fraction lets several share one."""
    num_actors: int = Field(default=1, ge=1)
    """Actors that hold the model."""
    gate_db: float = -15.0
    """Stem-to-mix energy ratio, in dB, under which the mix is used instead of the stem."""
    cache: str = ""
    """Folder or URI where stems are kept. Empty: beside the dataset."""


class Separator(Protocol):
    """A loaded model. Equal input and equal fingerprint give equal output on the same hardware."""

    @property
    def fingerprint(self) -> str:
        """Identifies what the stems depend on: weights, processing, precision."""

    def separate(self, stereo: NDArray[np.float32], sources: Sequence[Source] = ("drums",)) -> NDArray[np.float32]:
        """Sources of a mix, float32 [len(sources), 2, num_samples], at `decode.SEPARATION_RATE_HZ` as ``stereo``."""


def separator_fingerprint(config: SeparationConfig, weights: Weights) -> str:
    """`Separator.fingerprint`, known without loading the model, so that cached stems need none."""
    precision = config.precision if config.backend == "demucs" else "float32"
    return core_config.fingerprint(_REVISION, config.backend, weights.sha256, str(config.overlap), precision)


def open_separator(config: SeparationConfig, weights: Weights) -> Separator:
    """Load the model of a configuration other than ``none``.

    Takes seconds; running, it holds 1.5 GB on torch and 3.5 GB on onnxruntime.

    Raises DrumlineError where the weights are not what the backend reads.
    """
    fingerprint = separator_fingerprint(config, weights)
    # The backends are optional installs: imported only where one was chosen.
    if config.backend == "onnx":
        from drumline.audio.separation.demucs_onnx import DemucsOnnx

        return DemucsOnnx(weights, config, fingerprint=fingerprint)
    from drumline.audio.separation.demucs_torch import DemucsTorch

    return DemucsTorch(weights, config, fingerprint=fingerprint)


def stem_to_mix_db(drums: NDArray[np.float32], mix: NDArray[np.float32]) -> float:
    """Energy of a stem over the energy of its mix, in dB, at least `FLOOR_DB`."""
    drums_energy = float(np.sum(np.square(drums, dtype=np.float64)))
    mix_energy = float(np.sum(np.square(mix, dtype=np.float64)))
    if not drums_energy or not mix_energy:
        return FLOOR_DB
    return max(FLOOR_DB, 10 * math.log10(drums_energy / mix_energy))
