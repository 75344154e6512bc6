"""Checkpoints: one atomically written file each, with everything that the next step depends on.

Files are written by ``torch.save`` and hold only tensors and plain values, so that they load with
``weights_only=True`` and cannot run foreign code. Below a run's output::

    checkpoints/resume-<epoch>-<step>.pt    the newest two, for resuming: the second in case the first is damaged
    checkpoints/best-<epoch>-<score>.pt     the best by validation score, without the optimiser
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
    """State of a training run after a step."""

    config: str
    """Resolved configuration, as JSON."""
    dataset: str
    """Fingerprint of the dataset."""
    run: str
    """Fingerprint of the run (`TrainConfig.run_fingerprint`), which must match for resuming."""
    progress: dict[str, Any]
    """Position in the run (`Progress.to_tree`), from which sampling and schedule follow."""
    metrics: dict[str, float]
    """Metrics of the newest validation."""
    model: Mapping[str, torch.Tensor]
    """Weights and buffers of the network."""
    optimiser: Mapping[str, Any] | None = None
    """State of the optimiser; None in a checkpoint that is kept for its weights only."""
    scaler: Mapping[str, Any] | None = None
    """State of the fp16 gradient scaler."""
    average: Mapping[str, torch.Tensor] | None = None
    """Exponential moving average of the weights, if enabled."""

    @property
    def position(self) -> Progress:
        """Position of the next step."""
        return Progress.from_tree(self.progress)

    @property
    def weights(self) -> Mapping[str, torch.Tensor]:
        """Weights for inference: the moving average if there is one."""
        return self.average if self.average is not None else self.model

    def to_bytes(self) -> bytes:
        """Encode as a file."""
        buffer = io.BytesIO()
        torch.save({"format": FORMAT, "version": VERSION} | _shallow(self), buffer)
        return buffer.getvalue()

    @staticmethod
    def from_bytes(data: bytes, uri: str) -> "Checkpoint":
        """Decode a file, the inverse of `to_bytes`.

        Parameters
        ----------
        data
            Content of the file.
        uri
            Name of the file, for errors.

        Raises
        ------
        DrumlineError
            The file is damaged, not a checkpoint, or of a newer version.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if changed := archive.testzip():  # torch does not notice a flipped bit
                    raise ValueError(f"the checksum of {changed} differs")
            tree = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except (RuntimeError, ValueError, EOFError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
            raise DrumlineError(f"{uri}: damaged or no checkpoint ({' '.join(str(error).split())[:200]})") from error
        if not isinstance(tree, dict) or tree.pop("format", None) != FORMAT:
            raise DrumlineError(f"{uri}: not a checkpoint of drumline")
        if (version := tree.pop("version")) > VERSION:
            raise DrumlineError(f"{uri}: version {version}, newer than this drumline's {VERSION}")
        return Checkpoint(**tree)


def _shallow(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}


def save_last(checkpoint: Checkpoint, output: str) -> None:
    """Save a checkpoint for resuming; the previous one is kept too.

    Parameters
    ----------
    checkpoint
        Current state of the run.
    output
        Output folder or URI of the run.
    """
    folder, position = join(output, FOLDER), checkpoint.position
    name = f"resume-{position.epoch:04d}-{position.step:06d}.pt"
    write_bytes(join(folder, name), checkpoint.to_bytes())
    others = _resumable(folder) - {name}
    for other in others - {max((one for one in others if one < name), default=name)}:
        remove(join(folder, other))  # older ones, and a damaged one


def load_last(output: str) -> Checkpoint | None:
    """Load the newest readable checkpoint of a run.

    Parameters
    ----------
    output
        Output folder or URI of the run.

    Returns
    -------
    Checkpoint or None
        None if the run has no checkpoint.

    Raises
    ------
    DrumlineError
        All checkpoints are damaged.
    """
    folder = join(output, FOLDER)
    damage: DrumlineError | None = None
    for name in sorted(_resumable(folder), reverse=True):
        try:
            return load(join(folder, name))
        except ConfigError:
            raise  # unreadable at the moment: resuming from an earlier one would repeat work
        except DrumlineError as error:
            damage = error
            log.warning("%s; looking for an earlier one", error)
    if damage is not None:
        raise damage
    return None


def load(uri: str) -> Checkpoint:
    """Load a checkpoint by its URI. Raises ConfigError if there is none, DrumlineError if it is damaged."""
    try:
        data = read_bytes(uri)
    except STORAGE_ERRORS as error:
        raise ConfigError(f"{uri}: no checkpoint can be read there ({error or type(error).__name__})") from error
    return Checkpoint.from_bytes(data, uri)


def weights_of(uri: str) -> Mapping[str, torch.Tensor]:
    """Load weights of a checkpoint, of a run's best checkpoint, or of a released package (its ``weights.npz``).

    Parameters
    ----------
    uri
        Checkpoint (``.pt``), output of a run, or ``.npz`` file.

    Returns
    -------
    dict
        Tensors by parameter name.

    Raises
    ------
    ConfigError
        There are no weights.
    DrumlineError
        The file is damaged.
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
    """Average the weights of several checkpoints; everything else is taken from the first that is no bare weights.

    The mean of models that were fine-tuned from the same weights may be better than each of them (Wortsman et al.,
    "Model soups", ICML 2022).

    Parameters
    ----------
    uris
        Checkpoints, outputs of runs (their best checkpoints), or the ``weights.npz`` of packages.

    Raises
    ------
    ConfigError
        A checkpoint cannot be read, has a network of another shape, or all are bare weights.
    """
    whole = [uri for uri in uris if not uri.endswith(".npz")]
    if not whole:
        raise ConfigError(f"{uris[0]}: bare weights; at least one must be a checkpoint, which says what network it is")
    found = [weights_of(uri) for uri in uris]
    all_shapes = [{name: values.shape for name, values in weights.items()} for weights in found]
    for uri, shapes in zip(uris, all_shapes, strict=True):
        if shapes != all_shapes[0]:
            raise ConfigError(f"{uri}: another network than that of {uris[0]}: their weights differ in name or shape")
    mean = {
        name: torch.stack([weights[name].double() for weights in found]).mean(0).to(values.dtype)
        for name, values in found[0].items()
    }
    return replace(load(best_of(whole[0])), metrics={}, model=mean, optimiser=None, scaler=None, average=None)


def keep_best(checkpoint: Checkpoint, output: str, *, score: float, keep: int) -> None:
    """Keep a checkpoint's weights if they are among the ``keep`` best by score (the earlier of equal ones).

    Parameters
    ----------
    checkpoint
        State after a validation.
    output
        Output folder or URI of the run.
    score
        Validation score, higher is better.
    keep
        Number of checkpoints to keep.
    """
    folder = join(output, FOLDER)
    name = f"best-{checkpoint.position.epoch:04d}-{score:.6f}.pt"
    best = sorted({*_best(folder), name}, key=_rank)
    if name in best[:keep]:
        slim = replace(checkpoint, optimiser=None, scaler=None)
        write_bytes(join(folder, name), slim.to_bytes())
    for other in best[keep:]:
        if other != name:
            remove(join(folder, other))


def best_of(output: str) -> str:
    """URI of a run's best checkpoint.

    Parameters
    ----------
    output
        Output of a run, or a checkpoint (``.pt``), which is returned.

    Raises
    ------
    ConfigError
        The run has no validated checkpoint.
    """
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
    """Sort key of checkpoints: by falling score, then by epoch."""
    return -float(name.removesuffix(".pt").rsplit("-", 1)[-1]), name
