"""Read Parquet files of any store, and write large ones to it, without lending a Python file to Arrow's threads.

Arrow reads ahead in threads of its own. Where those hold a Python file when the interpreter ends, the process aborts
("terminate called without an active exception"), rarely and after all work is done. So local files are opened
by Arrow itself, and others are read in the caller's thread and closed before it goes on.

Pages are written with their checksums, and every page that is read is held against its own: a flipped bit ends a run
with the file's name, and is never trained on.
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
    """An open file: its schema and number of rows, and its row groups one by one."""

    def __init__(self, file: pq.ParquetFile, uri: str) -> None:
        self._file, self._uri = file, uri
        self.metadata: pq.FileMetaData = file.metadata
        self.schema: pa.Schema = file.schema_arrow
        self.num_rows: int = file.metadata.num_rows
        self.num_row_groups: int = file.num_row_groups

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole table, or some of its columns."""
        with _damage_told(self._uri):
            return self._file.read(columns=columns, use_threads=False)

    def row_group(self, index: int, columns: Sequence[str] | None = None) -> pa.Table:
        """One row group."""
        with _damage_told(self._uri):
            return self._file.read_row_group(index, columns=columns, use_threads=False)


@contextmanager
def open_parquet(uri: str, metadata: pq.FileMetaData | None = None) -> Iterator[ParquetReader]:
    """Open a file for as long as the block runs; ``metadata`` that is known already is not read again.

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
    """Name the file that Arrow cannot make sense of. Errors of the storage pass: they have a number or a type."""
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
    """A file that was written."""

    bytes: int
    sha256: str
    rows: int


def write_parquet(uri: str, schema: pa.Schema, parts: Iterable[pa.Table]) -> Written:
    """Stream a table to its place, a row group a part: whole or not at all."""
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
