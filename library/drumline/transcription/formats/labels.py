"""Audacity's label track: ``start``, ``end`` and text on each line, separated by tabs, in seconds with six decimals.

A hit is a point, its end at its start; the text is the class alone. The first line has a fourth field, the provenance
mark, which Audacity passes over. https://manual.audacityteam.org (Importing and Exporting Labels).
"""

from drumline.charts.provenance import BLANK
from drumline.transcription.result import Transcription


def write(transcription: Transcription) -> bytes:
    """The file, UTF-8. Velocities and confidences have no place in it."""
    lines = [f"{hit.time_s:.6f}\t{hit.time_s:.6f}\t{hit.label}" for hit in transcription.hits]
    if lines:
        lines[0] += f"\t{BLANK}"
    return "".join(f"{line}\n" for line in lines).encode()
