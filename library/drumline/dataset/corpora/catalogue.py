"""The catalogue of public material: a YAML list of `Material`, part of the package, to which one may add one's own."""

import difflib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from drumline.core.config import Config, parse_config, read_yaml_file
from drumline.core.errors import ConfigError

ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".h2drumkit")
"""What is unpacked after its download. A ``.h2drumkit`` is a tar, compressed or not."""


class RemoteFile(Config):
    """One file to download."""

    url: str = Field(pattern=r"^https?://")
    """Where it is."""
    name: str = Field(default="", pattern=r"^[\w.+ -]*$")
    """What it is called here; empty for the last part of the URL."""
    size_bytes: int = Field(default=0, ge=0)
    """As published; 0 where it is not."""
    checksum: str = Field(default="", pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?$")
    """As published: ``sha256:...`` or ``md5:...``. Empty where none is: then the first download's is recorded, and
    later ones must equal it."""

    @property
    def file_name(self) -> str:
        return self.name or urlsplit(self.url).path.rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        return self.file_name.lower().endswith(ARCHIVES)


class DebianPackage(Config):
    """The same material in Debian and its derivatives."""

    package: str
    """What to give to ``apt install``."""
    path: str
    """Where it is then."""


class Material(Config):
    """One corpus, kit or SoundFont."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """What the commands call it, and the folder that it is fetched into."""
    title: str
    """In a line."""
    kind: Literal["performances", "recordings", "kit", "soundfont"]
    """MIDI of drummers, audio with annotations, samples to play them on, or instruments for accompaniment."""
    homepage: str
    """Where its makers describe it."""
    licence: str
    """Its name."""
    licence_url: str
    """Its text."""
    may_train: bool
    """Whether models may be trained on it: false is for evaluation only."""
    size: str = "size unknown"
    """Of the download, in words."""
    note: str = ""
    """What else to know."""
    citation: str = ""
    """Whom to name."""
    files: tuple[RemoteFile, ...] = ()
    """What to download; empty where only the Debian package gives it."""
    debian: DebianPackage | None = None
    """The Debian package that has it."""
    holds: dict[str, int] = Field(min_length=1)
    """What a complete copy holds: the end of a path, with * and ?, in any case -> how many files at least."""

    @field_validator("holds")
    @classmethod
    def _relative(cls, holds: dict[str, int]) -> dict[str, int]:
        if bad := [pattern for pattern in holds if pattern.startswith("/")]:
            raise ValueError(f"{bad[0]!r} must not begin with /")
        return holds


class _Catalogue(Config):
    materials: tuple[Material, ...]


def load_catalogue(extra: Path | None = None) -> dict[str, Material]:
    """Name -> material, in the catalogue's order; ``extra`` is a YAML file of the same form, whose entries win.

    Raises ConfigError where it cannot be read.
    """
    with resources.as_file(resources.files(__package__).joinpath("catalogue.yaml")) as own:
        materials = _read(own)
    if extra is not None:
        materials += _read(extra)
    return {material.name: material for material in materials}


def find(catalogue: Mapping[str, Material], name: str) -> Material:
    """The material of a name. Raises ConfigError that names the nearest known one."""
    if name not in catalogue:
        near = difflib.get_close_matches(name, catalogue, n=1, cutoff=0.0)
        raise ConfigError(f"{name!r} is not in the catalogue; did you mean {near[0]}? (`drumline corpora list`)")
    return catalogue[name]


def _read(file: Path) -> tuple[Material, ...]:
    return parse_config(_Catalogue, {"materials": read_yaml_file(file)}, str(file)).materials
