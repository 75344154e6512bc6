"""Normalise artists, titles and credits, so that spellings of one song or person compare equal.

Used by splits and duplicate removal. An empty result means unknown; unknown names are never equal.
"""

import re
import unicodedata
from typing import Final

_UNKNOWN: Final = frozenset(
    {"", "unknown", "unknown artist", "unknown charter", "unknown author", "unknown title", "various artists"}
    | {"various", "untitled", "none", "null", "na", "anonymous", "track"}
)
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_FEATURING: Final = re.compile(r"\s(?:feat|ft|featuring)\b.*$")
_PEOPLE: Final = re.compile(r"[,;/&+|]|\sand\s")


def normalise_name(text: str) -> str:
    """Normalise a name: no case, accents, punctuation, leading "the", guests or bracketed remarks ("(2x Bass Pedal)").

    A name that is only a remark is kept. Placeholders such as "Unknown Artist" become empty.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    folded = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
    bare = _FEATURING.sub("", _BRACKETS.sub(" ", folded))
    name = _words(bare) or _words(folded)
    return "" if name in _UNKNOWN else name


def work_key(artist: str, title: str) -> str:
    """Key of a song by artist and title; empty unless both are known."""
    names = normalise_name(artist), normalise_name(title)
    return " – ".join(names) if all(names) else ""


def people(text: str) -> tuple[str, ...]:
    """Known people in a credit such as "Ann, Bob & Cy", sorted."""
    return tuple(sorted({name for part in _PEOPLE.split(text) if (name := normalise_name(part))}))


def _words(text: str) -> str:
    words = "".join(char if char.isalnum() else "" if char in "'’`." else " " for char in text).split()
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)
