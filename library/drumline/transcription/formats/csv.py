"""CSV with a header: ``time_s,class,velocity,confidence``, a column for each branch of any hit, and ``made_by``.

What is not known is an empty field; ``made_by`` is the provenance mark, in the first row alone. Times have six
decimals; lines end as RFC 4180 wants, in CR LF.
"""

import csv
import io

from drumline.charts.provenance import BLANK, CSV_COLUMN
from drumline.transcription.result import Transcription


def write(transcription: Transcription) -> bytes:
    """The file, UTF-8."""
    branches = sorted({name for hit in transcription.hits for name in hit.branches})
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["time_s", "class", "velocity", "confidence", *(f"branch_{name}" for name in branches), CSV_COLUMN])
    for number, hit in enumerate(transcription.hits):
        values = (hit.branches.get(name) for name in branches)
        mark = BLANK if number == 0 else ""
        writer.writerow([f"{hit.time_s:.6f}", hit.label, hit.velocity, hit.confidence, *values, mark])
    return text.getvalue().encode()
