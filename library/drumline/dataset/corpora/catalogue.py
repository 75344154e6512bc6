"""Catalogue of public material: a YAML list of `Material` in the package, which users can extend."""

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
"""File name endings of archives that are unpacked after download; a ``.h2drumkit`` is a tar file."""


class RemoteFile(Config):
    """A file to download."""

    url: str = Field(pattern=r"^https?://")
    """URL of the file."""
    name: str = Field(default="", pattern=r"^[\w.+ -]*$")
    """Local file name; the last part of the URL if empty."""
    size_bytes: int = Field(default=0, ge=0)
    """Published size [bytes]; 0 if not published."""
    checksum: str = Field(default="", pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?$")
    """Published checksum: ``sha256:...`` or ``md5:...``. If empty, the checksum of the first download is recorded and
    later
    downloads must match it."""

    @property
    def file_name(self) -> str:
        return self.name or urlsplit(self.url).path.rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        return self.file_name.lower().endswith(ARCHIVES)


class DebianPackage(Config):
    """Debian package that contains the same material."""

    package: str
    """Package name for ``apt install``."""
    path: str
    """Installed location."""


class Material(Config):
    """A corpus, kit or SoundFont of the catalogue."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Name in commands, and of the folder that it is fetched into."""
    title: str
    """One-line description."""
    kind: Literal["performances", "recordings", "kit", "soundfont"]
    """Kind: MIDI performances, annotated audio, drum samples, or instruments for accompaniment."""
    homepage: str
    """Home page."""
    licence: str
    """Name of the licence."""
    licence_url: str
    """URL of the licence text."""
    may_train: bool
    """Whether the licence permits training; false for evaluation only."""
    size: str = "size unknown"
    """Download size, for people."""
    note: str = ""
    """Remarks."""
    citation: str = ""
    """Citation."""
    files: tuple[RemoteFile, ...] = ()
    """Files to download; empty if only a Debian package provides it."""
    debian: DebianPackage | None = None
    """Debian package that provides it, if any."""
    holds: dict[str, int] = Field(min_length=1)
    """Required files: path pattern (suffix with * and ?, case-insensitive) -> least number of matches."""

    @field_validator("holds")
    @classmethod
    def _relative(cls, holds: dict[str, int]) -> dict[str, int]:
        if bad := [pattern for pattern in holds if pattern.startswith("/")]:
            raise ValueError(f"{bad[0]!r} must not begin with /")
        return holds


class _Catalogue(Config):
    materials: tuple[Material, ...]


def load_catalogue(extra: Path | None = None) -> dict[str, Material]:
    """Load the catalogue by name; entries of the YAML file ``extra`` take precedence.

    Raises ConfigError if it cannot be read.
    """
    with resources.as_file(resources.files(__package__).joinpath("catalogue.yaml")) as own:
        materials = _read(own)
    if extra is not None:
        materials += _read(extra)
    return {material.name: material for material in materials}


def find(catalogue: Mapping[str, Material], name: str) -> Material:
    """Look up material by name. Raises ConfigError that names the nearest known one."""
    if name not in catalogue:
        near = difflib.get_close_matches(name, catalogue, n=1, cutoff=0.0)
        raise ConfigError(f"{name!r} is not in the catalogue; did you mean {near[0]}? (`drumline corpora list`)")
    return catalogue[name]


def _read(file: Path) -> tuple[Material, ...]:
    return parse_config(_Catalogue, {"materials": read_yaml_file(file)}, str(file)).materials
