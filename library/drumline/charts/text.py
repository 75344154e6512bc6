"""Text as it is found in the wild: encodings, line ends, numbers with units and decimal commas, style tags."""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OUTER: Final = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + "\0\u200b\u200e\u200f\ufeff"
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_LONGEST_NUMBER: Final = 64  # characters: reading a number of megabytes would take minutes
_NUMBER: Final = re.compile(r"[+-]?\s*(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")

# The tags of Unity's rich text (TextMeshPro), which the games show; anything else in angle brackets is part of the
# words. Of the valued ones only the commonest are tags without a value: "<Alpha>" may be a word, "<alpha=#80>" is not.
_VALUED: Final = (
    "color|size|font|font-weight|gradient|mark|alpha|align|cspace|indent|line-height|line-indent|link|margin|mspace"
    "|page|pos|rotate|space|sprite|style|voffset|width"
)
_TAG: Final = re.compile(
    r"</?(?:b|i|u|s|br|sub|sup|nobr|noparse|lowercase|uppercase|allcaps|smallcaps|color|size|font|gradient|mark"
    rf"|#[0-9a-f]{{3,8}})\s*/?>|<(?:{_VALUED})\s*=[^<>]*>|<sprite\s[^<>]*=[^<>]*>|</(?:{_VALUED})\s*>",
    re.IGNORECASE,
)


def decode(data: bytes) -> str:
    """Bytes as text: by byte-order mark, else UTF-8, else Windows-1252. Never fails: what has no meaning is U+FFFD."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace").lstrip("\ufeff")  # a file that was joined may have two
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def split_lines(text: str) -> list[str]:
    """The lines of a text. Only CR LF, CR and LF end one: `str.splitlines` would also cut values at VT or U+2028."""
    return _LINE_END.split(text)


def trimmed(text: str) -> str:
    """Text without outer white space, zero-width characters, byte-order marks and NULs."""
    return text.strip(_OUTER)


def leading_number(text: str) -> float | None:
    """The number that a text begins with, as the games read it; None where it begins with none.

    ``150,0`` is 150 (a decimal comma), ``+350 ms`` is 350 (a sign, a unit), ``"192.0"`` is 192 (quotes). The value may
    be infinite.
    """
    found = _NUMBER.match(trimmed(text).lstrip('"')[:_LONGEST_NUMBER].replace("\N{MINUS SIGN}", "-"))
    return float(re.sub(r"\s", "", found[0]).replace(",", ".")) if found else None


def plain(text: str) -> str:
    """Text without style tags such as ``<color=#ff0000>``, on one line, trimmed."""
    return " ".join(trimmed(_TAG.sub("", text)).split())
