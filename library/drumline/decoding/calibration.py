"""Calibration of a model's confidences and hits by class: `class_thresholds.json`.

Three numbers a label, and one for each kind of a drum, fitted on a development set and never on what is judged later:

- **temperature** T makes confidences honest: ``p' = sigmoid(logit(p) / T)``, so that of hits with 0.8 some eight in ten
  are there. It changes no order. Above 1 the system was too sure (Guo, Pleiss, Sun, Weinberger, ICML 2017).
- **threshold** is what p' must reach for a hit to be kept.
- **offset_s** is added to each time. Positive: the system told this label too early.
- **kinds** are added to the log-probabilities of a drum's kinds before the likeliest is taken. A model that learnt from
  as many open hi-hats as closed ones claims too many (Saerens, Latinne, Decaestecker, Neural Computation 14, 2002).

A label that was not fitted is left as it is: temperature 1, no threshold, no offset, all kinds as they are told. A
label may be a drum (``tom``): it stands for all kinds of it that have no numbers of their own.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from drumline.core.artifacts import STORAGE_ERRORS, read_bytes, refuse_foreign_json, write_bytes
from drumline.core.config import Config, canonical_json, parse_config
from drumline.core.documents import parse_json
from drumline.core.errors import ConfigError
from drumline.core.hit_arrays import Events
from drumline.core.taxonomy import BRANCHES, LABELS, labels_within
from drumline.core.vocabularies import LABEL_NAMES
from drumline.metrics.calibration import cooled

VERSION: Final = 1
"""Version of the file format. Raised whenever an old reader would misread a new file."""
MOST_OFFSET_S: Final = 0.1
"""A system that is further off has another fault."""


class LabelCalibration(Config):
    """How one label's confidences become hits."""

    temperature: float = Field(default=1.0, gt=0)
    """Divides the logit of a confidence."""
    threshold: float = Field(default=0.0, ge=0, le=1)
    """The least confidence, after the temperature, of a hit that is kept."""
    offset_s: float = Field(default=0.0, ge=-MOST_OFFSET_S, le=MOST_OFFSET_S)
    """Added to each time [s]."""
    kinds: dict[str, float] = Field(default={})
    """Values that are added to the log-probabilities of a drum's articulations."""
    num_references: int = Field(default=0, ge=0)
    """Strokes of the development set that this rests on."""
    num_matched: int = Field(default=0, ge=0)
    """Hits of the system that were one of them."""


class Calibration(Config):
    """The content of a `class_thresholds.json`."""

    format: Literal["drumline-class-thresholds"] = "drumline-class-thresholds"
    """Tells this file from any other JSON."""
    version: int = VERSION
    """Version of the format."""
    fingerprint: str = ""
    """Fingerprint of all inputs of the fit: the configuration, the predictions and the references."""
    system: str = ""
    """Whose confidences these were."""
    num_songs: int = Field(default=0, ge=0)
    """Number of songs of the development set."""
    window_s: float = Field(default=0.05, gt=0)
    """How near a hit must be to a stroke to count as it [s]."""
    labels: dict[str, LabelCalibration]
    """By label, in the words of the predictions."""

    @model_validator(mode="after")
    def _known_labels(self) -> Self:
        if unknown := sorted(self.labels.keys() - LABELS.keys()):
            raise ValueError(f"{unknown[0]!r} is not one of {', '.join(LABELS)}")
        for name, label in self.labels.items():
            if strange := sorted(label.kinds.keys() - BRANCHES.get(name, {}).keys()):
                raise ValueError(f"{strange[0]!r} is no kind of {name}")
        return self

    def apply(self, events: Events) -> Events:
        """Hits put right: tempered, moved, and those that miss their label's threshold left out.

        A hit whose confidence is not told (NaN) is kept.
        """
        sure, time_s = (np.array(each, dtype=np.float64) for each in (events.confidence, events.time_s))
        keep = np.ones(len(events), dtype=bool)
        for name, fitted in self.labels.items():
            mine = np.isin(events.label, [LABEL_NAMES.index(kind) for kind in self._stands_for(name)])
            sure[mine] = cooled(sure[mine], fitted.temperature)
            keep[mine] = ~(sure[mine] < fitted.threshold)
            time_s[mine] += fitted.offset_s
        order = np.argsort(time_s, kind="stable")
        moved = replace(events, time_s=time_s, confidence=sure.astype(np.float32)).select(order)
        return moved.select(keep[order])

    def without_thresholds(self) -> "Calibration":
        """The same with no threshold of its own."""
        labels = {name: label.model_copy(update={"threshold": 0.0}) for name, label in self.labels.items()}
        return self.model_copy(update={"labels": labels})

    def _stands_for(self, name: str) -> list[str]:
        """The labels of hits that the numbers of a label are for."""
        return [kind for kind in labels_within(name) if kind == name or kind not in self.labels]

    def temper(self, activations: ArrayLike, labels: tuple[str, ...]) -> NDArray[np.float64]:
        """Activations [T, C] with each column's temperature applied; ``labels`` names the columns."""
        values = np.array(activations, dtype=np.float64)
        for column, name in enumerate(labels):
            if name in self.labels:
                values[:, column] = cooled(values[:, column], self.labels[name].temperature)
        return values

    def weights(self, drum: str, kinds: Sequence[str]) -> NDArray[np.float32]:
        """Factors of the probabilities of a drum's articulations [K], before the most probable is chosen."""
        shifts = self.labels[drum].kinds if drum in self.labels else {}
        return np.exp(np.array([shifts.get(kind, 0.0) for kind in kinds], dtype=np.float32))


def refuse_foreign_calibration(uri: str) -> None:
    """Raise ConfigError where a file exists and is no `class_thresholds.json`."""
    refuse_foreign_json(uri, keys=("format", "version", "labels"))


def write_calibration(calibration: Calibration, uri: str) -> None:
    """Write a `class_thresholds.json`. Raises ConfigError where the file exists and is not one."""
    refuse_foreign_calibration(uri)
    write_bytes(uri, (canonical_json(calibration, indent=1) + "\n").encode())


def read_calibration(uri: str) -> Calibration:
    """Read a `class_thresholds.json`. Raises ConfigError: no such file, another format, a newer version, bad values."""
    try:
        tree: Any = parse_json(read_bytes(uri))
    except STORAGE_ERRORS as error:
        raise ConfigError(f"{uri}: cannot be read ({error or type(error).__name__})") from error
    except ValueError as error:
        raise ConfigError(f"{uri}: not JSON ({error})") from error
    if not isinstance(tree, dict) or "labels" not in tree:
        raise ConfigError(f'{uri}: not a class_thresholds.json (it has no "labels")')
    version = tree.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ConfigError(f"{uri}: version {version!r}, this drumline reads up to {VERSION}")
    return parse_config(Calibration, tree, location=uri)
