"""`python -m tests.docs.piano_roll SONG`: docs/images/piano-roll.png, a song's hits above those of the released model.

SONG is a folder of `drumline render-corpus`: ``drums.flac``, ``song.flac`` and ``hits.json``.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from drumline.charts.hits_json import read_hits_json
from drumline.core.vocabularies import LABEL_NAMES
from drumline.transcription.engine import open_engine
from drumline.transcription.transcribe import hits_of

TARGET: Final = Path(__file__).parents[2] / "docs" / "images" / "piano-roll.png"
START_S: Final = 4.0
END_S: Final = 14.0


def main(song: Path) -> None:
    engine = open_engine()
    rows = engine.package.classes
    data = (song / "hits.json").read_bytes()
    played = [(hit.time_s, hit.label) for hit in read_hits_json(data, str(song)).hits]
    events, _ = hits_of([song / "drums.flac", song / "song.flac"], engine)
    found = [(time_s, LABEL_NAMES[label]) for time_s, label in zip(events.time_s, events.label, strict=True)]
    figure = Figure(figsize=(10, 4.6), dpi=80, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    draw = ((above, "played", "#3d9467", played), (below, f"transcribed by {engine.package.name}", "#2a6fb5", found))
    for axes, title, colour, hits in draw:
        shown = _within(hits, rows)
        axes.vlines([time_s for time_s, _ in shown], *_spans(shown), colors=colour, linewidth=1.8)
        axes.set(xlim=(START_S, END_S), ylim=(-0.6, len(rows) - 0.4))
        axes.set_title(title, loc="left", fontsize=9)
        axes.set_yticks(range(len(rows)), rows, fontsize=7)
        axes.grid(axis="y", color="#e4e6e9", linewidth=0.5)
    below.set_xlabel("seconds", fontsize=8)
    figure.savefig(TARGET)


def _within(hits: Iterable[tuple[float, str]], rows: tuple[str, ...]) -> list[tuple[float, int]]:
    return [(time_s, rows.index(label)) for time_s, label in hits if START_S <= time_s < END_S and label in rows]


def _spans(hits: list[tuple[float, int]]) -> tuple[list[float], list[float]]:
    return [row - 0.4 for _, row in hits], [row + 0.4 for _, row in hits]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
