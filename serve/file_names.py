"""Sanitised file names of uploads, safe on Linux, macOS and Windows."""

import re
from pathlib import PurePosixPath
from typing import Final

MAX_CHARACTERS: Final = 120

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*]')
"""Characters that Windows forbids in file names."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(?=\.|\s*$)", re.IGNORECASE)
"""Device names on Windows, whatever their extension."""


def display_name(name: str, *, default: str) -> str:
    """File name for responses and song titles: one line, without the markup of games.

    Parameters
    ----------
    name
        The client's file name; leading folders are dropped.
    default
        Result if no character is left.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(character for character in last if character.isprintable() and character not in "<>")
    return printable[:MAX_CHARACTERS].strip(". ") or default


def safe_name(name: str, *, default: str) -> str:
    """File name that is valid on Linux, macOS and Windows.

    Parameters
    ----------
    name
        The client's file name; leading folders are dropped.
    default
        Result if no character is left.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(character for character in last if character.isprintable())
    safe = _FORBIDDEN.sub("_", printable)
    stem, dot, ending = safe.rpartition(".")
    if dot and len(ending) < 10:
        safe = stem[: MAX_CHARACTERS - len(ending) - 1].strip(". ") + dot + ending.strip()
    safe = safe[:MAX_CHARACTERS].strip(". ")
    return (f"_{safe}" if _RESERVED.match(safe) else safe) or default
