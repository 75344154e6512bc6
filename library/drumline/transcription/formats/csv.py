"""CSV with a header: ``time_s,class,velocity,confidence`` and a column for each branch that any hit tells.

What is not known is an empty field. Times have six decimals; lines end as RFC 4180 wants, in CR LF.
"""

import csv
import io

from drumline.transcription.result import Transcription


def write(transcription: Transcription) -> bytes:
    """The file, UTF-8."""
    branches = sorted({name for hit in transcription.hits for name in hit.branches})
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["time_s", "class", "velocity", "confidence", *(f"branch_{name}" for name in branches)])
    for hit in transcription.hits:
        told = (hit.branches.get(name) for name in branches)
        writer.writerow([f"{hit.time_s:.6f}", hit.label, hit.velocity, hit.confidence, *told])
    return text.getvalue().encode()
