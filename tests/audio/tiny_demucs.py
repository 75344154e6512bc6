"""A real Demucs of 25,000 random parameters, saved the ways the real weights are saved."""

import hashlib
import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import torch
import yaml
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

SOURCES: Final = ["drums", "bass", "other", "vocals"]
# segment as in the real file: a Fraction of seconds
SHAPE: Final[dict[str, Any]] = {
    "channels": 8, "growth": 1, "nfft": 4096, "segment": Fraction(2), "bottom_channels": 16,
    "t_layers": 1, "t_heads": 2, "t_hidden_scale": 1.0,
}  # fmt: skip


def tiny_model(seed: int) -> HTDemucs:
    torch.manual_seed(seed)
    return HTDemucs(SOURCES, **SHAPE).eval()


def save_th(model: HTDemucs, folder: Path, signature: str) -> Path:
    """As demucs' training does, with the checksum in the name."""
    buffer = io.BytesIO()
    package = {"klass": HTDemucs, "args": (SOURCES,), "kwargs": dict(SHAPE), "state": model.state_dict()}
    torch.save({**package, "training_args": {"epochs": 1}}, buffer)
    file = folder / f"{signature}-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.th"
    file.write_bytes(buffer.getvalue())
    return file


def save_safetensors(model: HTDemucs, folder: Path, signature: str, *, klass: str = "demucs.htdemucs.HTDemucs") -> Path:
    """As demucs' export to Hugging Face does."""
    segment = {"_type": "fraction", "numerator": 2, "denominator": 1}
    metadata = {
        "klass": klass,
        "args": json.dumps([SOURCES]),
        "kwargs": json.dumps({**SHAPE, "segment": segment}),
    }
    file = folder / f"{signature}.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, file, metadata)
    return file


def save_bag(folder: Path, name: str, signatures: list[str], weights: list[list[float]] | None = None) -> None:
    bag = {"models": signatures} | ({"weights": weights} if weights else {})
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(bag))
