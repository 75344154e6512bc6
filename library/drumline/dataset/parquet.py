"""Read and write Parquet files in local or remote storage, with page checksums.

Arrow reads ahead in its own threads. If those hold a Python file when the interpreter exits, the process aborts
("terminate called without an active exception"). So local files are opened by Arrow itself, and remote ones are read in
the caller's thread and closed.

Checksums of all pages are verified on reading: a flipped bit ends a run with the file's name.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from drumline.core.artifacts import filesystem, publish, sha256_file
from drumline.core.errors import DrumlineError


class ParquetReader:
    """An open Parquet file: schema, number of rows and row groups."""

    def __init__(self, file: pq.ParquetFile, uri: str) -> None:
        self._file, self._uri = file, uri
        self.metadata: pq.FileMetaData = file.metadata
        self.schema: pa.Schema = file.schema_arrow
        self.num_rows: int = file.metadata.num_rows
        self.num_row_groups: int = file.num_row_groups

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the whole table, or some of its columns."""
        with _damage_told(self._uri):
            return self._file.read(columns=columns, use_threads=False)

    def row_group(self, index: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Read one row group."""
        with _damage_told(self._uri):
            return self._file.read_row_group(index, columns=columns, use_threads=False)


@contextmanager
def open_parquet(uri: str, metadata: pq.FileMetaData | None = None) -> Iterator[ParquetReader]:
    """Open a Parquet file for a block; known ``metadata`` is not read again.

    Raises FileNotFoundError, or DrumlineError for a damaged file.
    """
    fs, path = filesystem(uri)
    with ExitStack() as opened:
        source = path if isinstance(fs, LocalFileSystem) else opened.enter_context(fs.open(path, "rb"))
        with _damage_told(uri):
            file = pq.ParquetFile(source, metadata=metadata, pre_buffer=False, page_checksum_verification=True)
        yield ParquetReader(opened.enter_context(file), uri)


@contextmanager
def _damage_told(uri: str) -> Iterator[None]:
    """Convert Arrow's errors about damaged files into errors that name the file; storage errors pass."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError):
            raise
        raise DrumlineError(
            f"{uri}: damaged ({' '.join(str(error).split())[:200]}). `drumline verify` names every damaged file of a "
            "dataset; a file of a build is made again once it is deleted"
        ) from error


@dataclass(frozen=True)
class Written:
    """Size, checksum and row count of a written file."""

    bytes: int
    sha256: str
    rows: int


def write_parquet(uri: str, schema: pa.Schema, parts: Iterable[pa.Table]) -> Written:
    """Write a table in parts, one row group each, and publish the file when complete."""
    with tempfile.TemporaryDirectory(prefix="drumline-") as folder:
        local = Path(folder, "table.parquet")
        rows = 0
        with pq.ParquetWriter(local, schema, compression="zstd", write_page_checksum=True) as writer:
            for part in parts:
                writer.write_table(part)
                rows += len(part)
        written = Written(local.stat().st_size, sha256_file(local), rows)
        publish(local, uri)
    return written
