"""Provenance marks: how files that drumline transcribed are recognised, in every format.

A mark is ``drumline-transcription:`` and the first 16 hexadecimal digits of the SHA-256 of the file itself, computed
with zeros in their place. That a file carries a mark says that a machine made it; that the digits agree says that
nobody has changed it since. Writers place `BLANK` where their format has room for it; `seal` fills the digits in.

===========================  =======================================================================
format                       location of the mark
===========================  =======================================================================
MIDI, ``notes.mid``          text meta event at tick 0 of the first track
``.chart``, ``song.ini``     a key of ``[Song]`` and of ``[song]``
``.sng``, ``.zip``           a key of the metadata; the archive's comment
JSON, JAMS, ``.bsm``         a key of the document (of its ``sandbox`` in JAMS)
MusicXML                     a field of ``identification/miscellaneous``
CSV                          the column ``made_by``, in the first row
Audacity labels              a fourth field of the first line, which Audacity passes over
===========================  =======================================================================
"""

import hashlib
import re
from typing import Final

KEY: Final = "drumline_mark"
"""Name of the mark in formats with keys."""
BLANK: Final = "drumline-transcription:" + "0" * 16
"""Placeholder that a writer inserts; `seal` fills it in."""
EDITED: Final = "drumline-edited-by-a-person:" + "0" * 11
"""Text in place of the mark where a person has edited the transcription: the file is that person's. As long as `BLANK`,
since formats state lengths."""
CSV_COLUMN: Final = "made_by"
MAX_MARKED_BYTES: Final = 64 * 2**20
"""No transcription is larger: a larger file is not read to find out who made it."""

_MARK: Final = re.compile(rb"drumline-transcription:([0-9a-f]{16})")
_WITHOUT_ROWS: Final = (b"", b"time_s,class,velocity,confidence," + CSV_COLUMN.encode() + b"\r\n")
"""Labels and CSV of a recording without hits: no line that a mark could be on, and no work of anyone's."""
_RELEASED_BEATMAP: Final = b'"createdAt": "1970-01-01T00:00:00Z"'
"""Beatmaps of versions before the mark have this date, which no editor writes."""


def seal(data: bytes) -> bytes:
    """A file with its marks filled in. The same length; unchanged where there is no mark."""
    digest = _digest(data)
    return _MARK.sub(BLANK[:-16].encode() + digest, data)


def finish(data: bytes, *, is_edited: bool) -> bytes:
    """A written file with its marks filled in; those of an edited transcription say that it is a person's work."""
    return _MARK.sub(EDITED.encode(), data) if is_edited else seal(data)


def is_marked(data: bytes) -> bool:
    """Whether drumline made a file, be it that a person has changed it since and left the mark in."""
    return _MARK.search(data) is not None


def is_transcription(data: bytes) -> bool:
    """Whether a chart is machine-made: marked, or a beatmap of a version that wrote no marks."""
    return is_marked(data) or _RELEASED_BEATMAP in data


def is_unchanged(data: bytes) -> bool:
    """Whether a file is as drumline wrote it, so that replacing it loses no work of a person's."""
    found = set(_MARK.findall(data))
    return found == {_digest(data)} if found else data in _WITHOUT_ROWS


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(_MARK.sub(BLANK.encode(), data)).hexdigest()[:16].encode()
