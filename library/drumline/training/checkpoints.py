"""Checkpoints: one file each, whole or absent, with everything that the next step depends on.

A file is what ``torch.save`` writes: tensors and plain values only, so that it loads with ``weights_only=True`` and
runs no code of a stranger's. Below a run's output::

    checkpoints/last.pt            the newest: where the run goes on
    checkpoints/previous.pt        the one before it, should the newest be damaged
    checkpoints/best-<epoch>.pt    the best few by score, weights and configuration without the optimiser
"""

import io
import logging
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch

from drumline.core.artifacts import STORAGE_ERRORS, exists, join, names, read_bytes, remove, write_bytes
from drumline.core.errors import ConfigError, DrumlineError
from drumline.training.progress import Progress

log = logging.getLogger("drumline")

FORMAT: Final = "drumline-checkpoint"
VERSION: Final = 1
FOLDER: Final = "checkpoints"


@dataclass(frozen=True)
class Checkpoint:
    """A trained model at one moment."""

    config: str
    """The resolved configuration, as JSON."""
    dataset: str
    """Fingerprint of the dataset."""
    progress: dict[str, Any]
    """`Progress.to_tree`."""
    metrics: dict[str, float]
    """Of the newest validation."""
    model: Mapping[str, torch.Tensor]
    """Weights and buffers."""
    optimiser: Mapping[str, Any] | None = None
    """Its state; None in a checkpoint that is only kept for its weights."""
    scaler: Mapping[str, Any] | None = None
    """State of fp16's gradient scaler."""
    average: Mapping[str, torch.Tensor] | None = None
    """Exponential moving average of the weights, where one is kept."""

    @property
    def place(self) -> Progress:
        return Progress.from_tree(self.progress)

    @property
    def weights(self) -> Mapping[str, torch.Tensor]:
        """What to run the model with: the average where there is one."""
        return self.average if self.average is not None else self.model

    def to_bytes(self) -> bytes:
        """The file."""
        buffer = io.BytesIO()
        torch.save({"format": FORMAT, "version": VERSION} | _shallow(self), buffer)
        return buffer.getvalue()

    @staticmethod
    def from_bytes(data: bytes, place: str) -> "Checkpoint":
        """The inverse of `to_bytes`. Raises DrumlineError where it is damaged, or no checkpoint, or too new."""
        try:
            tree = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except (RuntimeError, ValueError, EOFError, OSError, pickle.UnpicklingError) as error:
            raise DrumlineError(f"{place}: damaged or no checkpoint ({' '.join(str(error).split())[:200]})") from error
        if not isinstance(tree, dict) or tree.pop("format", None) != FORMAT:
            raise DrumlineError(f"{place}: not a checkpoint of drumline")
        if (version := tree.pop("version")) > VERSION:
            raise DrumlineError(f"{place}: version {version}, newer than this drumline's {VERSION}")
        return Checkpoint(**tree)


def _shallow(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}


def save_last(checkpoint: Checkpoint, output: str) -> None:
    """Keep a checkpoint as the one to go on from; the one before stays beside it."""
    last, previous = join(output, FOLDER, "last.pt"), join(output, FOLDER, "previous.pt")
    if exists(last):
        write_bytes(previous, read_bytes(last))
    write_bytes(last, checkpoint.to_bytes())


def load_last(output: str) -> Checkpoint | None:
    """The newest checkpoint of a run that can be read; None where there is none.

    Raises DrumlineError where there are some and all are damaged.
    """
    damage: DrumlineError | None = None
    for name in ("last.pt", "previous.pt"):
        uri = join(output, FOLDER, name)
        if not exists(uri):
            continue
        try:
            return Checkpoint.from_bytes(read_bytes(uri), uri)
        except DrumlineError as error:
            damage = error
            log.warning("%s; looking for an earlier one", error)
    if damage is not None:
        raise damage
    return None


def load(uri: str) -> Checkpoint:
    """A checkpoint by name. Raises ConfigError where there is none, DrumlineError where it is damaged."""
    try:
        data = read_bytes(uri)
    except STORAGE_ERRORS as error:
        raise ConfigError(f"{uri}: no checkpoint can be read there ({error or type(error).__name__})") from error
    return Checkpoint.from_bytes(data, uri)


def keep_best(checkpoint: Checkpoint, output: str, *, score: float, keep: int) -> None:
    """Keep the weights if they are among the ``keep`` best by score; of equal scores the earlier stays."""
    folder = join(output, FOLDER)
    best = sorted(((_score_of(name), name) for name in names(folder) if name.startswith("best-")), reverse=True)
    if len(best) >= keep and score <= best[keep - 1][0]:
        return
    slim = Checkpoint(**{**_shallow(checkpoint), "optimiser": None, "scaler": None})
    write_bytes(join(folder, f"best-{checkpoint.place.epoch:04d}-{score:.6f}.pt"), slim.to_bytes())
    for _, name in best[keep - 1 :]:
        remove(join(folder, name))


def best_of(output: str) -> str:
    """URI of a run's best checkpoint. Raises ConfigError where the run has none yet."""
    found = [name for name in names(join(output, FOLDER)) if name.startswith("best-")]
    if not found:
        raise ConfigError(f"{output}: no best checkpoint in it; has an epoch been validated?")
    return join(output, FOLDER, max(found, key=lambda name: (_score_of(name), name)))


def _score_of(name: str) -> float:
    return float(name.removesuffix(".pt").rsplit("-", 1)[-1])
