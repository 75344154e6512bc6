"""Names that strangers give to files, made safe for every system that may save them."""

import re
from pathlib import PurePosixPath
from typing import Final

MAX_CHARACTERS: Final = 120

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*]')
"""In names of files on Windows."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(?=\.|\s*$)", re.IGNORECASE)
"""Names of devices on Windows, whatever their ending."""


def shown_name(name: str, *, default: str) -> str:
    """The last part of a path as it can stand in answers and as a title: on one line, without markup of the games."""
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(each for each in last if each.isprintable() and each not in "<>")
    return printable[:MAX_CHARACTERS].strip(". ") or default


def safe_name(name: str, *, default: str) -> str:
    """The last part of a path as a file's name on Linux, macOS and Windows.

    Parameters
    ----------
    name
        As its sender calls it; folders in front of it are dropped.
    default
        The name where nothing is left.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(each for each in last if each.isprintable())
    found = _FORBIDDEN.sub("_", printable)
    stem, dot, ending = found.rpartition(".")
    if dot and len(ending) < 10:
        found = stem[: MAX_CHARACTERS - len(ending) - 1].strip(". ") + dot + ending.strip()
    found = found[:MAX_CHARACTERS].strip(". ")
    return (f"_{found}" if _RESERVED.match(found) else found) or default
