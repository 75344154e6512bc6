"""Audacity's label track: ``start``, ``end`` and text on each line, separated by tabs, in seconds with six decimals.

A hit is a point, its end at its start; the text is the class alone. https://manual.audacityteam.org (Importing and
Exporting Labels).
"""

from drumline.transcription.result import Transcription


def write(transcription: Transcription) -> bytes:
    """The file, UTF-8. Velocities and confidences have no place in it."""
    return "".join(f"{hit.time_s:.6f}\t{hit.time_s:.6f}\t{hit.label}\n" for hit in transcription.hits).encode()
