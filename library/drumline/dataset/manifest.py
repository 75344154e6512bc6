"""The manifest: what a finished dataset consists of, and from what it was made.

It is written last and read first. It holds no time, host or path of the machine that made it, so equal
datasets have equal manifests.
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
    """One file of a dataset."""

    path: str
    """Relative to the dataset."""
    bytes: int
    """Size."""
    sha256: str
    """Of the whole file."""
    rows: int | None = None
    """Rows of a Parquet table."""


class Counts(Config):
    """How much a dataset holds."""

    songs: int
    """Different songs."""
    recordings: int
    """Rows of songs.parquet and of all shards together."""
    hits: int
    """Rows of events.parquet."""
    hours: float
    """Of audio, over all recordings."""
    rejected: dict[str, int]
    """Songs left out, by reason."""
    splits: dict[str, int]
    """Songs by split."""


class Manifest(Config):
    """What a finished dataset is."""

    schema_version: int = SCHEMA_VERSION
    """Of the tables (docs/formats.md)."""
    name: str
    """What its makers call it."""
    drumline: str
    """Version of the code that made it."""
    fingerprint: str
    """Of the configuration that decided its bytes."""
    separator: str
    """Fingerprint of the separator and its weights; empty where none was used."""
    inputs_sha256: str
    """Of every song's key, chart and audio hashes, in order."""
    config: dict[str, Any]
    """The resolved configuration, less where and how it ran."""
    counts: Counts
    """Totals."""
    files: tuple[FileEntry, ...] = Field(min_length=1)
    """Every file, in order of path, but this one."""

    def shards(self, split: str | None = None) -> list[str]:
        """Paths of the shards of a split, or of all, relative to the dataset."""
        prefix = f"shards/{split}-" if split else "shards/"
        return [entry.path for entry in self.files if entry.path.startswith(prefix)]


def is_manifest(dataset: str) -> bool:
    """Whether a folder holds the manifest of a dataset, of whatever version, and not another file of that name."""
    try:
        tree = read_json(join(dataset, NAME))
    except (*STORAGE_ERRORS, ValueError):
        return False
    return isinstance(tree, dict) and {"schema_version", "drumline", "inputs_sha256"} <= tree.keys()


def read_manifest(dataset: str) -> Manifest:
    """The manifest of a finished dataset. Raises DrumlineError where there is none, or one of another version."""
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
    return parse_config(Manifest, tree, place=uri)
