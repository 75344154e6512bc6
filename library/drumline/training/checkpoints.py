"""Checkpoints: one file each, whole or absent, with everything that the next step depends on.

A file is what ``torch.save`` writes: tensors and plain values only, so that it loads with ``weights_only=True`` and
runs no code of a stranger's. Below a run's output::

    checkpoints/resume-<epoch>-<step>.pt    the newest two: where the run goes on, and should that one be damaged
    checkpoints/best-<epoch>-<score>.pt     the best few by score, without the optimiser
"""

import io
import logging
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch

from drumline.core.artifacts import STORAGE_ERRORS, join, names, read_bytes, remove, write_bytes
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
    run: str
    """`TrainConfig.run_fingerprint`: who may go on from here."""
    progress: dict[str, Any]
    """`Progress.to_tree`: the sampler's place and the schedule's, which are functions of it."""
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
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if changed := archive.testzip():  # torch reads a flipped bit as it stands
                    raise ValueError(f"the checksum of {changed} differs")
            tree = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except (RuntimeError, ValueError, EOFError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
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
    folder, place = join(output, FOLDER), checkpoint.place
    name = f"resume-{place.epoch:04d}-{place.step:06d}.pt"
    write_bytes(join(folder, name), checkpoint.to_bytes())
    others = _resumable(folder) - {name}
    for other in others - {max((one for one in others if one < name), default=name)}:
        remove(join(folder, other))  # older ones, and a damaged one from which nobody could go on


def load_last(output: str) -> Checkpoint | None:
    """The newest checkpoint of a run that can be read; None where there is none.

    Raises DrumlineError where there are some and all are damaged.
    """
    folder = join(output, FOLDER)
    damage: DrumlineError | None = None
    for name in sorted(_resumable(folder), reverse=True):
        try:
            return load(join(folder, name))
        except ConfigError:
            raise  # it cannot be read at the moment: to go on from an earlier one would do its work again
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


def weights_of(uri: str) -> Mapping[str, torch.Tensor]:
    """Weights to start from: of a checkpoint, of a run's best one, or of a released package (its ``weights.npz``).

    Raises ConfigError where there is nothing, DrumlineError where it is damaged.
    """
    if not uri.endswith(".npz"):
        return load(best_of(uri)).weights
    try:
        with np.load(io.BytesIO(read_bytes(uri)), allow_pickle=False) as file:
            return {name: torch.from_numpy(file[name]) for name in file.files}
    except STORAGE_ERRORS as error:
        raise ConfigError(f"{uri}: no weights can be read there ({error or type(error).__name__})") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DrumlineError(f"{uri}: damaged, or no weights ({error})") from error


def averaged(uris: Sequence[str]) -> Checkpoint:
    """The mean of the weights of checkpoints, or of runs' best ones; everything else is the first one's.

    Of models that began from the same weights the mean may be better than each (Wortsman et al., "Model soups", ICML
    2022). Raises ConfigError where one cannot be read or is a network of another shape.
    """
    found = [load(best_of(uri)) for uri in uris]
    shapes = [{name: values.shape for name, values in each.weights.items()} for each in found]
    for uri, own in zip(uris, shapes, strict=True):
        if own != shapes[0]:
            raise ConfigError(f"{uri}: another network than that of {uris[0]}: their weights differ in name or shape")
    mean = {
        name: torch.stack([each.weights[name].double() for each in found]).mean(0).to(values.dtype)
        for name, values in found[0].weights.items()
    }
    return replace(found[0], metrics={}, model=mean, optimiser=None, scaler=None, average=None)


def keep_best(checkpoint: Checkpoint, output: str, *, score: float, keep: int) -> None:
    """Keep the weights if they are among the ``keep`` best by score; of equal scores the earlier stays."""
    folder = join(output, FOLDER)
    name = f"best-{checkpoint.place.epoch:04d}-{score:.6f}.pt"
    best = sorted({*_best(folder), name}, key=_rank)
    if name in best[:keep]:
        slim = replace(checkpoint, optimiser=None, scaler=None)
        write_bytes(join(folder, name), slim.to_bytes())
    for other in best[keep:]:
        if other != name:
            remove(join(folder, other))


def best_of(output: str) -> str:
    """URI of a run's best checkpoint; of a checkpoint's own URI (``.pt``), itself. ConfigError where a run has none."""
    if output.endswith(".pt"):
        return output
    found = _best(join(output, FOLDER))
    if not found:
        raise ConfigError(f"{output}: no best checkpoint in it; has an epoch been validated?")
    return join(output, FOLDER, min(found, key=_rank))


def _best(folder: str) -> set[str]:
    return {name for name in names(folder) if name.startswith("best-") and name.endswith(".pt")}


def _resumable(folder: str) -> set[str]:
    return {name for name in names(folder) if name.startswith("resume-") and name.endswith(".pt")}


def _rank(name: str) -> tuple[float, str]:
    """Of a best checkpoint: the higher its score the lower, and of equal ones the earlier."""
    return -float(name.removesuffix(".pt").rsplit("-", 1)[-1]), name
