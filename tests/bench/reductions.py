"""`python -m tests.bench.reductions CHART ...`: our lower difficulties against charters', beside a plain filter.

Each chart is a ``notes.mid`` or ``notes.chart`` with four charted difficulties. The plain filter keeps the chords of
Expert that are a least time apart, chosen so that it keeps as many notes as the charter did.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from drumline.charts import dot_chart, notes_mid
from drumline.charts.chart import Note
from drumline.charts.reductions import LEVELS, reduced
from drumline.charts.song_ini import SongIni
from drumline.core.tempo import TempoMap


def f_measure(estimate: Sequence[Note], reference: Sequence[Note]) -> float:
    """F-measure of notes by tick and lane."""
    found, wanted = ({(note.tick, note.lane) for note in notes} for notes in (estimate, reference))
    return 2 * len(found & wanted) / max(1, len(found) + len(wanted))


def thinned(expert: Sequence[Note], tempo: TempoMap, count: int) -> list[Note]:
    """Notes of Expert whose chords are a least time apart, about as many as ``count``."""
    ticks = sorted({note.tick for note in expert})
    times_s = tempo.seconds(ticks)
    best: list[Note] = []
    for gap_s in np.geomspace(0.02, 4.0, 60):
        kept, last_s = set(), -np.inf
        for tick, time_s in zip(ticks, times_s, strict=True):
            if time_s - last_s >= gap_s:
                kept.add(tick)
                last_s = time_s
        notes = [note for note in expert if note.tick in kept]
        if abs(len(notes) - count) <= abs(len(best) - count):
            best = notes
    return best


def main(paths: Sequence[str]) -> None:
    print("| chart | level | notes | ours | F, ours | F, plain filter |\n| --- | --- | ---: | ---: | ---: | ---: |")
    for path in map(Path, paths):
        reader = dot_chart if path.suffix == ".chart" else notes_mid
        chart = reader.read(path.read_bytes(), name=path.name, ini=SongIni(pro_drums=True))
        expert = chart.difficulties["expert"]
        ours = reduced(expert, chart.tempo)
        for name in LEVELS:
            wanted, found = chart.difficulties[name], ours.get(name, ())
            plain = f_measure(thinned(expert, chart.tempo, len(wanted)), wanted)
            row = [path.stem, name, len(wanted), len(found), f"{f_measure(found, wanted):.3f}", f"{plain:.3f}"]
            print("|", " | ".join(map(str, row)), "|")


if __name__ == "__main__":
    main(sys.argv[1:])
