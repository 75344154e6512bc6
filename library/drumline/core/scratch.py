"""Temporary folders that do not outlive their process: one that was killed is cleaned up after by the next.

A folder is locked for as long as its process lives. Whose lock can be taken is nobody's, and is removed.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

_LOCK: Final = ".lock"


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder, removed at the end.

    Parameters
    ----------
    prefix
        Of its name. Folders of this prefix that dead processes left in the temporary folder are removed first.
    """
    remove_abandoned(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    lock = FileLock(folder / _LOCK)
    with lock.acquire(timeout=0):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(prefix: str) -> None:
    """Remove the scratch folders of a prefix whose processes are dead. Others' folders are left alone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        path = folder / _LOCK
        if folder.is_symlink() or not path.is_file():
            continue
        try:
            with FileLock(path).acquire(timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):  # it lives, or it is another user's
            continue
