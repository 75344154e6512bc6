"""A released model: a folder whose ``package.json`` says what is in it and vouches for every byte.

::

    package.json            this module's `Package`
    model.onnx              the graph in float32
    model.int8.onnx         quantised: the fastest on a CPU
    model.fp16.onnx         float32 with its weights stored as float16: half the download
    weights.npz             the network's weights by name, for torch on a graphics card
    class_thresholds.json   temperatures, thresholds and offsets of its classes (`decoding.calibration`), if fitted
    card.md                 for people

Reading one needs neither torch nor onnx, and runs no code of a stranger's. What a package says of itself is checked:
its files' hashes, and that this drumline knows its format.
"""

import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from pydantic import Field

from drumline.core.artifacts import STORAGE_ERRORS, join, read_bytes, sha256, sha256_file, write_bytes
from drumline.core.config import Config, parse_config
from drumline.core.documents import parse_json
from drumline.core.errors import ConfigError, DrumlineError
from drumline.features.logmel import LogMelConfig
from drumline.model.config import ModelConfig

NAME: Final = "package.json"
VERSION: Final = 1

Precision = Literal["float32", "int8", "float16"]
GRAPHS: Final[dict[Precision, str]] = {
    "float32": "model.onnx",
    "int8": "model.int8.onnx",
    "float16": "model.fp16.onnx",
}
"""Precision -> name of the file."""
WEIGHTS: Final = "weights.npz"
THRESHOLDS: Final = "class_thresholds.json"
CARD: Final = "card.md"
RELEASED: Final = Path(__file__).parents[1] / "models"
"""Where the packages that come with drumline are, each in a folder of its name."""


class Parity(Config):
    """How far a graph's answers lie from those of the checkpoint in torch, over whole recordings."""

    max_difference: float = Field(ge=0)
    """The largest, of any probability, velocity or onset."""
    mean_difference: float = Field(ge=0)
    """The mean over all of them."""
    f: float | None
    """Micro F of 5 classes at 50 ms with the graph; None where the recordings have no strokes."""
    f_change: float | None
    """Difference of that F-measure to the one of torch."""


class Package(Config):
    """Contents of ``package.json``."""

    format: Literal["drumline-model"] = "drumline-model"
    """Tells this file from any other JSON."""
    format_version: int = VERSION
    """Version of the format. Raised whenever an old reader would misread a new package."""
    name: str
    """Name of the model."""
    version: str
    """Version of the model."""
    drumline: str
    """Version of the code that exported it."""
    classes: tuple[str, ...] = Field(min_length=1)
    """Columns of its answers."""
    features: LogMelConfig
    """Input features of the model."""
    network: ModelConfig | None = None
    """Network of the weights; None if the package has no weights."""
    margin_s: float = Field(ge=0)
    """Context on either side of a chunk [s] with which its output equals that of the whole recording."""
    preset: str = "default"
    """The decoding that suits it."""
    micro: str = ""
    """The package whose model reads dense passages again (`decoding.dense`): the name of a folder beside this one, or
    of one that comes with drumline; empty where there is none."""
    files: dict[str, str]
    """File -> SHA-256, of all but ``package.json``."""
    parity: dict[str, Parity]
    """Precision -> how it was compared."""
    facts: dict[str, Any] = Field(default={})
    """Where it comes from: of its checkpoint and its training."""

    @property
    def precisions(self) -> tuple[str, ...]:
        """Precisions of the package's graphs."""
        return tuple(precision for precision, name in GRAPHS.items() if name in self.files)


def read_package(folder: Path) -> Package:
    """The package in a folder, its files hashed.

    Raises ConfigError where there is none, or one of a newer format; DrumlineError where a file is missing or changed.
    """
    location = folder / NAME
    try:
        tree = parse_json(location.read_bytes())
    except OSError as error:
        raise ConfigError(f"{folder}: no model package: {NAME} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(f"{location}: not JSON ({error})") from error
    version = tree.get("format_version") if isinstance(tree, dict) else None
    if not isinstance(version, int) or version > VERSION:
        raise ConfigError(f"{location}: format version {version!r}, this drumline reads up to {VERSION}")
    package = parse_config(Package, tree, location=str(location))
    for name, expected in package.files.items():
        file = folder / name
        if not file.is_file():
            raise DrumlineError(f"{file}: is missing; {NAME} lists it")
        if sha256_file(file) != expected:
            raise DrumlineError(f"{file}: has been changed since it was released, or its download was cut")
    return package


def find_micro(folder: Path, package: Package) -> tuple[Path, Package]:
    """A package's micro model, and its folder.

    Raises ConfigError where it names none, or one that is not there or tells other classes; DrumlineError where that is
    damaged.
    """
    if not package.micro:
        raise ConfigError(
            f"{folder}: the preset reads dense passages again with a micro model, and this package names none "
            "(no micro model is released yet); take another preset"
        )
    beside = folder.resolve().parent / package.micro
    location = beside if (beside / NAME).is_file() else find_package(package.micro)
    micro = read_package(location)
    if micro.classes != package.classes:
        raise ConfigError(f"{location}: a micro model must tell the classes of {folder}, {', '.join(package.classes)}")
    return location, micro


def withdraw(folder: Path) -> None:
    """Make a folder no package, before its files change. Raises ConfigError where another kind of package is there."""
    location = folder / NAME
    if not location.exists():
        return
    try:
        tree = parse_json(location.read_bytes())
    except ValueError:
        tree = None
    if not isinstance(tree, dict) or tree.get("format") != "drumline-model":
        raise ConfigError(f"{location}: is not of a drumline model; it would be written over")
    location.unlink()


def released() -> tuple[Path, ...]:
    """Folders of the packages that come with this drumline, the newest last."""
    return tuple(sorted(location.parent for location in RELEASED.glob(f"*/{NAME}")))


def find_package(wanted: str = "") -> Path:
    """The folder of a package: by its path, its URI, the name of one that comes with drumline, or the newest of these.

    Raises ConfigError that says how to name one.
    """
    if "://" in wanted:
        return _fetched(wanted)
    if wanted:
        for folder in (Path(wanted), RELEASED / wanted):
            if (folder / NAME).is_file():
                return folder
        raise ConfigError(f"{wanted}: no model package there (a folder with a {NAME})")
    if not (found := released()):
        raise ConfigError(
            "no model comes with this drumline yet: name a package with --model FOLDER (`drumline export-model` makes "
            "one from a checkpoint), or use --heuristic"
        )
    return found[-1]


def _fetched(uri: str) -> Path:
    """A copy on this machine of a package elsewhere: fetched once, and again when its ``package.json`` changes."""
    try:
        description = read_bytes(join(uri, NAME))
        copies = Path(tempfile.gettempdir()) / f"drumline-models-{os.getuid()}"
        copies.mkdir(mode=0o700, exist_ok=True)
        folder = copies / sha256(description)[:16] / PurePosixPath(uri.rstrip("/")).name
        if not (folder / NAME).is_file():  # which comes last: what has it is whole
            for name in parse_config(Package, parse_json(description), location=join(uri, NAME)).files:
                write_bytes(str(folder / name), read_bytes(join(uri, name)))
            write_bytes(str(folder / NAME), description)
    except (*STORAGE_ERRORS, ImportError, ValueError) as error:
        raise ConfigError(f"{uri}: no model package there ({error or type(error).__name__})") from error
    return folder
