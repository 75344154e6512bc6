"""Text as it is found in the wild: byte-order marks, UTF-8, UTF-16, Windows-1252, style tags."""

import codecs
import re
from typing import Final

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# The tags that Clone Hero and Unity's rich text know; anything else in angle brackets is part of the words.
_TAG: Final = re.compile(
    r"</?(?:b|i|u|s|sub|sup|color|size|font|gradient|mark|nobr|lowercase|uppercase|smallcaps|#[0-9a-f]{3,8})(?:=[^<>]*)?>",
    re.IGNORECASE,
)


def decode(data: bytes) -> str:
    """Bytes as text: by byte-order mark, else UTF-8, else Windows-1252. Never fails: what has no meaning is U+FFFD."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def plain(text: str) -> str:
    """Text without style tags such as ``<color=#ff0000>``, on one line, trimmed."""
    return " ".join(_TAG.sub("", text).split())
