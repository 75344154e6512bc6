"""The configuration of an export: `configs/export_model/*.yaml`."""

from typing import Self

from pydantic import Field, model_validator

from drumline.core.config import Config
from drumline.decoding.model_package import Precision
from drumline.export.parity import Limits


class ExportConfig(Config):
    """A checkpoint, and the package that is made of it."""

    checkpoint: str
    """A checkpoint's URI, or a training run's output: then its best."""
    output: str
    """The package's folder, on a local disk; its last part is what ``--model`` calls it."""
    name: str
    """Name of the model."""
    version: str
    """Version of the model."""
    summary: str = ""
    """For the card: what it is good for, in a sentence or two."""
    licence: str = ""
    """Licence of the weights, for the card."""
    about: str = ""
    """A Markdown file that the card holds as it is: data and their licences, accuracy, limits."""
    precisions: tuple[Precision, ...] = ("float32", "int8", "float16")
    """The graphs to make."""
    thresholds: str = ""
    """A ``class_thresholds.json`` to put in; empty for none."""
    preset: str = "default"
    """The decoding that suits it."""
    micro: str = ""
    """A package that reads dense passages again (preset ``micro``): the name of a folder beside ``output``."""
    margin_s: float = Field(default=2.0, ge=0)
    """Context on either side of a chunk [s]: a recurrent network forgets within about a second."""
    dataset: str
    """A built dataset, for the ranges of int8 and for parity."""
    calibration_split: str = "train"
    """Split of the dataset whose windows give the ranges of int8."""
    calibration_recordings: int = Field(default=64, ge=1)
    """At most so many."""
    calibration_seconds: float = Field(default=10.0, gt=0)
    """Length of each recording that is used, from its start [s]."""
    parity_split: str = "validation"
    """Split of the dataset on which the graphs are compared with torch."""
    parity_recordings: int = Field(default=16, ge=1)
    """At most so many."""
    parity_seconds: float = Field(default=60.0, gt=0)
    """Length of each recording that is used, from its start [s]."""
    limits: dict[Precision, Limits] = Field(
        default={
            "float32": Limits(max_difference=1e-3, mean_difference=1e-5, f_drop=0.001),
            "float16": Limits(max_difference=0.02, mean_difference=1e-3, f_drop=0.002),
            "int8": Limits(max_difference=0.3, mean_difference=0.01, f_drop=0.01),
        }
    )
    """Precision -> what it may differ by from torch. Beyond, no package is made."""

    @model_validator(mode="after")
    def _has_graphs(self) -> Self:
        if not self.precisions:
            raise ValueError("precisions must name one at least")
        return self
