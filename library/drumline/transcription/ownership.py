"""Replace drumline's own results only: what a person made, or changed since, is never written over.

`refuse_foreign` is asked before any work, `write_own` again when a file is written. A file is our own where
`charts.provenance` finds its mark unchanged. Released versions before the mark wrote none: their files count as a
person's, and the message says so.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from fsspec.implementations.local import LocalFileSystem

from drumline.charts.provenance import MAX_MARKED_BYTES, is_unchanged
from drumline.core.artifacts import filesystem, write_bytes
from drumline.core.errors import ConfigError

_NUM_READERS: Final = 16
_NUM_NAMED: Final = 5


class ForeignFileError(FileExistsError):
    """A file that drumline did not write appeared under a result's name while it was working."""


def is_own(uri: str) -> bool:
    """Whether a result may be written here: nothing is there, or what drumline wrote and nobody changed."""
    fs, path = filesystem(uri)
    if isinstance(fs, LocalFileSystem) and os.path.islink(path) and not os.path.exists(path):
        return False  # a dangling link is a person's too
    try:
        info = fs.info(path)
        if info["type"] != "file" or int(info["size"] or 0) > MAX_MARKED_BYTES:
            return False
        return is_unchanged(fs.cat_file(path))
    except FileNotFoundError:
        return True
    except PermissionError:
        return False


def refuse_foreign(
    uris: Sequence[str], *, option: str, output: str = "--output", own: Callable[[str], bool] = is_own
) -> None:
    """Raise ConfigError with the names of files that may not be replaced; ``option`` replaces them all the same."""
    with ThreadPoolExecutor(_NUM_READERS) as pool:  # an object store takes as long for one file as for many
        foreign = [uri for uri, replaceable in zip(uris, pool.map(own, uris), strict=True) if not replaceable]
    if foreign:
        raise ConfigError(message(foreign, option=option, output=output))


def message(foreign: Sequence[str], *, option: str, output: str) -> str:
    """Message with the refused files, the reason and the remedy."""
    more = f" and {len(foreign) - _NUM_NAMED} more" if len(foreign) > _NUM_NAMED else ""
    return (
        f"{', '.join(foreign[:_NUM_NAMED])}{more}: not replaced, because drumline did not write "
        f"{'it' if len(foreign) == 1 else 'them'} as found (made or changed by a person, or written by a version of "
        f"drumline that did not mark its files). Nothing was done. Name another {output}, or set {option} to replace"
    )


def write_own(uri: str, data: bytes, *, overwrite: bool) -> None:
    """Write a result whole. Raises ForeignFileError where there is a file now that drumline did not write."""
    if not overwrite and not is_own(uri):
        raise ForeignFileError(f"{uri}: drumline did not write this file, and does not replace it")
    fs, path = filesystem(uri)
    write_bytes(os.path.realpath(path) if isinstance(fs, LocalFileSystem) else uri, data)
