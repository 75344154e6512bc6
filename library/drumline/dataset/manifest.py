"""Manifest of a dataset: its files with checksums, its counts and its configuration.

Written last and read first. It holds no time, host or path of the machine, so equal datasets have equal manifests.
"""

from typing import Any

from pydantic import Field

from drumline.core.artifacts import STORAGE_ERRORS, join, read_bytes
from drumline.core.config import Config, parse_config
from drumline.core.documents import parse_json, read_json
from drumline.core.errors import DrumlineError
from drumline.dataset.tables import SCHEMA_VERSION

NAME = "manifest.json"


class FileEntry(Config):
    """A file of a dataset."""

    path: str
    """Path relative to the dataset."""
    bytes: int
    """Size [bytes]."""
    sha256: str
    """SHA-256 of the file."""
    rows: int | None = None
    """Number of rows of a Parquet table; null for other files."""


class Counts(Config):
    """Totals of a dataset."""

    songs: int
    """Number of distinct songs."""
    recordings: int
    """Number of recordings: rows of songs.parquet and of all shards."""
    hits: int
    """Number of hits: rows of events.parquet."""
    hours: float
    """Total duration of all recordings [s]."""
    rejected: dict[str, int]
    """Number of rejected songs by reason."""
    splits: dict[str, int]
    """Number of songs by split."""


class Manifest(Config):
    """Contents of a dataset's manifest.json."""

    schema_version: int = SCHEMA_VERSION
    """Version of the tables (docs/formats.md)."""
    name: str
    """Name of the dataset."""
    drumline: str
    """Version of drumline that built it."""
    fingerprint: str
    """Fingerprint of the settings that affect the dataset's bytes."""
    separator: str
    """Fingerprint of the separator and its weights; empty without separation."""
    inputs_sha256: str
    """Hash of every song's key, chart hash and audio hash, in order."""
    config: dict[str, Any]
    """Resolved configuration without locations and run settings."""
    counts: Counts
    """Totals of the dataset."""
    files: tuple[FileEntry, ...] = Field(min_length=1)
    """All files except the manifest, in order of path."""

    def shards(self, split: str | None = None) -> list[str]:
        """Paths of the shards of a split, or of all splits, relative to the dataset."""
        prefix = f"shards/{split}-" if split else "shards/"
        return [entry.path for entry in self.files if entry.path.startswith(prefix)]


def is_manifest(dataset: str) -> bool:
    """Whether a folder has a dataset manifest of any version, rather than another file of that name."""
    try:
        tree = read_json(join(dataset, NAME))
    except (*STORAGE_ERRORS, ValueError):
        return False
    return isinstance(tree, dict) and {"schema_version", "drumline", "inputs_sha256"} <= tree.keys()


def read_manifest(dataset: str) -> Manifest:
    """Read the manifest of a finished dataset. Raises DrumlineError if there is none or its version differs."""
    uri = join(dataset, NAME)
    try:
        tree = parse_json(read_bytes(uri))
    except FileNotFoundError as error:
        raise DrumlineError(f"{dataset}: no {NAME}: not a dataset, or its build has not finished") from error
    except STORAGE_ERRORS as error:
        raise DrumlineError(f"{uri}: cannot be read ({error or type(error).__name__})") from error
    except ValueError as error:
        raise DrumlineError(f"{uri}: not JSON ({error})") from error
    version = tree.get("schema_version") if isinstance(tree, dict) else None
    if version != SCHEMA_VERSION:
        raise DrumlineError(f"{uri}: schema version {version}, this drumline reads {SCHEMA_VERSION}")
    return parse_config(Manifest, tree, location=uri)
